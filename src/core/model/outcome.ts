/**
 * How an attempt can end, as plain data: what executors answer, workers report and the core decides on; and where
 * values that handlers return or throw carry such an end.
 */
import type { ErrorRecord } from '../../errors.ts'

/** Which standard stream a piece of output came from; `log` is what a handler wrote on purpose. */
export type LogStream = 'stdout' | 'stderr' | 'log'

/** Why an attempt is being asked to stop. Carried as the `reason` of its AbortSignal. */
export type StopReason = 'cancel' | 'timeout' | 'lease-lost' | 'drain'

/** How an attempt ended. */
export type Outcome =
  | { readonly type: 'succeeded'; readonly result?: unknown }
  | {
      readonly type: 'failed'
      readonly error: ErrorRecord
      /** False ends the job whatever its policy says; true or absent leaves it to the policy. */
      readonly retry?: boolean
      /** Overrides the back-off, ms. */
      readonly retryAfterMs?: number
      readonly result?: unknown
    }
  /** The attempt stopped because it was asked to, or asks for the job to be cancelled. */
  | { readonly type: 'cancelled'; readonly reason?: string }
  /** Not now: again after the delay, ms. Burns no attempt. */
  | { readonly type: 'snoozed'; readonly delayMs: number }
  /** Given back unfinished (drain). Burns no attempt. */
  | { readonly type: 'released' }
  /** A workflow run that waits. `seen`: how far it knows its journal; with more in it, it goes on at once. */
  | { readonly type: 'suspended'; readonly seen: number }
  /** A workflow run that cannot go on by itself, and waits for a person. */
  | { readonly type: 'paused'; readonly error: ErrorRecord }
  /** A workflow run that begins anew with another input. */
  | { readonly type: 'continued'; readonly input?: unknown }

/**
 * Where a value carries the outcome that it stands for. Registered under a name, so that two copies of the package in one
 * process understand each other.
 */
export const OUTCOME = Symbol.for('perdure.outcome')

/** The outcome that a returned or thrown value carries, or undefined for any other value. */
export function carriedOutcome(value: unknown): Outcome | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as { readonly [OUTCOME]?: Outcome })[OUTCOME]
}
