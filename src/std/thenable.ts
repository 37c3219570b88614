/**
 * What users' functions answer: a value, or the promise of one.
 */

/** Whether a value is a promise, of whatever make. Throws where looking at it does. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
