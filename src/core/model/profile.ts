/**
 * Option sets ("profiles"): everything about a job that many jobs share.
 *
 * Owns: the shape, the defaults, and the canonical text under which a profile is interned. A job row
 * refers to its profile by number, so a submission of a million tasks stores its environment once.
 */

import type { Requirements } from './requirements.ts'

/** How failures are tried again. */
export interface RetryPolicy {
  /** Most attempts since the last restart, the first included. */
  readonly attempts: number
  /** First delay, ms. */
  readonly minMs: number
  /** Longest delay, ms. */
  readonly maxMs: number
  /** Growth per attempt; 1 is a fixed delay. */
  readonly factor: number
  /** Share of the delay that is random, 0 to 1. */
  readonly jitter: number
  /** `any`: every failure; `lost`: only attempts whose worker went away. */
  readonly on: 'any' | 'lost'
}

/** Time limits in ms; 0 means none. */
export interface Timeouts {
  /** From being due to the start of an attempt. */
  readonly scheduleToStartMs: number
  /** One attempt. */
  readonly startToCloseMs: number
  /** From the enqueue to the end of the job, all attempts included. */
  readonly scheduleToCloseMs: number
  /** Lease term: an attempt not heard of for this long is lost. Never 0. */
  readonly heartbeatMs: number
  /** From asking an attempt to stop to ending it by force. */
  readonly graceMs: number
}

/** How long an ended job is kept, ms. */
export interface Retention {
  readonly succeededMs: number
  readonly failedMs: number
  readonly cancelledMs: number
}

/** What a command runs in. Stored once per submission. */
export interface CommandContext {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly user?: string
  readonly group?: string
}

/** One interned option set. */
export interface Profile {
  readonly retry: RetryPolicy
  readonly timeouts: Timeouts
  readonly retention: Retention
  /** Share of its queue that the job's fairness key gets, relative to others. */
  readonly weight: number
  readonly command?: CommandContext
  /** What its worker must be. */
  readonly requires?: Requirements
}

const DAY = 86_400_000

/** What a job gets that says nothing. */
export const DEFAULT_PROFILE: Profile = {
  retry: { attempts: 5, minMs: 1_000, maxMs: 600_000, factor: 2, jitter: 0.2, on: 'any' },
  timeouts: {
    scheduleToStartMs: 0,
    startToCloseMs: 0,
    scheduleToCloseMs: 0,
    heartbeatMs: 30_000,
    graceMs: 5_000,
  },
  retention: { succeededMs: DAY, failedMs: 14 * DAY, cancelledMs: 7 * DAY },
  weight: 1,
}
