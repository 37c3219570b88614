/**
 * The options of a step, checked and with their defaults.
 */
import type { RetryPolicy } from '../core/model/profile.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { checkKnown, wholeNumber } from '../std/options.ts'
import type { StepTimeouts } from './step.ts'

/** How a failing step is tried again. */
export interface StepRetry {
  /** Most tries, the first included. Default 5. */
  readonly attempts?: number
  /** First delay; doubles from try to try. Default 1 s. */
  readonly min?: Duration
  /** Longest delay. Default 1 min. */
  readonly max?: Duration
}

/** Time limits of a step. Default of each: none. */
export interface StepTimeout {
  /** One try. */
  readonly attempt?: Duration
  /** All tries together, the delays between them included. */
  readonly total?: Duration
  /** The longest time without `heartbeat()`, for tries that may hang. */
  readonly heartbeat?: Duration
}

/** The options of a step. */
export interface StepOptions<Value = unknown> {
  readonly retry?: StepRetry
  /** How long one try may take, or more in detail. Default: as long as it takes. */
  readonly timeout?: Duration | StepTimeout
  /** Undoes the step with its result when the run fails or is cancelled: the last step first. Tried like any step. */
  readonly undo?: (value: Value) => unknown
}

/** Options as a run takes them. */
export interface StepRules {
  readonly retry: RetryPolicy
  readonly timeouts: StepTimeouts
}

const NO_TIMEOUTS: StepTimeouts = { attemptMs: 0, totalMs: 0, heartbeatMs: 0 }

/** What holds for a step that says nothing. */
export const DEFAULT_RULES: StepRules = {
  retry: { attempts: 5, minMs: 1_000, maxMs: 60_000, factor: 2, jitter: 0.2, on: 'any' },
  timeouts: NO_TIMEOUTS,
}

/**
 * Checks the options of a step.
 *
 * @throws INVALID_OPTION or INVALID_DURATION, naming the option.
 */
export function readStepOptions(owner: string, options: StepOptions<never>): StepRules {
  checkKnown(owner, options, ['retry', 'timeout', 'undo'])
  const { retry, timeout } = options
  if (retry === undefined && timeout === undefined) return DEFAULT_RULES
  return { retry: readRetry(`${owner} retry`, retry), timeouts: readTimeout(`${owner} timeout`, timeout) }
}

function readRetry(owner: string, retry: StepRetry | undefined): RetryPolicy {
  if (retry === undefined) return DEFAULT_RULES.retry
  checkKnown(owner, retry, ['attempts', 'min', 'max'])
  const { attempts, min, max } = retry
  const standard = DEFAULT_RULES.retry
  return {
    ...standard,
    ...(attempts === undefined ? {} : { attempts: wholeNumber(`${owner}.attempts`, attempts, 1, 1_000_000) }),
    ...(min === undefined ? {} : { minMs: parseDuration(min, `${owner}.min`) }),
    maxMs: max === undefined ? longestOf(min, owner) : parseDuration(max, `${owner}.max`),
  }
}

/** A first delay beyond the default of the longest must not be cut down to it. */
function longestOf(min: Duration | undefined, owner: string): number {
  const standard = DEFAULT_RULES.retry.maxMs
  return min === undefined ? standard : Math.max(standard, parseDuration(min, `${owner}.min`))
}

function readTimeout(owner: string, timeout: Duration | StepTimeout | undefined): StepTimeouts {
  if (timeout === undefined) return NO_TIMEOUTS
  if (typeof timeout !== 'object') return { ...NO_TIMEOUTS, attemptMs: parseDuration(timeout, owner) }
  checkKnown(owner, timeout, ['attempt', 'total', 'heartbeat'])
  const read = (part: keyof StepTimeout): number => {
    const duration = timeout[part]
    return duration === undefined ? 0 : parseDuration(duration, `${owner}.${part}`)
  }
  return { attemptMs: read('attempt'), totalMs: read('total'), heartbeatMs: read('heartbeat') }
}
