/**
 * Frames of gRPC: a byte that says whether it is compressed, four bytes of length (big-endian), then the message.
 *
 * Owns: cutting a stream of bytes into frames, and the five bytes before one. Knows nothing of what the frames mean.
 */
import { malformed } from '../json.ts'
import { Reader } from './hot/reader.ts'
import type { Writer } from './hot/writer.ts'

const HEADER_BYTES = 5

/** Makes a writer one of an empty frame. */
export function beginFrame(writer: Writer): void {
  writer.at = HEADER_BYTES
}

/** Completes the frame in a writer; false for an empty one, which is not worth sending. */
export function sealFrame(writer: Writer): boolean {
  if (writer.at === HEADER_BYTES) return false
  writer.bytes[0] = 0
  writer.bytes.writeUInt32BE(writer.at - HEADER_BYTES, 1)
  return true
}

/** Cuts incoming bytes into frames. Holds at most one unfinished frame. */
export class FrameCutter {
  readonly #mostBytes: number
  #chunks: Buffer[] = []
  #held = 0
  /** Bytes needed before the next frame can be cut. */
  #needed = HEADER_BYTES

  /** @param mostBytes Longest message to take. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Takes the next bytes; yields the frames that they complete. Throws PROTOCOL, after which it is of no more use. */
  *push(chunk: Buffer): Generator<Reader, void, undefined> {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    if (this.#held < this.#needed) return
    let buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held)
    this.#chunks = []
    this.#needed = HEADER_BYTES
    while (buffer.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#lengthOf(buffer)
      if (buffer.length < end) {
        this.#needed = end
        break
      }
      yield new Reader(buffer.subarray(HEADER_BYTES, end))
      buffer = buffer.subarray(end)
    }
    this.#held = buffer.length
    if (buffer.length > 0) this.#chunks.push(buffer)
  }

  #lengthOf(header: Buffer): number {
    if (header[0] !== 0) throw malformed('frames that are not compressed', 'another one')
    const length = header.readUInt32BE(1)
    if (length <= this.#mostBytes) return length
    throw malformed(`frames of at most ${this.#mostBytes} bytes`, `a frame of ${length} bytes`)
  }
}
