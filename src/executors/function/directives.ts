/**
 * What a handler can return or throw to end its attempt in another way than by a result or a failure.
 *
 * Owns: the shapes, and how they become outcomes. Never does: deciding on retries (that is the core's).
 */
import { OUTCOME, type Outcome } from '../../core/model/outcome.ts'
import { errorRecord } from '../../errors.ts'
import { type Duration, parseDuration } from '../../std/duration.ts'

/** Returned by a handler: the end of its attempt. Made by {@link snooze}, {@link cancel} and {@link fail}. */
export interface Directive {
  readonly [OUTCOME]: Outcome
}

/** How a failure is to be tried again, where the policy of the job shall not decide alone. */
export interface FailOptions {
  /** False: never again, whatever the policy says. Default: the policy decides. */
  readonly retry?: boolean
  /** The delay before the next attempt, instead of the policy's back-off. */
  readonly retryAfter?: Duration
}

/** Thrown by a handler: a failure that says how it is to be tried again. */
export class AttemptError extends Error {
  override readonly name = 'AttemptError'
  readonly [OUTCOME]: Outcome

  constructor(outcome: Outcome & { readonly type: 'failed' }, cause: unknown) {
    super(outcome.error.message, { cause })
    this[OUTCOME] = outcome
  }
}

/**
 * Return it to run again later without burning an attempt.
 *
 * @throws INVALID_DURATION when the delay cannot be read.
 */
export function snooze(delay: Duration): Directive {
  return { [OUTCOME]: { type: 'snoozed', delayMs: parseDuration(delay, 'snooze') } }
}

/** Return it to cancel the own job. */
export function cancel(reason?: string): Directive {
  return { [OUTCOME]: reason === undefined ? { type: 'cancelled' } : { type: 'cancelled', reason } }
}

/**
 * Return it to fail without throwing.
 *
 * @throws INVALID_DURATION when `retryAfter` cannot be read.
 */
export function fail(error: unknown, options: FailOptions = {}): Directive {
  return { [OUTCOME]: failedOutcome(error, options) }
}

/** Throw it to fail for good: `throw fatal('no such customer')`. The job is not tried again. */
export function fatal(error: unknown): AttemptError {
  return new AttemptError(failedOutcome(error, { retry: false }), error)
}

/**
 * Throw it to fail and be tried again after a delay: `throw retryAfter(error, '30s')`.
 *
 * @throws INVALID_DURATION when the delay cannot be read.
 */
export function retryAfter(error: unknown, delay: Duration): AttemptError {
  return new AttemptError(failedOutcome(error, { retryAfter: delay }), error)
}

function failedOutcome(error: unknown, options: FailOptions): Outcome & { readonly type: 'failed' } {
  const { retry, retryAfter: delay } = options
  return {
    type: 'failed',
    error: errorRecord(error),
    ...(retry === undefined ? {} : { retry }),
    ...(delay === undefined ? {} : { retryAfterMs: parseDuration(delay, 'retryAfter') }),
  }
}
