/**
 * What an engine answers to a command that it could not carry out.
 *
 * Owns: the words. When each is given is engine.ts's to say.
 */
import { PerdureError, perdureError } from '../errors.ts'

/** Calls of an engine that has ended. */
export function closedError(): PerdureError {
  return perdureError('CLOSED', {
    expected: 'an open engine',
    found: 'one that was closed',
    fix: 'Open the store again',
  })
}

/** A call beyond those that may wait. @param most how many may. */
export function overloadedError(most: number): PerdureError {
  return perdureError('OVERLOADED', {
    expected: `at most ${most} commands to wait`,
    found: 'more',
    fix: 'Await earlier calls, or send fewer at once',
  })
}

/** A mistake of ours that a command met; an error of the table stays what it is. */
export function internalError(thrown: unknown): PerdureError {
  if (thrown instanceof PerdureError) return thrown
  return perdureError('INTERNAL', {
    expected: 'a command to be applied or refused',
    found: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    fix: 'Please report this',
    cause: thrown,
  })
}

/** A store that failed: nothing of the call took effect. */
export function storeError(thrown: unknown): PerdureError {
  if (thrown instanceof PerdureError) return thrown
  return perdureError('STORE_FAILED', {
    expected: 'the store to take a commit',
    found: thrown instanceof Error ? thrown.message : String(thrown),
    fix: 'Nothing was changed by this call; look at the disk and try again',
    cause: thrown,
  })
}

/** A commit of which nobody knows whether it took effect. */
export function unknownError(reason: unknown): PerdureError {
  return perdureError('UNKNOWN_OUTCOME', {
    expected: 'a commit to be acknowledged',
    found: reason instanceof Error ? reason.message : String(reason),
    fix: 'Try the same call again with the same key or request id',
    cause: reason,
  })
}
