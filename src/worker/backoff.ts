/**
 * How long to wait before asking again something that has just failed.
 */
import { PerdureError, textOf } from '../errors.ts'

/** Doubling delays with jitter, from `firstMs` to `longestMs`. */
export class Backoff {
  readonly #firstMs: number
  readonly #longestMs: number
  #failures = 0

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures
  }

  /** Counts a failure; answers how long to wait, ms: no shorter than the error itself says. */
  next(error?: unknown): number {
    const full = Math.min(this.#longestMs, this.#firstMs * 2 ** Math.min(this.#failures, 30))
    this.#failures++
    // half of it is random, so that workers that failed together do not come back together
    return Math.max(retryAfterMs(error), full / 2 + (Math.random() * full) / 2)
  }

  /** Counts a success. */
  reset(): void {
    this.#failures = 0
  }
}

function retryAfterMs(error: unknown): number {
  const after = error instanceof PerdureError ? error.data.retryAfterMs : undefined
  return typeof after === 'number' ? after : 0
}

/** Whether trying the same call again can help. What is not one of our errors is a bug, which stays. */
export function isRetryable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === true
}

/** Whether the client or the session is gone for good. */
export function isClosed(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'CLOSED'
}

/** Anything thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(textOf(thrown))
}
