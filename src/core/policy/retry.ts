/**
 * Retry: whether a failed attempt is tried again, and after how long.
 */
import type { RetryPolicy } from '../model/profile.ts'

/**
 * The delay before the next attempt, ms: exponential with full-range jitter around the nominal value.
 *
 * @param tries Attempts that count so far, at least 1.
 * @param random A number in [0, 1), given from outside.
 */
export function backoffMs(policy: RetryPolicy, tries: number, random: number): number {
  // A power beyond what numbers hold is infinite, and no delay times infinity is no number at all.
  const growth = Math.min(Number.MAX_VALUE, policy.factor ** Math.max(0, tries - 1))
  const nominal = Math.min(policy.maxMs, policy.minMs * growth)
  const spread = policy.jitter * (2 * random - 1)
  return Math.max(0, Math.round(Math.min(policy.maxMs, nominal * (1 + spread))))
}

/** Whether a failure leaves a further attempt. `lost` says that the worker went away. */
export function mayRetry(policy: RetryPolicy, tries: number, lost: boolean): boolean {
  return tries < policy.attempts && (policy.on === 'any' || lost)
}
