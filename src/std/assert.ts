/**
 * Assertions that stay on in production. A failed one is a bug in Perdure, never a user's mistake.
 */
import { PerdureError } from '../errors.ts'

/** Throws INTERNAL unless the condition holds. `claim` is what should have been true. */
export function assert(condition: unknown, claim: string): asserts condition {
  if (!condition) {
    throw new PerdureError(
      'INTERNAL',
      `A bug in Perdure: expected that ${claim}; found that it does not hold. Please report this with the stack.`,
    )
  }
}

/** For the default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new PerdureError(
    'INTERNAL',
    `A bug in Perdure: expected every case to be handled; found ${String(value)}.`,
  )
}
