/**
 * One record of a log: what it says, and what it is about.
 *
 * Owns: the form of a record, and the check of records that come from elsewhere. Never does:
 * writing or keeping them.
 */
import { LEVELS, type LogLevel } from '../../std/levels.ts'
import { invalidOption } from '../../std/options.ts'
import { redact, redactText } from './redact.ts'

/** Who wrote a record: a node, a worker, or a job by its output. */
export type LogSource = 'node' | 'worker' | 'job'

/** What a record is about; all of it may be missing. */
export interface LogAttributes {
  readonly node?: string
  readonly worker?: string
  readonly namespace?: string
  readonly queue?: string
  readonly kind?: string
  readonly job?: number
  readonly attempt?: number
}

/** One record. */
export interface LogRecord extends LogAttributes {
  /** Epoch ms. */
  readonly at: number
  readonly level: LogLevel
  readonly source: LogSource
  /** Of a job's output: where it was written. */
  readonly stream?: 'stdout' | 'stderr' | 'log'
  readonly text: string
  /** Whatever else there is to know, free of secrets. */
  readonly data?: Readonly<Record<string, unknown>>
}

/** The attributes that are texts. */
export const TEXT_ATTRIBUTES = ['node', 'worker', 'namespace', 'queue', 'kind'] as const
/** The attributes that are numbers. */
export const NUMBER_ATTRIBUTES = ['job', 'attempt'] as const

/** Longest text of a record, characters. */
const MOST_TEXT = 8_192
/** Longest attribute, characters: as long as names may be. */
const MOST_ATTRIBUTE = 512
/** Most characters of JSON that `data` may be. */
const MOST_DATA = 8_192

/** A text cut to what a record may say. */
export function cutText(text: string): string {
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)} [cut]`
}

/**
 * A record that came over a wire, with nothing in it that does not belong there; secrets are taken out once more, since
 * whoever sent it may not have done so.
 *
 * @throws INVALID_OPTION for what is no record.
 */
export function readRecord(name: string, given: unknown): LogRecord {
  if (typeof given !== 'object' || given === null) throw invalidOption(name, 'a record of a log', given)
  const { at, level, text, data, ...rest } = given as Record<string, unknown>
  if (typeof at !== 'number' || !Number.isFinite(at)) throw invalidOption(`${name}.at`, 'epoch ms', at)
  if (!LEVELS.includes(level as LogLevel))
    throw invalidOption(`${name}.level`, `one of ${LEVELS.join(', ')}`, level)
  if (typeof text !== 'string') throw invalidOption(`${name}.text`, 'a text', text)
  return {
    ...readAttributes(name, rest),
    at,
    level: level as LogLevel,
    source: 'worker',
    text: cutText(redactText(text)),
    ...readData(data),
  }
}

function readAttributes(name: string, given: Readonly<Record<string, unknown>>): LogAttributes {
  const attributes: Record<string, string | number> = {}
  for (const key of TEXT_ATTRIBUTES) {
    const value = given[key]
    if (value === undefined) continue
    if (typeof value !== 'string') throw invalidOption(`${name}.${key}`, 'a text', value)
    attributes[key] = value.slice(0, MOST_ATTRIBUTE)
  }
  for (const key of NUMBER_ATTRIBUTES) {
    const value = given[key]
    if (value === undefined) continue
    if (!Number.isSafeInteger(value)) throw invalidOption(`${name}.${key}`, 'a whole number', value)
    attributes[key] = value as number
  }
  return attributes
}

function readData(data: unknown): Pick<LogRecord, 'data'> {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return {}
  const clean = redact(data as Record<string, unknown>)
  return JSON.stringify(clean).length > MOST_DATA ? { data: { cut: true } } : { data: clean }
}
