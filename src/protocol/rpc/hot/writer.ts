/**
 * Protobuf, written by hand into one growing buffer.
 *
 * Owns: the forms of fields. What the generated code would write for the same values is read from this by any protobuf
 * library. Never decides which fields a message has: the files beside this one do, for the few messages that make
 * up nearly all traffic.
 */

const VARINT = 0
const FIXED64 = 1
const BYTES = 2

/** Texts up to this length are copied character by character, which is faster than a call into the runtime. */
const SHORT_TEXT = 48
/** A length of nested fields takes one byte until it is known to need more. */
const LENGTH_BYTES = 1
const LONGEST_VARINT = 5

/** Fields of messages, one after another. Numbers of fields are 1 to 15, and beyond where it is said. */
export class Writer {
  bytes: Buffer
  /** Where the next field goes; setting it back takes fields out again. */
  at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
  }

  /** What was written. Shares memory with the writer. */
  get written(): Buffer {
    return this.bytes.subarray(0, this.at)
  }

  /** Makes room for so many bytes more. */
  room(bytes: number): void {
    if (this.at + bytes <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.at + bytes, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.at)
    this.bytes = grown
  }

  /** A number from 0 to 2^32 - 1; nothing for 0, as in proto3. */
  uint32(field: number, value: number): void {
    if (value !== 0) this.optionalUint32(field, value)
  }

  /** A number from 0 to 2^32 - 1, also 0; of a field of any number. */
  optionalUint32(field: number, value: number): void {
    this.room(2 * LONGEST_VARINT)
    this.#varint((field << 3) | VARINT)
    this.#varint(value)
  }

  /** A signed number of 32 bits. */
  sint32(field: number, value: number): void {
    this.optionalUint32(field, ((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** True, or nothing. */
  bool(field: number, value: boolean): void {
    if (value) this.optionalUint32(field, 1)
  }

  /** A double; nothing for 0. */
  double(field: number, value: number): void {
    if (value !== 0 || Object.is(value, -0)) this.optionalDouble(field, value)
  }

  /** A double, also 0. */
  optionalDouble(field: number, value: number): void {
    this.room(9)
    this.bytes[this.at] = (field << 3) | FIXED64
    this.bytes.writeDoubleLE(value, this.at + 1)
    this.at += 9
  }

  /** A double of a field of any number, also 0. */
  farDouble(field: number, value: number): void {
    this.room(LONGEST_VARINT + 8)
    this.#varint((field << 3) | FIXED64)
    this.bytes.writeDoubleLE(value, this.at)
    this.at += 8
  }

  /** A text; nothing for an empty one. False, and nothing written, for one that UTF-8 cannot hold. */
  text(field: number, value: string): boolean {
    return value === '' || this.optionalText(field, value)
  }

  /** A text, also an empty one. False, and nothing written, for one that UTF-8 cannot hold. */
  optionalText(field: number, value: string): boolean {
    const { length } = value
    this.room(1 + LONGEST_VARINT + length * 3)
    if (length > SHORT_TEXT) return this.#longText(field, value)
    const { bytes } = this
    // as long as a length of one byte will do, which is so for every text that gets this far
    let at = this.at + 1 + LENGTH_BYTES
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) return this.#longText(field, value)
      bytes[at++] = code
    }
    bytes[this.at] = (field << 3) | BYTES
    bytes[this.at + 1] = length
    this.at = at
    return true
  }

  #longText(field: number, value: string): boolean {
    if (!value.isWellFormed()) return false
    const start = this.open(field)
    this.at += this.bytes.write(value, this.at, 'utf8')
    this.close(start)
    return true
  }

  /** Bytes as they are. */
  raw(field: number, value: Uint8Array): void {
    this.room(1 + LONGEST_VARINT + value.length)
    this.bytes[this.at++] = (field << 3) | BYTES
    this.#varint(value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  /** Fields that somebody else wrote. */
  append(fields: Uint8Array): void {
    this.room(fields.length)
    this.bytes.set(fields, this.at)
    this.at += fields.length
  }

  /** Begins a field that holds others; what follows belongs to it until {@link close} gets the answer of this. */
  open(field: number): number {
    this.room(1 + LENGTH_BYTES)
    this.bytes[this.at] = (field << 3) | BYTES
    this.at += 1 + LENGTH_BYTES
    return this.at
  }

  /** Ends the field that began at `start`. */
  close(start: number): void {
    const length = this.at - start
    if (length < 0x80) {
      this.bytes[start - LENGTH_BYTES] = length
      return
    }
    const more = sizeOfVarint(length) - LENGTH_BYTES
    this.room(more)
    this.bytes.copyWithin(start + more, start, this.at)
    this.at = start - LENGTH_BYTES
    this.#varint(length)
    this.at += length
  }

  #varint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.at++] = rest
  }
}

function sizeOfVarint(value: number): number {
  let size = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++
  return size
}
