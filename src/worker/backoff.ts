/**
 * How long to wait before asking again something that has just failed.
 */
import { PerdureError, textOf } from '../errors.ts'
import { growingPauseMs, type Pauses } from '../std/pause.ts'

/** Doubling delays with jitter, from `firstMs` to `longestMs`. */
export class Backoff {
  readonly #pauses: Pauses
  #failures = 0

  constructor(firstMs: number, longestMs: number) {
    this.#pauses = { firstMs, longestMs }
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures
  }

  /** Counts a failure; answers how long to wait, ms: no shorter than the error itself says. */
  next(error?: unknown): number {
    const pauseMs = growingPauseMs(this.#pauses, this.#failures, Math.random())
    this.#failures++
    return Math.max(retryAfterMs(error), pauseMs)
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
