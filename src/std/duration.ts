/**
 * Durations: from what people write (`'5m'`, `'1h30m'`, 250) to milliseconds, and back.
 *
 * Owns: the units and the grammar. Never does: times of day, calendars, months (they have no fixed length).
 */
import { perdureError } from '../errors.ts'

/** A number of milliseconds, or pieces of number and unit, largest unit first: `'250ms'`, `'1.5h'`, `'1h30m'`. */
export type Duration = number | string

/** Largest first: the order in which pieces are written. */
const UNITS = ['w', 'd', 'h', 'm', 's', 'ms'] as const
const UNIT_MS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const
/** Weeks are read but not written: `10d` is easier to take in than `1w3d`. */
const WRITTEN = ['d', 'h', 'm', 's', 'ms'] as const
const PIECE = /(\d+(?:\.\d+)?)(ms|[wdhms]) ?/y

/** The longest duration there is, in ms: beyond it whole milliseconds can no longer be told apart. */
export const MAX_DURATION_MS = Number.MAX_SAFE_INTEGER

/**
 * Reads a duration.
 *
 * @param value ms as a number, or text such as `'90s'`; fractions of a ms are rounded.
 * @param name what is being read, for the message: `'retry.min'`.
 * @returns whole ms, from 0 to {@link MAX_DURATION_MS}.
 * @throws INVALID_DURATION for anything else.
 */
export function parseDuration(value: Duration, name = 'duration'): number {
  const ms = typeof value === 'string' ? parseText(value) : typeof value === 'number' ? value : Number.NaN
  const rounded = Math.round(ms)
  if (rounded >= 0 && rounded <= MAX_DURATION_MS) return rounded
  throw perdureError('INVALID_DURATION', {
    expected: `${name} to be ${expectedOf(value)}`,
    found: describe(value),
    fix: fixFor(value),
    data: { name },
  })
}

/** Milliseconds of a text, NaN when it is not a duration. */
function parseText(text: string): number {
  let total = 0
  let lastUnit = -1
  PIECE.lastIndex = 0
  const end = text.trimEnd().length
  while (PIECE.lastIndex < end || end === 0) {
    const match = PIECE.exec(text)
    if (match === null) return Number.NaN
    const unit = UNITS.indexOf(match[2] as (typeof UNITS)[number])
    if (unit <= lastUnit) return Number.NaN
    lastUnit = unit
    total += Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]
  }
  return total
}

/** Whoever wrote a text wants to know how texts are written: on the command line there is nothing else. */
function expectedOf(value: unknown): string {
  const text = "such as '250ms', '90s', '1.5h', '1h30m', '2d'"
  return typeof value === 'string'
    ? `a duration ${text}`
    : `a number of ms from 0 to 2^53 - 1, or text ${text}`
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
  return typeof value === 'number'
    ? String(value)
    : value === null
      ? 'null'
      : `a value of type ${typeof value}`
}

function fixFor(value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '' && Number(value) >= 0) {
    return `Say the unit, as in '${value.trim()}ms' or '${value.trim()}s'`
  }
  return 'Write each unit once, the largest first: w, d, h, m, s, ms'
}

/**
 * Writes a duration so that {@link parseDuration} reads the same number again: `5400000` gives `1h30m`.
 *
 * @param ms whole ms; rounded if it is not.
 * @param pieces how many units to show at most; the rest is cut off. Default: all.
 */
export function formatDuration(ms: number, pieces: number = WRITTEN.length): string {
  let rest = Math.round(ms)
  let text = ''
  let left = pieces
  for (const unit of WRITTEN) {
    const count = Math.floor(rest / UNIT_MS[unit])
    if (count === 0 && text === '') continue
    if (left-- <= 0) break
    if (count > 0) text += `${count}${unit}`
    rest -= count * UNIT_MS[unit]
  }
  return text === '' ? '0ms' : text
}
