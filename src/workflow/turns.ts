/**
 * Turns: one pass over everything that waits for the end of this turn of the event loop, for all runs of a process.
 * A pass begins when all promises that were settled have had their effect.
 */
let waiting: (() => void)[] = []
let passes = 0

/** Passes so far: two readings tell whether any run was busy in between. */
export function passesMade(): number {
  return passes
}

/** Calls `act` once the present turn is through. */
export function nextTurn(act: () => void): void {
  if (waiting.length === 0) setImmediate(pass)
  waiting.push(act)
}

function pass(): void {
  passes++
  const acts = waiting
  waiting = []
  for (const act of acts) {
    act()
  }
}
