/**
 * The client's end of an exchange: calls out, answers in.
 *
 * Owns: which method each call that is under way belongs to, since an answer is read by its method's response type.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { assertSize } from '../frames.ts'
import {
  ClientMessageSchema,
  type Reply,
  type ClientMessage as Wire,
  type ServerMessage as WireServerMessage,
} from '../generated/perdure/v1/node_pb.ts'
import { malformed } from '../json.ts'
import type { ClientMessage, ServerMessage } from '../messages.ts'
import type { MethodName } from '../methods.ts'
import { CALLS, nameOf } from './calls.ts'
import { toMessage, toPlain } from './convert.ts'
import { type Decoded, type Encoded, type End, MESSAGE_OVERHEAD } from './exchange.ts'
import { helloToWire, readError, readHello, readStop } from './parts.ts'

/** Makes messages of a client into those of the wire, and those of a server into plain ones. */
export class ClientEnd implements End<ServerMessage, ClientMessage, WireServerMessage, Wire> {
  readonly #methods = new Map<number, MethodName>()

  encode(message: ClientMessage): Encoded<Wire> {
    switch (message[0]) {
      case 'hello':
        return encoded({ case: 'hello', value: helloToWire(message[1]) })
      case 'call':
      case 'open': {
        const [, id, name, values, credit = 0] = message
        const call = this.#call(name as MethodName, values)
        this.#methods.set(id, name as MethodName)
        return encoded({ case: 'call', value: { ...call, id, credit } }, call.request.length)
      }
      case 'tell': {
        const call = this.#call(message[1] as MethodName, message[2])
        return encoded({ case: 'call', value: call }, call.request.length)
      }
      case 'credit':
        return encoded({ case: 'credit', value: { id: message[1], items: message[2] } })
      case 'cancel':
        return encoded({ case: 'cancel', value: { id: message[1] } })
      case 'beat':
        throw malformed('beats as calls of their own', 'a beat in an exchange')
    }
  }

  decode({ message: wire }: WireServerMessage): Decoded<ServerMessage> | undefined {
    switch (wire.case) {
      case 'reply':
      case 'item':
        return this.#answer(wire.case, wire.value)
      case 'refusal': {
        const { id, error } = wire.value
        this.#methods.delete(id)
        if (error === undefined) throw malformed('a refusal with an error', 'none')
        return decoded(['refuse', id, readError(error)])
      }
      case 'end':
        this.#methods.delete(wire.value.id)
        return decoded(['end', wire.value.id])
      case 'notice': {
        const { session, stop } = wire.value
        return stop === undefined ? undefined : decoded(['notice', session, readStop(stop)])
      }
      case 'hello':
        return decoded(['hello', readHello(wire.value)])
      case 'fatal':
        return decoded(['fatal', readError(wire.value)])
      default:
        // a newer node may say what this client does not know
        return undefined
    }
  }

  fatal(): undefined {
    return undefined
  }

  #call(method: MethodName, values: readonly unknown[]): { method: string; request: Uint8Array } {
    const call = CALLS[method]
    const { input } = call.procedure
    const request = toBinary(input, toMessage(input, call.toRequest(values)))
    assertSize(request.length)
    return { method: nameOf(call), request }
  }

  #answer(tag: 'reply' | 'item', { id, response }: Reply): Decoded<ServerMessage> | undefined {
    const method = this.#methods.get(id)
    if (tag === 'reply') this.#methods.delete(id)
    if (method === undefined) return undefined
    const { procedure, fromResponse, keepsText = false } = CALLS[method]
    const plain = toPlain(procedure.output, fromBinary(procedure.output, response), { keepsText })
    return { message: [tag, id, fromResponse(plain)], bytes: response.length }
  }
}

type Init = NonNullable<MessageInitShape<typeof ClientMessageSchema>['message']>

function encoded(message: Init, bytes = 0): Encoded<Wire> {
  return { message: create(ClientMessageSchema, { message }), bytes: bytes + MESSAGE_OVERHEAD }
}

function decoded(message: ServerMessage): Decoded<ServerMessage> {
  return { message, bytes: 0 }
}
