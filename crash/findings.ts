/**
 * What a scenario can find, told apart by kind: each has an exit code of its own.
 */

/** Something that must always hold did not: what was acknowledged is gone, or something happened twice. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** Something that must end, or come to pass, did not within its time. */
export class Stuck extends Error {
  override readonly name = 'Stuck'
}

/** Throws a violation that names the first problems, if there are any. */
export function mustBeNone(problems: readonly string[], when: string): void {
  if (problems.length === 0) return
  const rest = problems.length > MOST_TOLD ? `, and ${problems.length - MOST_TOLD} more` : ''
  throw new Violation(`${when}: ${problems.slice(0, MOST_TOLD).join('; ')}${rest}`)
}

/** Throws a violation unless the condition holds. */
export function must(condition: boolean, found: () => string): void {
  if (!condition) throw new Violation(found())
}

const MOST_TOLD = 5

/** What a promise resolves with; rejects with {@link Stuck} when that takes longer than `limitMs`. */
export async function within<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Stuck(`${what}: still not after ${limitMs / 1_000} s`)), limitMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
