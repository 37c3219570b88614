/**
 * JSON as the wire uses it: strict about what cannot be carried, exact about what JSON forgets.
 *
 * Owns: encoding, decoding, and the depth check that comes before decoding.
 */
import { isUtf8 } from 'node:buffer'
import { perdureError } from '../errors.ts'
import { MAX_DEPTH } from './limits.ts'

/** Present since V8 11.4 (Node 22), not yet in TypeScript's library. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/** JSON has no infinities, but JSON.parse reads a number beyond the range as one. */
const INFINITY = rawJson('1e999')
const MINUS_INFINITY = rawJson('-1e999')

function exact(name: string, value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      if (Number.isFinite(value)) return value
      if (value === Number.POSITIVE_INFINITY) return INFINITY
      if (value === Number.NEGATIVE_INFINITY) return MINUS_INFINITY
      throw notSerializable(name, 'NaN')
    case 'bigint':
    case 'function':
    case 'symbol':
      throw notSerializable(name, `a ${typeof value}`)
    default:
      return value
  }
}

function notSerializable(name: string, found: string, cause?: unknown) {
  return perdureError('NOT_SERIALIZABLE', {
    expected: 'values that JSON can carry',
    found: name === '' ? found : `${found} at \`${name}\``,
    fix: 'Convert the value to a string, number, boolean, null, array or plain object first',
    cause,
  })
}

/**
 * JSON text of what a user handed in. Infinities survive; NaN, bigints, functions, symbols and cycles are
 * refused with NOT_SERIALIZABLE instead of turning into null.
 */
export function encodeExact(value: unknown): string {
  try {
    return JSON.stringify(value, exact)
  } catch (thrown) {
    if (thrown instanceof TypeError) throw notSerializable('', 'a value that refers to itself', thrown)
    if (thrown instanceof RangeError) throw notSerializable('', 'a value that is nested too deeply', thrown)
    throw thrown
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Deepest nesting of the JSON text in `bytes`, never more than `limit + 1`. Text inside strings does not count. */
export function jsonDepth(bytes: Uint8Array, limit: number): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number
    if (byte === QUOTE) {
      for (at += 1; at < bytes.length && bytes[at] !== QUOTE; at += 1) if (bytes[at] === BACKSLASH) at += 1
    } else if (byte === 0x5b || byte === 0x7b) {
      depth += 1
      if (depth > deepest) deepest = depth
      if (depth > limit) return deepest
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1
  }
  return deepest
}

/** Reads one body. Rejects bad UTF-8, bad JSON and too deep nesting with PROTOCOL. */
export function decodeBody(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw malformed('UTF-8', 'other bytes')
  // Each level takes two bytes, so short bodies cannot be too deep.
  if (bytes.length > 2 * MAX_DEPTH && jsonDepth(bytes, MAX_DEPTH) > MAX_DEPTH) {
    throw malformed(`at most ${MAX_DEPTH} levels of nesting`, 'a deeper value')
  }
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw malformed('JSON', 'other text', cause)
  }
}

/** The error for bytes that do not follow the protocol. */
export function malformed(expected: string, found: string, cause?: unknown) {
  return perdureError('PROTOCOL', {
    expected,
    found,
    fix: 'Use the same version of Perdure on both ends of the socket',
    cause,
  })
}
