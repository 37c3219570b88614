/**
 * The worker that a call is of, written and read by hand: inside an exchange nothing but the number of its session.
 */
import { type Reader, UNREAD } from './reader.ts'
import type { Writer } from './writer.ts'

/** The first field of every request of a worker. */
const WORKER = 1
/** Worker. */
const SESSION = 5

/** Writes the field. */
export function writeSession(writer: Writer, session: number): void {
  const worker = writer.open(WORKER)
  writer.uint32(SESSION, session)
  writer.close(worker)
}

/** Reads the field, behind its tag. */
export function readSession(reader: Reader): number {
  const outer = reader.enter()
  if (reader.uint32() !== SESSION << 3) throw UNREAD
  const session = reader.uint32()
  if (reader.at < reader.end) throw UNREAD
  reader.end = outer
  return session
}
