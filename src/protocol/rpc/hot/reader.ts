/**
 * Protobuf, read by hand.
 *
 * Owns: the forms of fields, within bounds that a caller sets. Whatever is not of the form that is asked for throws
 * {@link UNREAD}, after which the generated code looks at the same bytes: it knows all forms, and says what is wrong.
 */
import { isUtf8 } from 'node:buffer'

/** Says that bytes are the generated code's to read. One object for all: throwing it is no accident, and has to be cheap. */
export const UNREAD = new Error('bytes for the generated code')

/** Texts up to this length are looked at byte by byte to find out that they are plain. */
const SHORT_TEXT = 48

/** A place in bytes, and the end of what may be read. */
export class Reader {
  readonly bytes: Buffer
  at: number
  end: number

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = 0
    this.end = bytes.byteLength
  }

  /** All that may be read. */
  rest(): Buffer {
    return this.bytes.subarray(this.at, this.end)
  }

  /** A varint of at most 32 bits: a tag, a length, a number. */
  uint32(): number {
    const { bytes, end } = this
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= end) throw UNREAD
      const byte = bytes[this.at++] as number
      if (shift === 28 && byte > 0x0f) throw UNREAD
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw UNREAD
  }

  sint32(): number {
    const value = this.uint32()
    return (value >>> 1) ^ -(value & 1)
  }

  bool(): boolean {
    const value = this.uint32()
    if (value > 1) throw UNREAD
    return value === 1
  }

  double(): number {
    if (this.at + 8 > this.end) throw UNREAD
    const value = this.bytes.readDoubleLE(this.at)
    this.at += 8
    return value
  }

  /** Enters a field of other fields, and answers the end to go back to: `reader.end = outer` when it has been read. */
  enter(): number {
    const length = this.uint32()
    const outer = this.end
    if (this.at + length > outer) throw UNREAD
    this.end = this.at + length
    return outer
  }

  /** Bytes as they are; they share memory with what is read. */
  raw(): Buffer {
    const length = this.uint32()
    const from = this.at
    if (from + length > this.end) throw UNREAD
    this.at += length
    return this.bytes.subarray(from, this.at)
  }

  text(): string {
    const length = this.uint32()
    const from = this.at
    const to = from + length
    if (to > this.end) throw UNREAD
    this.at = to
    return textOf(this.bytes, from, to)
  }
}

/** What `read` reads; undefined, and nothing read, for bytes that it leaves to the generated code. */
export function readHot<T>(reader: Reader, read: (reader: Reader) => T): T | undefined {
  const { at, end } = reader
  try {
    return read(reader)
  } catch (thrown) {
    if (thrown !== UNREAD) throw thrown
    reader.at = at
    reader.end = end
    return undefined
  }
}

function textOf(bytes: Buffer, from: number, to: number): string {
  if (to - from <= SHORT_TEXT) {
    let at = from
    while (at < to && (bytes[at] as number) < 0x80) at++
    if (at === to) return bytes.toString('latin1', from, to)
  }
  if (!isUtf8(bytes.subarray(from, to))) throw UNREAD
  return bytes.toString('utf8', from, to)
}

/** Longest text that is remembered. */
const MOST_REPEATED = 128

/** A text that is mostly the same as the last time: a kind, a queue. Found again without making it anew. */
export class Repeated {
  #bytes = Buffer.alloc(0)
  #text = ''

  read(reader: Reader): string {
    const length = reader.uint32()
    const from = reader.at
    const to = from + length
    if (to > reader.end) throw UNREAD
    reader.at = to
    const known = this.#bytes
    if (length === known.length) {
      let at = 0
      while (at < length && known[at] === reader.bytes[from + at]) at++
      if (at === length) return this.#text
    }
    const text = textOf(reader.bytes, from, to)
    if (length <= MOST_REPEATED) {
      this.#bytes = Buffer.from(reader.bytes.subarray(from, to))
      this.#text = text
    }
    return text
  }
}
