/**
 * Retry, time limits and retention as people write them, made into what a profile holds.
 *
 * Owns: the public names and shapes of these options and their checks. The defaults of what is left out are
 * those of core/model/profile.ts; nothing is filled in here.
 */
import type { CommandContext, Retention, RetryPolicy, Timeouts } from '../core/model/profile.ts'
import { type Requirements, versionOf } from '../core/model/requirements.ts'
import { type Duration, MAX_DURATION_MS, parseDuration } from '../std/duration.ts'
import { checkKnown, invalidOption, nonEmptyText, numberBetween, oneOf, wholeNumber } from '../std/options.ts'
import { type RequireOptions, readRequirements } from './requirements.ts'
import type { ProfileOptions } from './types.ts'

/** How failures are tried again; a number means that many attempts. */
export type RetryOption = number | RetryOptions

/** How failures are tried again. */
export interface RetryOptions {
  /** Most attempts since the last restart, the first included; Infinity means a million. Default 5. */
  readonly attempts?: number
  /** `exponential` grows by `factor` from `min` to `max`; `fixed` always waits `min`. Default `exponential`. */
  readonly backoff?: 'exponential' | 'fixed'
  /** First delay. Default 1 s. */
  readonly min?: Duration
  /** Longest delay. Default 10 min, or `min` where that is longer. */
  readonly max?: Duration
  /** Growth per attempt, from 1. Default 2. */
  readonly factor?: number
  /** Share of the delay that is random, 0 to 1. Default 0.2. */
  readonly jitter?: number
  /** `any` failure, or only attempts whose worker was `lost`. Default `any`. */
  readonly on?: 'any' | 'lost'
}

/** Time limits; one duration is that of each attempt. */
export type TimeoutOption = Duration | TimeoutOptions

/** Time limits; 0 means none. */
export interface TimeoutOptions {
  /** One attempt. Default: none. */
  readonly attempt?: Duration
  /** From being due to the start of an attempt. Default: none. */
  readonly start?: Duration
  /** From the enqueue to the end of the job, all attempts included. Default: none. */
  readonly total?: Duration
  /** An attempt that was not heard of for this long is lost. At least 100 ms; default 30 s. */
  readonly lease?: Duration
  /** From asking an attempt to stop to ending it by force. Default 5 s. */
  readonly grace?: Duration
}

/** How long an ended job is kept. */
export interface RetentionOptions {
  /** Default 1 day. */
  readonly succeeded?: Duration | 'ever'
  /** Default 14 days. */
  readonly failed?: Duration | 'ever'
  /** Default 7 days. */
  readonly cancelled?: Duration | 'ever'
}

/** Options that many jobs share. */
export interface SharedOptions {
  readonly retry?: RetryOption
  readonly timeout?: TimeoutOption
  readonly retention?: RetentionOptions
  /** Share of its queue that the job's fairness key gets, relative to others; 1e-6 to 1e6, default 1. */
  readonly weight?: number
  /** Environment, folder and user of commands. */
  readonly command?: CommandContext
  /** What the worker that takes the job must be. */
  readonly requires?: RequireOptions
}

/** The names of {@link SharedOptions}. */
export const SHARED_OPTIONS = ['retry', 'timeout', 'retention', 'weight', 'command', 'requires'] as const

/** Checks shared options; answers what was given, in ms, or undefined when nothing was. */
export function readShared(owner: string, options: SharedOptions): ProfileOptions | undefined {
  const { retry, timeout, retention, weight, command, requires } = options
  const read: ProfileOptions = {
    ...(retry === undefined ? {} : { retry: readRetry(`${owner} retry`, retry) }),
    ...(timeout === undefined ? {} : { timeouts: readTimeout(`${owner} timeout`, timeout) }),
    ...(retention === undefined ? {} : { retention: readRetention(`${owner} retention`, retention) }),
    ...(weight === undefined ? {} : { weight: numberBetween(`${owner} weight`, weight, 1e-6, 1e6) }),
    ...(command === undefined ? {} : { command: readCommand(`${owner} command`, command) }),
    ...(requires === undefined ? {} : { requires: readRequirements(`${owner} requires`, requires) }),
  }
  return Object.keys(read).length === 0 ? undefined : Object.freeze(read)
}

/** The second set over the first, name by name within each group. */
export function mergeShared(
  base: ProfileOptions | undefined,
  over: ProfileOptions | undefined,
): ProfileOptions | undefined {
  if (base === undefined || over === undefined) return over ?? base
  return Object.freeze({
    ...base,
    ...over,
    ...(base.retry && over.retry ? { retry: { ...base.retry, ...over.retry } } : {}),
    ...(base.timeouts && over.timeouts ? { timeouts: { ...base.timeouts, ...over.timeouts } } : {}),
    ...(base.retention && over.retention ? { retention: { ...base.retention, ...over.retention } } : {}),
    ...(base.requires && over.requires ? { requires: mergeRequires(base.requires, over.requires) } : {}),
  })
}

