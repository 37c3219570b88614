/**
 * The few messages that make up nearly all traffic, and who writes and reads them without the generated code.
 *
 * All of it is optional: what is not here, and what these decline, is carried by the generated code, which means the
 * same. A property test holds the two against each other.
 */
import type { MethodName } from '../../methods.ts'
import { readEnqueue, readEnqueued, writeEnqueue, writeEnqueued } from './enqueue.ts'
import { readRecord, readRows, writeRecord, writeRows } from './journal.ts'
import { readLeases, writeLeases } from './poll.ts'
import type { Reader } from './reader.ts'
import { readAccepted, readReports, writeAccepted, writeReports } from './report.ts'
import type { Writer } from './writer.ts'

/** One method's messages. A `write` that answers false leaves it to the generated code; a `read` throws {@link UNREAD}. */
export interface HotCall {
  writeRequest?(writer: Writer, values: readonly unknown[]): boolean
  readRequest?(reader: Reader): readonly unknown[]
  writeResponse?(writer: Writer, answer: unknown): boolean
  readResponse?(reader: Reader): unknown
}

/** Methods with messages that are written and read by hand. */
export const HOT: Readonly<Partial<Record<MethodName, HotCall>>> = {
  enqueue: {
    writeRequest: writeEnqueue,
    readRequest: readEnqueue,
    writeResponse: writeEnqueued,
    readResponse: readEnqueued,
  },
  'session.poll': { writeResponse: writeLeases, readResponse: readLeases },
  'session.report': {
    writeRequest: writeReports,
    readRequest: readReports,
    writeResponse: writeAccepted,
    readResponse: readAccepted,
  },
  'session.workflows.record': {
    writeRequest: writeRecord,
    readRequest: readRecord,
    writeResponse: writeRows,
    readResponse: readRows,
  },
}
