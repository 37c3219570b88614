/**
 * Frames: four bytes of length (big-endian), then that many bytes of JSON.
 *
 * Owns: cutting a stream of bytes into frames and joining frames into one write. Knows nothing of what
 * the frames mean.
 */
import { perdureError } from '../errors.ts'
import { decodeBody, malformed } from './json.ts'
import { MAX_FRAME_BYTES } from './limits.ts'

const HEADER_BYTES = 4

/** Fails with TOO_LARGE when a body would not fit into a frame. */
export function assertFits(body: string): void {
  // A UTF-16 unit takes at most three bytes, so most bodies need no counting.
  if (body.length * 3 <= MAX_FRAME_BYTES) return
  assertSize(Buffer.byteLength(body))
}

/** Fails with TOO_LARGE when so many bytes are too many for one message. */
export function assertSize(bytes: number): void {
  if (bytes <= MAX_FRAME_BYTES) return
  throw perdureError('TOO_LARGE', {
    expected: `at most ${MAX_FRAME_BYTES} bytes in one message`,
    found: `${bytes} bytes`,
    fix: 'Split the call: fewer jobs at a time, smaller inputs, shorter pages',
    data: { limit: MAX_FRAME_BYTES, bytes },
  })
}

/** Joins bodies into the bytes of one write. */
export function joinFrames(bodies: readonly string[]): Buffer {
  const sizes = bodies.map((body) => Buffer.byteLength(body))
  const total = sizes.reduce((sum, size) => sum + size + HEADER_BYTES, 0)
  const buffer = Buffer.allocUnsafe(total)
  let at = 0
  for (const [index, body] of bodies.entries()) {
    const size = sizes[index] as number
    buffer.writeUInt32BE(size, at)
    buffer.write(body, at + HEADER_BYTES, size, 'utf8')
    at += HEADER_BYTES + size
  }
  return buffer
}

/** One frame as it was read. */
export interface Frame {
  readonly message: unknown
  readonly bytes: number
}

/** Cuts incoming bytes into frames. Holds at most one unfinished frame. */
export class FrameReader {
  #chunks: Buffer[] = []
  #held = 0
  /** Bytes needed before the next frame can be cut. */
  #needed = HEADER_BYTES;

  /** Takes the next bytes; yields the frames that they complete. Throws PROTOCOL, after which it is of no more use. */
  *push(chunk: Buffer): Generator<Frame, void, undefined> {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    if (this.#held < this.#needed) return
    let buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held)
    this.#chunks = []
    this.#needed = HEADER_BYTES
    while (buffer.length >= HEADER_BYTES) {
      const size = buffer.readUInt32BE(0)
      if (size > MAX_FRAME_BYTES)
        throw malformed(`frames of at most ${MAX_FRAME_BYTES} bytes`, `a frame of ${size} bytes`)
      const end = HEADER_BYTES + size
      if (buffer.length < end) {
        this.#needed = end
        break
      }
      yield { message: decodeBody(buffer.subarray(HEADER_BYTES, end)), bytes: size }
      buffer = buffer.subarray(end)
    }
    this.#held = buffer.length
    if (buffer.length > 0) this.#chunks.push(buffer)
  }
}
