/**
 * The node's end of an exchange: calls in, answers out.
 *
 * Owns: which method each call that is under way belongs to, since an answer is made by its method's response type. A
 * request that does not fit its method refuses that call and nothing else.
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { type ErrorRecord, errorRecord, PerdureError } from '../../errors.ts'
import { assertSize } from '../frames.ts'
import { ClientMessageSchema, ServerMessageSchema } from '../generated/perdure/v1/node_pb.ts'
import { malformed } from '../json.ts'
import { LIST_ROWS_AT_ONCE } from '../limits.ts'
import type { ClientMessage, ServerMessage } from '../messages.ts'
import { METHODS, type MethodName } from '../methods.ts'
import { CALLS, methodOf } from './calls.ts'
import { toMessage, toPlain } from './convert.ts'
import { type Decoded, type End, MESSAGE_OVERHEAD } from './exchange.ts'
import { type CallParts, readCall, writeReply } from './hot/envelope.ts'
import { Reader, readHot } from './hot/reader.ts'
import { HOT } from './hot/table.ts'
import type { Writer } from './hot/writer.ts'
import { errorToWire, helloToWire, noticeToWire, readHello } from './parts.ts'

/** Makes messages of a server into those of the wire, and those of a client into plain ones. */
export class ServerEnd implements End<ClientMessage, ServerMessage> {
  readonly #methods = new Map<number, MethodName>()
  readonly #refuse: (id: number, error: ErrorRecord) => void

  /** @param refuse Answers a call whose request could not be read. */
  constructor(refuse: (id: number, error: ErrorRecord) => void) {
    this.#refuse = refuse
  }

  write(writer: Writer, message: ServerMessage): void {
    switch (message[0]) {
      case 'hello':
        append(writer, { case: 'hello', value: helloToWire(message[1]) })
        break
      case 'reply':
      case 'item': {
        const [tag, id, answer] = message
        const method = this.#methods.get(id) as MethodName
        writeReply(writer, { tag, id }, () => writeResponse(writer, method, answer))
        if (tag === 'reply') this.#methods.delete(id)
        break
      }
      case 'refuse': {
        const [, id, error] = message
        this.#methods.delete(id)
        append(writer, { case: 'refusal', value: { id, error: errorToWire(error) } })
        break
      }
      case 'end':
        this.#methods.delete(message[1])
        append(writer, { case: 'end', value: { id: message[1] } })
        break
      case 'notice':
        append(writer, {
          case: 'notice',
          value: { session: message[1], ...noticeToWire(message[2]) },
        })
        break
      case 'fatal':
        append(writer, { case: 'fatal', value: errorToWire(message[1]) })
        break
    }
  }

  read(reader: Reader): Decoded<ClientMessage> | undefined {
    const call = readHot(reader, readCall)
    return call === undefined ? this.#readOther(reader.rest()) : this.#call(call)
  }

  /** Jobs of a list are written some at a time: fields that repeat may stand one behind the other, however many parts they come in. */
  async prepare(method: MethodName, answer: unknown): Promise<unknown> {
    if (method !== 'list') return answer
    const { jobs, ...rest } = answer as { readonly jobs: readonly unknown[] }
    const parts = [bytesOf(method, { ...rest, jobs: [] })]
    for (let at = 0; at < jobs.length; at += LIST_ROWS_AT_ONCE) {
      parts.push(bytesOf(method, { jobs: jobs.slice(at, at + LIST_ROWS_AT_ONCE) }))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return new Written(parts)
  }

  fatal(error: PerdureError): ServerMessage {
    return ['fatal', errorRecord(error)]
  }

  #readOther(bytes: Uint8Array): Decoded<ClientMessage> | undefined {
    const { message: wire } = parse(ClientMessageSchema, bytes) as MessageShape<typeof ClientMessageSchema>
    switch (wire.case) {
      case 'call':
        return this.#call({ ...wire.value, request: Buffer.from(wire.value.request) })
      case 'credit':
        return { message: ['credit', wire.value.id, wire.value.items], bytes: 0 }
      case 'cancel':
        return { message: ['cancel', wire.value.id], bytes: 0 }
      case 'hello':
        return { message: ['hello', readHello(wire.value)], bytes: 0 }
      default:
        throw malformed('a hello, call, credit or cancel', 'an empty message')
    }
  }

  #call(call: CallParts): Decoded<ClientMessage> | undefined {
    const { id, credit } = call
    if (this.#methods.has(id)) throw malformed('an id that is not in use', String(id))
    const read = readRequest(call)
    if ('code' in read) {
      this.#refuse(id, read)
      return undefined
    }
    const { method, values } = read
    const bytes = call.request.length + MESSAGE_OVERHEAD
    const { form } = METHODS[method]
    if (form === 'tell') return { message: ['tell', method, values], bytes }
    this.#methods.set(id, method)
    if (form === 'stream') return { message: ['open', id, method, values, credit], bytes }
    return { message: ['call', id, method, values], bytes }
  }
}

function writeResponse(writer: Writer, method: MethodName, answer: unknown): void {
  const start = writer.at
  if (answer instanceof Written) for (const part of answer.parts) writer.append(part)
  else if (HOT[method]?.writeResponse?.(writer, answer) !== true) {
    writer.at = start
    writer.append(bytesOf(method, answer))
  }
  assertSize(writer.at - start)
}

function bytesOf(method: MethodName, answer: unknown): Uint8Array {
  const { procedure, toResponse } = CALLS[method]
  return toBinary(procedure.output, toMessage(procedure.output, toResponse(answer as never)))
}

/** A response that was written ahead. */
class Written {
  readonly parts: readonly Uint8Array[]

  constructor(parts: readonly Uint8Array[]) {
    this.parts = parts
  }
}

type Init = NonNullable<MessageInitShape<typeof ServerMessageSchema>['message']>

function append(writer: Writer, message: Init): void {
  writer.append(toBinary(ServerMessageSchema, create(ServerMessageSchema, { message })))
}

/** A call's method and arguments, or why it cannot be carried out. */
function readRequest({
  method: name,
  request,
}: CallParts): { method: MethodName; values: readonly unknown[] } | ErrorRecord {
  try {
    const method = methodOf(name)
    if (method === undefined) throw malformed('a call of this version', JSON.stringify(name.slice(0, 60)))
    const { readRequest: read } = HOT[method] ?? {}
    const values = read === undefined ? undefined : readHot(new Reader(request), read)
    return { method, values: values ?? readValues(method, request) }
  } catch (error) {
    // whatever else goes wrong with what a caller sent is of no use to it, least of all with a stack
    const isOurs = error instanceof PerdureError
    return errorRecord(
      isOurs ? error : malformed('a request of its method', 'one that cannot be read', error),
    )
  }
}

function readValues(method: MethodName, request: Uint8Array): readonly unknown[] {
  const { procedure, fromRequest, keepsText = false } = CALLS[method]
  return fromRequest(toPlain(procedure.input, parse(procedure.input, request), { keepsText }))
}

function parse(type: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(type, bytes)
  } catch (cause) {
    throw malformed(`bytes of a ${type.name}`, 'bytes of something else', cause)
  }
}