/** A run stays with its version, whatever else is asked for. */
function mergeRequires(base: Requirements, over: Requirements): Requirements {
  const versions = (base.labels ?? []).filter((label) => versionOf(label) !== undefined)
  const labels =
    versions.length > 0 && over.labels !== undefined ? { labels: [...versions, ...over.labels] } : {}
  return { ...base, ...over, ...labels }
}

const MOST_ATTEMPTS = 1_000_000
/** A shorter term could not be renewed in time by a process that does anything else. */
const SHORTEST_LEASE_MS = 100
const RETRY_NAMES = ['attempts', 'backoff', 'min', 'max', 'factor', 'jitter', 'on']

function readRetry(name: string, retry: RetryOption): Partial<RetryPolicy> {
  if (typeof retry === 'number') return { attempts: readAttempts(name, retry) }
  checkKnown(name, retry, RETRY_NAMES)
  const { attempts, backoff, min, max, factor, jitter, on } = retry
  if (backoff !== undefined) oneOf(`${name}.backoff`, backoff, ['exponential', 'fixed'])
  if (backoff === 'fixed' && factor !== undefined && factor !== 1) {
    throw invalidOption(`${name}.factor`, "1 or left out with backoff 'fixed'", factor)
  }
  const minMs = min === undefined ? undefined : parseDuration(min, `${name}.min`)
  const maxMs = max === undefined ? longestOf(minMs, backoff) : parseDuration(max, `${name}.max`)
  if (minMs !== undefined && maxMs !== undefined && maxMs < minMs) {
    throw invalidOption(`${name}.max`, `at least ${name}.min`, max)
  }
  return {
    ...(attempts === undefined ? {} : { attempts: readAttempts(`${name}.attempts`, attempts) }),
    ...(minMs === undefined ? {} : { minMs }),
    ...(maxMs === undefined ? {} : { maxMs }),
    ...(backoff === 'fixed' ? { factor: 1 } : {}),
    ...(factor === undefined ? {} : { factor: numberBetween(`${name}.factor`, factor, 1, 100) }),
    ...(jitter === undefined ? {} : { jitter: numberBetween(`${name}.jitter`, jitter, 0, 1) }),
    ...(on === undefined ? {} : { on: oneOf(`${name}.on`, on, ['any', 'lost']) }),
  }
}

/** The longest delay where none was given: a first delay beyond the default must not be cut down to it. */
function longestOf(minMs: number | undefined, backoff: RetryOptions['backoff']): number | undefined {
  if (minMs === undefined) return undefined
  return backoff === 'fixed' || minMs > 600_000 ? minMs : undefined
}

function readAttempts(name: string, attempts: number): number {
  if (attempts === Number.POSITIVE_INFINITY) return MOST_ATTEMPTS
  return wholeNumber(name, attempts, 1, MOST_ATTEMPTS)
}

function readTimeout(name: string, timeout: TimeoutOption): Partial<Timeouts> {
  if (typeof timeout === 'string' || typeof timeout === 'number')
    return { startToCloseMs: parseDuration(timeout, name) }
  checkKnown(name, timeout, ['attempt', 'start', 'total', 'lease', 'grace'])
  const { attempt, start, total, lease, grace } = timeout
  const heartbeatMs = lease === undefined ? undefined : parseDuration(lease, `${name}.lease`)
  if (heartbeatMs !== undefined && heartbeatMs < SHORTEST_LEASE_MS)
    throw invalidOption(`${name}.lease`, 'at least 100 ms', lease)
  return {
    ...(attempt === undefined ? {} : { startToCloseMs: parseDuration(attempt, `${name}.attempt`) }),
    ...(start === undefined ? {} : { scheduleToStartMs: parseDuration(start, `${name}.start`) }),
    ...(total === undefined ? {} : { scheduleToCloseMs: parseDuration(total, `${name}.total`) }),
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    ...(grace === undefined ? {} : { graceMs: parseDuration(grace, `${name}.grace`) }),
  }
}

function readRetention(name: string, retention: RetentionOptions): Partial<Retention> {
  checkKnown(name, retention, ['succeeded', 'failed', 'cancelled'])
  const { succeeded, failed, cancelled } = retention
  return {
    ...(succeeded === undefined ? {} : { succeededMs: readKept(succeeded, `${name}.succeeded`) }),
    ...(failed === undefined ? {} : { failedMs: readKept(failed, `${name}.failed`) }),
    ...(cancelled === undefined ? {} : { cancelledMs: readKept(cancelled, `${name}.cancelled`) }),
  }
}

function readKept(kept: Duration | 'ever', name: string): number {
  return kept === 'ever' ? MAX_DURATION_MS : parseDuration(kept, name)
}

function readCommand(name: string, command: CommandContext): CommandContext {
  checkKnown(name, command, ['env', 'cwd', 'user', 'group'])
  for (const part of ['cwd', 'user', 'group'] as const) {
    if (command[part] !== undefined) nonEmptyText(`${name}.${part}`, command[part], 4_096)
  }
  for (const [variable, value] of Object.entries(command.env ?? {})) {
    if (typeof value !== 'string') throw invalidOption(`${name}.env.${variable}`, 'text', value)
  }
  return command
}
