/**
 * Frames: four bytes of length (big-endian), then that many bytes of JSON.
 *
 * Owns: reading frames off a stream of bytes and joining frames into one write. Knows nothing of what the frames mean.
 */
import { perdureError } from '../errors.ts'
import { Cutter } from './cutter.ts'
import { decodeBody } from './json.ts'
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

/** Cuts incoming bytes into frames, and reads them. */
export class FrameReader {
  readonly #cutter = new Cutter(HEADER_BYTES, MAX_FRAME_BYTES, (header) => header.readUInt32BE(0));

  /** Takes the next bytes; yields the frames that they complete. Throws PROTOCOL, after which it is of no more use. */
  *push(chunk: Buffer): Generator<Frame, void, undefined> {
    for (const body of this.#cutter.push(chunk)) yield { message: decodeBody(body), bytes: body.length }
  }
}
