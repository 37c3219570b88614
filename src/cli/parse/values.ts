/**
 * Reads the values of options: ids, limits, dependencies, pairs, times, signals. Each refusal names the option.
 */
import { constants } from 'node:os'
import type { Dependency, EdgePolicy, LimitUse } from '../../client/types.ts'
import { unknownState } from '../../core/model/refusal.ts'
import { JOB_STATES, type JobState } from '../../core/model/states.ts'
import { perdureError } from '../../errors.ts'
import { parseDuration } from '../../std/duration.ts'
import { invalidOption } from '../../std/options.ts'

/** Ids that one command line may name. */
const MOST_IDS = 1_000_000

/** One id; `isExact` is false when it came from a range, whose gaps are no error. */
export interface NamedId {
  readonly id: number
  readonly isExact: boolean
}

/** Reads `12`, `10-20` and `1,2,5-7`, in any number of words. */
export function parseIds(words: readonly string[]): NamedId[] {
  const ids = new Map<number, NamedId>()
  const parts = words.flatMap((word) => word.split(','))
  for (const part of parts) {
    const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part)
    const first = Number(match?.[1])
    const last = Number(match?.[2] ?? match?.[1])
    if (match === null || first < 1 || last < first) {
      throw invalidOption(
        'ID',
        'a job id such as 12, or a range such as 10-20',
        part,
        'Ids are printed by `perdure submit` and `perdure status`',
      )
    }
    if (ids.size + (last - first) >= MOST_IDS) {
      throw perdureError('TOO_LARGE', {
        expected: `at most ${MOST_IDS} ids in one command`,
        found: part,
        fix: 'Use a smaller range, or the filters --state, --queue, --kind and --meta',
      })
    }
    const isExact = match[2] === undefined
    for (let id = first; id <= last; id += 1) if (isExact || !ids.has(id)) ids.set(id, { id, isExact })
  }
  return [...ids.values()]
}

/** Reads the one id of a command that is about one job. */
export function parseId(words: readonly string[]): number {
  const [only, ...others] = parseIds(words)
  if (only !== undefined && others.length === 0) return only.id
  throw invalidOption('ID', 'one job id, such as 12', words.join(' '))
}

/** Reads a value that is given as JSON. */
export function parseJson(owner: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidOption(
      owner,
      'JSON',
      text,
      `A text needs quotes of its own: '"${text.replaceAll('"', '')}"'`,
    )
  }
}

const POLICIES: readonly string[] = ['fail', 'cancel', 'run'] satisfies EdgePolicy[]

/** Reads `--after 12,13:run`. */
export function parseAfter(words: readonly string[]): Dependency[] {
  return words
    .flatMap((word) => word.split(','))
    .map((part) => {
      const [id = '', policy, ...rest] = part.split(':')
      if (
        !/^[1-9]\d{0,14}$/.test(id) ||
        rest.length > 0 ||
        (policy !== undefined && !POLICIES.includes(policy))
      ) {
        throw invalidOption(
          '--after',
          'ids such as 12,13, each with :fail, :cancel or :run behind it if wanted',
          part,
        )
      }
      return policy === undefined ? { job: Number(id) } : { job: Number(id), onFailure: policy as EdgePolicy }
    })
}

/** Reads `--limit api=4`. The key may hold `=` itself. */
export function parseLimits(words: readonly string[]): LimitUse[] {
  return words.map((word) => {
    const at = word.lastIndexOf('=')
    const max = Number(word.slice(at + 1))
    if (at < 1 || !/^[1-9]\d{0,8}$/.test(word.slice(at + 1))) {
      throw invalidOption('--limit', 'a key and a number, such as api=4', word)
    }
    return { key: word.slice(0, at), max }
  })
}

/** Reads `NAME=VALUE` pairs of one option; a later one wins. */
export function parsePairs(option: string, words: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {}
  for (const word of words) {
    const at = word.indexOf('=')
    if (at < 1) throw invalidOption(option, 'a name and a value, such as color=red', word)
    Object.defineProperty(pairs, word.slice(0, at), {
      value: word.slice(at + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return pairs
}

/** Reads a whole number within bounds. */
export function parseWhole(option: string, text: string, least: number, most: number): number {
  const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw invalidOption(option, `a whole number from ${least} to ${most}`, text)
}

/** Reads a moment: an ISO date and time, `HH:MM` for the next such time of the day, or `@` and epoch seconds. */
export function parseMoment(option: string, text: string, now: number): number {
  const epoch = /^@(\d{1,12}(?:\.\d{1,3})?)$/.exec(text)
  if (epoch !== null) return Math.round(Number(epoch[1]) * 1_000)
  const clock = /^(\d{1,2}):(\d{2})$/.exec(text)
  if (clock !== null && Number(clock[1]) < 24 && Number(clock[2]) < 60) {
    const moment = new Date(now)
    moment.setHours(Number(clock[1]), Number(clock[2]), 0, 0)
    if (moment.getTime() <= now) moment.setDate(moment.getDate() + 1)
    return moment.getTime()
  }
  const moment = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(moment)) return moment
  throw invalidOption(option, 'a moment such as 2030-01-31T18:00, 18:00 or @1893456000', text)
}

/** Reads a duration; see std/duration. */
export function parseSpan(option: string, text: string): number {
  return parseDuration(text, option)
}

/** Reads the names of job states, `live` and `ended` for the groups of them. */
export function parseStates(words: readonly string[]): JobState[] {
  const states = words
    .flatMap((word) => word.split(','))
    .flatMap((word): readonly string[] => {
      if (word === 'live') return JOB_STATES.slice(0, 7)
      return word === 'ended' ? JOB_STATES.slice(7) : [word]
    })
  for (const state of states) {
    if ((JOB_STATES as readonly string[]).includes(state)) continue
    throw unknownState(state, [...JOB_STATES, 'live', 'ended'])
  }
  return states as JobState[]
}

/** Reads a signal: `TERM`, `SIGTERM` or `15`. */
export function parseSignal(text: string): string {
  const upper = text.toUpperCase()
  const entries = Object.entries(constants.signals)
  const found = entries.find(
    ([name, number]) => name === upper || name === `SIG${upper}` || String(number) === text,
  )
  if (found !== undefined) return found[0]
  throw invalidOption('--signal', 'a signal such as TERM, SIGINT or 9', text, 'See `kill -l` for all of them')
}
