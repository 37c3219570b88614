/**
 * Frames of gRPC: a byte that says whether it is compressed, four bytes of length (big-endian), then the message.
 *
 * Owns: the five bytes before a message. Knows nothing of what the frames mean.
 */
import { Cutter } from '../cutter.ts'
import { malformed } from '../json.ts'
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

/** Cuts incoming bytes into frames of at most so many bytes. */
export function newCutter(mostBytes: number): Cutter {
  return new Cutter(HEADER_BYTES, mostBytes, lengthOf)
}

function lengthOf(header: Buffer): number {
  if (header[0] !== 0) throw malformed('frames that are not compressed', 'another one')
  return header.readUInt32BE(1)
}
