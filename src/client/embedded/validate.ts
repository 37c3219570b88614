/**
 * Validation of what callers hand in, with one form of message. Hand-written: it runs for every job.
 */

import { isVersion, VERSION_RULE } from '../../core/model/requirements.ts'
import { readName } from '../../core/policy/names.ts'
import {
  MOST_KEY,
  MOST_PAIR_NAME,
  MOST_PAIR_VALUE,
  MOST_PAIRS,
  MOST_PRIORITY,
  MOST_VALUE,
} from '../../core/policy/sizes.ts'
import { type PerdureError, perdureError, textOf } from '../../errors.ts'
import { unknownOption } from '../../std/options.ts'

/** A value for messages: short, on one line, never more than 60 characters. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? `'${value}'` : textOf(value)
  const line = text.replace(/[\p{Cc}\p{Cf}]/gu, '?')
  return line.length > 60 ? `${line.slice(0, 57)}...` : line
}

export function invalid(
  option: string,
  expected: string,
  value: unknown,
  fix = `Give '${option}' ${expected}`,
): PerdureError {
  return perdureError('INVALID_OPTION', {
    expected: `'${option}' to be ${expected}`,
    found: shown(value),
    fix,
  })
}

/** A name of a queue, kind or namespace. */
export function checkName(option: string, value: unknown): string {
  return readName(`'${option}'`, value)
}

/** A key: any text without NUL or halves of characters, not empty. */
export function checkKey(option: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= MOST_KEY && isStorable(value))
    return value
  throw invalid(option, `a well-formed text of 1 to ${MOST_KEY} characters without NUL`, value)
}

/** Whether two texts that differ also differ once they are stored as UTF-8. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** An object, not an array; its properties are checked by the caller. */
export function checkObject<T extends object>(option: string, value: T): T {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw invalid(option, 'an object', value)
}

/** An array of objects, or of whatever `check` lets through. */
export function checkArray<T>(
  option: string,
  value: readonly T[],
  check: (option: string, value: never) => unknown = checkObject,
): readonly T[] {
  if (!Array.isArray(value)) throw invalid(option, 'an array', value)
  for (const part of value) check(option, part as never)
  return value
}

/** A version of a workflow. */
export function checkVersion(version: unknown): string {
  if (isVersion(version)) return version
  throw invalid('version', VERSION_RULE, version)
}

/** A whole number within bounds. */
export function checkInteger(option: string, value: unknown, least: number, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number
  throw invalid(option, `a whole number from ${least} to ${most}`, value)
}

/** An array of positions, or of ids. */
export function checkIds(option: string, value: unknown): readonly number[] {
  return checkArray(option, value as readonly number[], (name, id) =>
    checkInteger(name, id, 0, Number.MAX_SAFE_INTEGER),
  )
}

/** Milliseconds up to 2^53; infinity where it is allowed. */
export function checkMs(option: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return Math.round(value)
  throw invalid(option, 'a number of milliseconds from 0 to 2^53', value)
}

export function checkPriority(value: unknown): number {
  return checkInteger('priority', value, -MOST_PRIORITY, MOST_PRIORITY)
}

export function checkOneOf<T extends string>(option: string, value: unknown, allowed: readonly T[]): T {
  if ((allowed as readonly unknown[]).includes(value)) return value as T
  throw invalid(option, `one of ${allowed.join(', ')}`, value)
}

/** An object without unknown properties. */
export function checkKeys(option: string, value: object, allowed: ReadonlySet<string>): void {
  for (const key in value) if (!allowed.has(key)) throw unknownOption(`'${option}'`, key, [...allowed])
}

export function checkMetadata(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('metadata', 'an object of texts', value)
  const pairs = Object.entries(value)
  if (pairs.length > MOST_PAIRS) throw tooLarge('metadata', `${MOST_PAIRS} pairs`, `${pairs.length} pairs`)
  for (const [name, text] of pairs) {
    if (name.length === 0 || name.length > MOST_PAIR_NAME || !isStorable(name)) {
      throw invalid('metadata', `an object with names of 1 to ${MOST_PAIR_NAME} characters`, name)
    }
    if (typeof text !== 'string') throw invalid(`metadata.${name}`, 'a text', text)
    if (!isStorable(text)) throw invalid(`metadata.${name}`, 'a well-formed text without NUL', text)
    if (text.length > MOST_PAIR_VALUE) {
      throw tooLarge(`metadata.${name}`, `${MOST_PAIR_VALUE} characters`, `${text.length} characters`)
    }
  }
  return value as Record<string, string>
}

export function tooLarge(option: string, most: string, found: string): PerdureError {
  return perdureError('TOO_LARGE', {
    expected: `'${option}' to be at most ${most}`,
    found,
    fix: 'Store the data elsewhere and hand in where it is',
  })
}

/** A value as JSON text; null where there is none. */
export function encodeValue(option: string, value: unknown): string | null {
  if (value === undefined) return null
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw notSerializable(option, cause instanceof Error ? cause.message : textOf(cause), cause)
  }
  if (text === undefined) throw notSerializable(option, `a ${typeof value}`)
  if (text.length > MOST_VALUE)
    throw tooLarge(option, `${MOST_VALUE} characters of JSON`, `${text.length} characters`)
  return text
}

function notSerializable(option: string, found: string, cause?: unknown): PerdureError {
  const fix = 'Hand in plain data: objects, arrays, texts, finite numbers, booleans, null'
  return perdureError('NOT_SERIALIZABLE', { expected: `'${option}' to be a JSON value`, found, fix, cause })
}
