/**
 * Cutter: cuts a stream of bytes into frames, each a header of one size, which tells how long the rest is, then the rest.
 *
 * Knows nothing of what the frames mean.
 */
import { malformed } from './json.ts'

/** Cuts incoming bytes into frames. Holds at most one unfinished frame. */
export class Cutter {
  readonly #headerBytes: number
  readonly #mostBytes: number
  readonly #lengthOf: (header: Buffer) => number
  #chunks: Buffer[] = []
  #held = 0
  /** Bytes needed before the next frame can be cut. */
  #needed: number

  /**
   * @param mostBytes Longest frame to take, its header not counted.
   * @param lengthOf reads the length out of bytes that begin with a header. May throw PROTOCOL.
   */
  constructor(headerBytes: number, mostBytes: number, lengthOf: (header: Buffer) => number) {
    this.#headerBytes = headerBytes
    this.#mostBytes = mostBytes
    this.#lengthOf = lengthOf
    this.#needed = headerBytes
  }

  /**
   * Takes the next bytes; yields what is behind the headers of the frames that they complete. Throws PROTOCOL, after
   * which it is of no more use.
   */
  *push(chunk: Buffer): Generator<Buffer, void, undefined> {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    if (this.#held < this.#needed) return
    let buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held)
    this.#chunks = []
    this.#needed = this.#headerBytes
    while (buffer.length >= this.#headerBytes) {
      const end = this.#endOf(buffer)
      if (buffer.length < end) {
        this.#needed = end
        break
      }
      yield buffer.subarray(this.#headerBytes, end)
      buffer = buffer.subarray(end)
    }
    this.#held = buffer.length
    if (buffer.length > 0) this.#chunks.push(buffer)
  }

  #endOf(buffer: Buffer): number {
    const length = this.#lengthOf(buffer)
    if (length <= this.#mostBytes) return this.#headerBytes + length
    throw malformed(`frames of at most ${this.#mostBytes} bytes`, `a frame of ${length} bytes`)
  }
}
