/**
 * A setting: one value that an operator may give, and everything that is known about it.
 *
 * Owns: the kinds of values, each read from what a YAML file holds or from the text of a variable or flag, and
 * written back. Never does: finding values (see file.ts, environment.ts) or choosing between them (see resolve.ts).
 */
import { formatDuration, parseDuration } from '../std/duration.ts'
import { invalidOption, nonEmptyText, wholeNumber } from '../std/options.ts'
import { formatSize, parseSize } from '../std/size.ts'

/** What values of one kind look like. */
export interface Kind<T> {
  /** Checks what a file holds; throws INVALID_OPTION or INVALID_DURATION, naming the setting. */
  read(name: string, given: unknown): T
  /** What a file would hold for the text of a variable or flag. Text that cannot be meant is handed on as it is. */
  fromText(text: string): unknown
  /** What a file would hold for a value. */
  write(value: T): unknown
}

/** What else there is to say about a setting. */
export interface About<T> {
  /** One line for the reader of help and documentation. */
  readonly about: string
  /** The value when none is given. */
  readonly fallback: T
  /** True when a running process takes a new value over. Default false: it counts from the next start on. */
  readonly isLive?: boolean
  /** Name of the variable. Default: `PERDURE_` and the path, `worker.maxResult` as PERDURE_WORKER_MAX_RESULT. */
  readonly variable?: string
  /** The flag of commands that take it. Default: none. */
  readonly flag?: string
}

/** One leaf of the schema. */
export class Setting<T> {
  readonly kind: Kind<NonNullable<T>>
  readonly about: string
  readonly fallback: T
  readonly isLive: boolean
  readonly variable: string | undefined
  readonly flag: string | undefined

  constructor(kind: Kind<NonNullable<T>>, about: About<T>) {
    this.kind = kind
    this.about = about.about
    this.fallback = about.fallback
    this.isLive = about.isLive ?? false
    this.variable = about.variable
    this.flag = about.flag
  }

  /** What a file would hold for a value of this setting; null where there is none. */
  write(value: unknown): unknown {
    return value === undefined || value === null ? null : this.kind.write(value as NonNullable<T>)
  }
}

const same = <T>(value: T): T => value
const SWITCHES: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  yes: true,
  no: false,
  on: true,
  off: false,
  1: true,
  0: false,
}

/** A whole number within bounds. */
export function whole(min: number, max: number): Kind<number> {
  return {
    read: (name, given) => wholeNumber(name, given, min, max),
    fromText: (text) => (/^[+-]?\d{1,15}$/.test(text) ? Number(text) : text),
    write: same,
  }
}

/** A duration with its unit: in a file nobody knows whether 30 means seconds. Only 0 needs none. */
export function duration(min = 0): Kind<number> {
  return {
    read: (name, given) => {
      const ms =
        given === 0 ? 0 : parseDuration(typeof given === 'number' ? String(given) : (given as string), name)
      if (ms >= min) return ms
      throw invalidOption(name, `at least ${formatDuration(min)}`, given)
    },
    fromText: (text) => (text === '0' ? 0 : text),
    write: (ms) => formatDuration(ms),
  }
}

/** A number of bytes, between bounds. */
export function size(min: number, max: number): Kind<number> {
  return {
    read: (name, given) => {
      const bytes = parseSize(name, given)
      if (bytes >= min && bytes <= max) return bytes
      throw invalidOption(name, `from ${formatSize(min)} to ${formatSize(max)}`, given)
    },
    fromText: same,
    write: formatSize,
  }
}

/** Text that is not empty. */
export function text(most = 4_096): Kind<string> {
  return { read: (name, given) => nonEmptyText(name, given, most), fromText: same, write: same }
}

/** One of a few words. */
export function choice<const T extends string>(words: readonly T[]): Kind<T> {
  return {
    read: (name, given) => {
      if (words.includes(given as T)) return given as T
      throw invalidOption(name, `one of ${words.join(', ')}`, given)
    },
    fromText: same,
    write: same,
  }
}

/** True or false. Variables may also say yes, no, on, off, 1 and 0. */
export function toggle(): Kind<boolean> {
  return {
    read: (name, given) => {
      if (typeof given === 'boolean') return given
      throw invalidOption(name, 'true or false', given)
    },
    fromText: (given) => SWITCHES[given.toLowerCase()] ?? given,
    write: same,
  }
}

/** A list of texts; in a variable or flag with commas between them. */
export function list(): Kind<readonly string[]> {
  return {
    read: (name, given) => {
      if (!Array.isArray(given)) throw invalidOption(name, 'a list of texts', given)
      return given.map((item, index) => nonEmptyText(`${name}[${index}]`, item))
    },
    fromText: (given) => given.split(','),
    write: same,
  }
}
