/**
 * Turns: one pass over everything that waits for the end of this turn of the event loop, for all runs of a process.
 * A pass begins when all promises that were settled have had their effect.
 */

export class Turns {
  /** So far. */
  passes = 0
  #waiting: (() => void)[] = []

  /** Calls `act` once the present turn is through. */
  next(act: () => void): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#pass())
    this.#waiting.push(act)
  }

  #pass(): void {
    this.passes++
    const acts = this.#waiting
    this.#waiting = []
    for (const act of acts) act()
  }
}

const ours = new Turns()
let present = (): Turns => ours

/** Tells the turns of several processes apart where one plays them all, as a simulation does. */
export function tellTurnsApart(turns: () => Turns | undefined): void {
  present = () => turns() ?? ours
}

/** Passes so far: two readings tell whether any run was busy in between. */
export function passesMade(): number {
  return present().passes
}

/** Calls `act` once the present turn is through. */
export function nextTurn(act: () => void): void {
  present().next(act)
}
