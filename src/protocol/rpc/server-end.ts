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
  toBinary,
} from '@bufbuild/protobuf'
import { type ErrorRecord, errorRecord, type PerdureError } from '../../errors.ts'
import { assertSize } from '../frames.ts'
import {
  type Call,
  ServerMessageSchema,
  type ServerMessage as Wire,
  type ClientMessage as WireClientMessage,
} from '../generated/perdure/v1/node_pb.ts'
import { malformed } from '../json.ts'
import type { ClientMessage, ServerMessage } from '../messages.ts'
import { METHODS, type MethodName } from '../methods.ts'
import { CALLS, methodOf } from './calls.ts'
import { toMessage, toPlain } from './convert.ts'
import { type Decoded, type Encoded, type End, MESSAGE_OVERHEAD } from './exchange.ts'
import { errorToWire, helloToWire, readHello, stopToWire } from './parts.ts'

/** Makes messages of a server into those of the wire, and those of a client into plain ones. */
export class ServerEnd implements End<ClientMessage, ServerMessage, WireClientMessage, Wire> {
  readonly #methods = new Map<number, MethodName>()
  readonly #refuse: (id: number, error: ErrorRecord) => void

  /** @param refuse Answers a call whose request could not be read. */
  constructor(refuse: (id: number, error: ErrorRecord) => void) {
    this.#refuse = refuse
  }

  encode(message: ServerMessage): Encoded<Wire> {
    switch (message[0]) {
      case 'hello':
        return encoded({ case: 'hello', value: helloToWire(message[1]) })
      case 'reply':
      case 'item': {
        const [tag, id, answer] = message
        const response = this.#response(id, answer)
        if (tag === 'reply') this.#methods.delete(id)
        return encoded({ case: tag, value: { id, response } }, response.length)
      }
      case 'refuse': {
        const [, id, error] = message
        this.#methods.delete(id)
        return encoded({ case: 'refusal', value: { id, error: errorToWire(error) } }, error.message.length)
      }
      case 'end':
        this.#methods.delete(message[1])
        return encoded({ case: 'end', value: { id: message[1] } })
      case 'notice':
        return encoded({ case: 'notice', value: { session: message[1], stop: stopToWire(message[2]) } })
      case 'fatal':
        return encoded({ case: 'fatal', value: errorToWire(message[1]) })
    }
  }

  decode({ message: wire }: WireClientMessage): Decoded<ClientMessage> | undefined {
    switch (wire.case) {
      case 'call':
        return this.#decodeCall(wire.value)
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

  fatal(error: PerdureError): ServerMessage {
    return ['fatal', errorRecord(error)]
  }

  #response(id: number, answer: unknown): Uint8Array {
    const { procedure, toResponse } = CALLS[this.#methods.get(id) as MethodName]
    const bytes = toBinary(procedure.output, toMessage(procedure.output, toResponse(answer as never)))
    assertSize(bytes.length)
    return bytes
  }

  #decodeCall(call: Call): Decoded<ClientMessage> | undefined {
    const { id, credit } = call
    if (this.#methods.has(id)) throw malformed('an id that is not in use', String(id))
    const read = readCall(call)
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

type Init = NonNullable<MessageInitShape<typeof ServerMessageSchema>['message']>

function encoded(message: Init, bytes = 0): Encoded<Wire> {
  return { message: create(ServerMessageSchema, { message }), bytes: bytes + MESSAGE_OVERHEAD }
}

/** A call's method and arguments, or why it cannot be carried out. */
function readCall({
  method: name,
  request,
}: Call): { method: MethodName; values: readonly unknown[] } | ErrorRecord {
  try {
    const method = methodOf(name)
    if (method === undefined) throw malformed('a call of this version', JSON.stringify(name.slice(0, 60)))
    const { procedure, fromRequest } = CALLS[method]
    return { method, values: fromRequest(toPlain(procedure.input, parse(procedure.input, request))) }
  } catch (error) {
    return errorRecord(error, 'INTERNAL')
  }
}

function parse(type: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(type, bytes)
  } catch (cause) {
    throw malformed(`bytes of a ${type.name}`, 'bytes of something else', cause)
  }
}
