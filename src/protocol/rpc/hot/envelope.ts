/**
 * What carries calls and answers in an exchange, written and read by hand: ClientMessage with a Call, ServerMessage
 * with a Reply. Messages of other kinds are rare, and are the generated code's.
 */
import { type Reader, Repeated, UNREAD } from './reader.ts'
import type { Writer } from './writer.ts'

/** ClientMessage. */
const CALL = 2
/** Call. */
const CALL_ID = 1
const METHOD = 2
const REQUEST = 3
const CREDIT = 4

/** ServerMessage. */
const REPLY = 2
const ITEM = 4
/** Reply. */
const REPLY_ID = 1
const RESPONSE = 2

/** A call as it arrived. */
export interface CallParts {
  readonly id: number
  readonly method: string
  readonly request: Buffer
  readonly credit: number
}

/** Writes a call, whose request `write` writes; what that throws is thrown on. */
export function writeCall(
  writer: Writer,
  { id, method, credit }: Omit<CallParts, 'request'>,
  write: (writer: Writer) => void,
): void {
  const call = writer.open(CALL)
  writer.uint32(CALL_ID, id)
  writer.text(METHOD, method)
  writer.uint32(CREDIT, credit)
  const request = writer.open(REQUEST)
  write(writer)
  writer.close(request)
  writer.close(call)
}

const methods = new Repeated()

/** Reads a call; throws {@link UNREAD} for any other message. */
export function readCall(reader: Reader): CallParts {
  if (reader.uint32() !== ((CALL << 3) | 2)) throw UNREAD
  const outer = reader.enter()
  let id = 0
  let method = ''
  let request = NOTHING
  let credit = 0
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case CALL_ID << 3:
        id = reader.uint32()
        break
      case (METHOD << 3) | 2:
        method = methods.read(reader)
        break
      case (REQUEST << 3) | 2:
        request = reader.raw()
        break
      case CREDIT << 3:
        credit = reader.uint32()
        break
      default:
        throw UNREAD
    }
  }
  // of several messages in one the last counts, which the generated code knows
  if (reader.end !== outer) throw UNREAD
  return { id, method, request, credit }
}

const NOTHING: Buffer = Buffer.alloc(0)

/** An answer as it arrived: the only one of a call, or one of many of a stream. */
export interface ReplyParts {
  readonly tag: 'reply' | 'item'
  readonly id: number
  readonly response: Buffer
}

/** Writes an answer, whose response `write` writes; what that throws is thrown on. */
export function writeReply(
  writer: Writer,
  { tag, id }: Omit<ReplyParts, 'response'>,
  write: (writer: Writer) => void,
): void {
  const reply = writer.open(tag === 'reply' ? REPLY : ITEM)
  writer.uint32(REPLY_ID, id)
  const response = writer.open(RESPONSE)
  write(writer)
  writer.close(response)
  writer.close(reply)
}

/** Reads an answer; throws {@link UNREAD} for any other message. */
export function readReply(reader: Reader): ReplyParts {
  const field = reader.uint32()
  if (field !== ((REPLY << 3) | 2) && field !== ((ITEM << 3) | 2)) throw UNREAD
  const tag = field === ((REPLY << 3) | 2) ? 'reply' : 'item'
  const outer = reader.enter()
  let id = 0
  let response = NOTHING
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case REPLY_ID << 3:
        id = reader.uint32()
        break
      case (RESPONSE << 3) | 2:
        response = reader.raw()
        break
      default:
        throw UNREAD
    }
  }
  if (reader.end !== outer) throw UNREAD
  return { tag, id, response }
}
