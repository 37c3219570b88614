/**
 * What an attempt that was stopped ends as, in words that are the same for every executor.
 *
 * Owns: the outcome per stop reason. Never decides whether the attempt was stopped or ended by itself.
 */
import type { Outcome, StopReason } from '../core/model/outcome.ts'
import { type ErrorCode, errorRecord, perdureError } from '../errors.ts'

/** What else there is to tell about the end of a stopped attempt. */
export interface StopDetails {
  /** What the work did when it was stopped: `'the command ended by SIGTERM'`. */
  readonly found: string
  readonly result?: unknown
}

/**
 * The outcome of an attempt that ended because it was asked to.
 *
 * @returns `cancelled`, `released` (drain), or `failed` with TIMEOUT or LEASE_LOST.
 */
export function stoppedOutcome(reason: StopReason, details: StopDetails): Outcome {
  switch (reason) {
    case 'cancel':
      return { type: 'cancelled', reason: details.found }
    case 'drain':
      return { type: 'released' }
    case 'timeout':
      return failed('TIMEOUT', 'the attempt to end within its time limit', details, RAISE)
    case 'lease-lost':
      return failed('LEASE_LOST', 'the lease to hold while the attempt runs', details, RENEW)
  }
}

const RAISE = 'Raise the time limit of the attempt, or do less in one attempt'
const RENEW = 'Nothing, if another attempt has begun; otherwise check that the worker can reach its engine'

function failed(code: ErrorCode, expected: string, details: StopDetails, fix: string): Outcome {
  const error = errorRecord(perdureError(code, { expected, found: details.found, fix }))
  return { type: 'failed', error, ...(details.result === undefined ? {} : { result: details.result }) }
}

/** The reason that an AbortSignal carries; anything unknown counts as `cancel`. */
export function stopReasonOf(signal: AbortSignal): StopReason {
  const reason: unknown = signal.reason
  return reason === 'timeout' || reason === 'lease-lost' || reason === 'drain' ? reason : 'cancel'
}
