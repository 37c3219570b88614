/**
 * Profiles and routes: options of a call as the interned things that the core knows.
 *
 * Options are read once per object: a submission that hands in the same object a million times pays once.
 */

import { type CommandContext, DEFAULT_PROFILE, type Profile } from '../../core/model/profile.ts'
import { type Requirements, requirementsText } from '../../core/model/requirements.ts'
import type { RouteSpec } from '../../core/policy/route.ts'
import { readRequirements } from '../requirements.ts'
import type { ProfileOptions } from '../types.ts'
import { checkInteger, checkKeys, checkMs, checkObject, checkOneOf, invalid, tooLarge } from './validate.ts'

/** Most characters of a profile: an environment is some KiB. */
const MOST_PROFILE = 512 * 1024
/** Specs to keep; beyond it the cache begins anew. */
const MOST_SPECS = 5_000

const PARTS = new Set(['retry', 'timeouts', 'retention', 'weight', 'command', 'requires'])
const COMMAND = new Set(['env', 'cwd', 'user', 'group'])
const keysOf = (part: object) => new Set(Object.keys(part))

/** Options as they are interned: all of them, and what they need. */
interface Texts {
  readonly profile: string
  readonly requires: string
}

export class Profiles {
  readonly #texts = new WeakMap<ProfileOptions, Texts>()
  #specs = new Map<string, Map<string, RouteSpec>>()
  #count = 0
  readonly #defaults: Profile
  readonly #default: Texts

  /** @param defaults over the built-in profile; checked as the options of a job are. */
  constructor(defaults: ProfileOptions = {}) {
    this.#defaults = readProfile(defaults, DEFAULT_PROFILE)
    this.#default = textsOf(this.#defaults)
  }

  /** The route of a job; the same object for the same names and options. */
  route(namespace: string, queue: string, kind: string, options: ProfileOptions | undefined): RouteSpec {
    const { profile, requires } = options === undefined ? this.#default : this.#read(options)
    let byName = this.#specs.get(profile)
    if (byName === undefined) {
      if (this.#count > MOST_SPECS) this.#specs = new Map()
      byName = new Map()
      this.#specs.set(profile, byName)
    }
    const name = `${namespace}\n${queue}\n${kind}`
    let spec = byName.get(name)
    if (spec === undefined) {
      spec = { namespace, queue, kind, profile, requires }
      byName.set(name, spec)
      this.#count++
    }
    return spec
  }

  #read(options: ProfileOptions): Texts {
    let texts = this.#texts.get(checkObject('options', options))
    if (texts === undefined) {
      texts = textsOf(readProfile(options, this.#defaults))
      const { length } = texts.profile
      if (length > MOST_PROFILE)
        throw tooLarge('options', `${MOST_PROFILE} characters`, `${length} characters`)
      this.#texts.set(options, texts)
    }
    return texts
  }
}

function textsOf(profile: Profile): Texts {
  return { profile: JSON.stringify(profile), requires: requirementsText(profile.requires ?? {}) }
}

/** Options with every default filled in, in one order of properties. Throws INVALID_OPTION. */
function readProfile(options: ProfileOptions, defaults: Profile): Profile {
  checkKeys('options', checkObject('options', options), PARTS)
  const { retry, timeouts, retention } = defaults
  const given = {
    retry: options.retry ?? {},
    timeouts: options.timeouts ?? {},
    retention: options.retention ?? {},
  }
  for (const part of ['retry', 'timeouts', 'retention'] as const) {
    checkKeys(`options.${part}`, checkObject(`options.${part}`, given[part]), keysOf(DEFAULT_PROFILE[part]))
  }
  const profile = {
    retry: readRetry({ ...retry, ...defined(given.retry) }),
    timeouts: readTimes('timeouts', { ...timeouts, ...defined(given.timeouts) }),
    retention: readTimes('retention', { ...retention, ...defined(given.retention) }),
    weight: readWeight(options.weight ?? defaults.weight),
  }
  if (profile.timeouts.heartbeatMs < 100) {
    throw invalid('options.timeouts.heartbeatMs', 'at least 100', profile.timeouts.heartbeatMs)
  }
  const command = options.command === undefined ? undefined : readCommand(options.command)
  const requires = needsOf(options.requires === undefined ? defaults.requires : options.requires, command)
  return {
    ...profile,
    ...(command === undefined ? {} : { command }),
    ...(requires === undefined ? {} : { requires }),
  }
}

/** Requirements in their one form. Who runs a command is one of them: others could not start it. */
function needsOf(given: unknown, { user, group }: CommandContext = {}): Requirements | undefined {
  const text = requirementsText({
    ...(given === undefined ? {} : readRequirements('options.requires', given)),
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
  })
  return text === '' ? undefined : (JSON.parse(text) as Requirements)
}

function defined<T extends object>(part: T): Partial<T> {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as Partial<T>
}

function readRetry(retry: Profile['retry']): Profile['retry'] {
  checkInteger('options.retry.attempts', retry.attempts, 1, 1_000_000)
  checkMs('options.retry.minMs', retry.minMs)
  checkMs('options.retry.maxMs', retry.maxMs)
  checkNumber('options.retry.factor', retry.factor)
  checkNumber('options.retry.jitter', retry.jitter)
  if (!(retry.factor >= 1 && retry.factor <= 100))
    throw invalid('options.retry.factor', 'a number from 1 to 100', retry.factor)
  if (!(retry.jitter >= 0 && retry.jitter <= 1))
    throw invalid('options.retry.jitter', 'a number from 0 to 1', retry.jitter)
  checkOneOf('options.retry.on', retry.on, ['any', 'lost'])
  return retry
}

function readTimes<T extends object>(part: string, times: T): T {
  const read = Object.entries(times).map(([name, ms]) => {
    // "For ever" has to survive JSON, which knows no infinity.
    return [name, ms === Infinity ? Number.MAX_SAFE_INTEGER : checkMs(`options.${part}.${name}`, ms)]
  })
  return Object.fromEntries(read) as T
}

function checkNumber(option: string, value: unknown): void {
  if (typeof value !== 'number') throw invalid(option, 'a number', value)
}

function readWeight(weight: number): number {
  if (typeof weight === 'number' && weight >= 1e-6 && weight <= 1e6) return weight
  throw invalid('options.weight', 'a number from 1e-6 to 1e6', weight)
}

function readCommand(command: CommandContext): CommandContext {
  checkKeys('options.command', checkObject('options.command', command), COMMAND)
  for (const name of ['cwd', 'user', 'group'] as const) {
    const value = command[name]
    if (value !== undefined && (typeof value !== 'string' || value.includes('\0'))) {
      throw invalid(`options.command.${name}`, 'a text without NUL', value)
    }
  }
  const env = Object.entries(checkObject('options.command.env', command.env ?? {})).sort(([a], [b]) =>
    a < b ? -1 : 1,
  )
  for (const [name, value] of env) {
    if (typeof value !== 'string' || value.includes('\0') || name.includes('\0')) {
      throw invalid(`options.command.env.${name}`, 'a text without NUL', value)
    }
  }
  return { ...command, ...(command.env === undefined ? {} : { env: Object.fromEntries(env) }) }
}
