/**
 * The client's end of an exchange: calls out, answers in.
 *
 * Owns: which method each call that is under way belongs to, since an answer is read by its method's response type.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { assertSize } from '../frames.ts'
import { ClientMessageSchema, ServerMessageSchema } from '../generated/perdure/v1/node_pb.ts'
import { malformed } from '../json.ts'
import type { ClientMessage, ServerMessage } from '../messages.ts'
import type { MethodName } from '../methods.ts'
import { CALLS, nameOf } from './calls.ts'
import { toMessage, toPlain } from './convert.ts'
import type { Decoded, End } from './exchange.ts'
import { type ReplyParts, readReply, writeCall } from './hot/envelope.ts'
import { Reader, readHot } from './hot/reader.ts'
import { HOT } from './hot/table.ts'
import type { Writer } from './hot/writer.ts'
import { helloToWire, readError, readHello, readNotice } from './parts.ts'

/** Makes messages of a client into those of the wire, and those of a server into plain ones. */
export class ClientEnd implements End<ServerMessage, ClientMessage> {
  readonly #methods = new Map<number, MethodName>()

  write(writer: Writer, message: ClientMessage): void {
    switch (message[0]) {
      case 'hello':
        append(writer, { case: 'hello', value: helloToWire(message[1]) })
        break
      case 'call':
      case 'open': {
        const [, id, name, values, credit = 0] = message
        writeRequest(writer, id, name as MethodName, values, credit)
        this.#methods.set(id, name as MethodName)
        break
      }
      case 'tell':
        writeRequest(writer, 0, message[1] as MethodName, message[2], 0)
        break
      case 'credit':
        append(writer, { case: 'credit', value: { id: message[1], items: message[2] } })
        break
      case 'cancel':
        append(writer, { case: 'cancel', value: { id: message[1] } })
        break
      case 'beat':
        throw malformed('beats as calls of their own', 'a beat in an exchange')
    }
  }

  read(reader: Reader): Decoded<ServerMessage> | undefined {
    const reply = readHot(reader, readReply)
    return reply === undefined ? this.#readOther(reader.rest()) : this.#answer(reply)
  }

  fatal(): undefined {
    return undefined
  }

  #answer({ tag, id, response }: ReplyParts): Decoded<ServerMessage> | undefined {
    const method = this.#methods.get(id)
    if (tag === 'reply') this.#methods.delete(id)
    if (method === undefined) return undefined
    return { message: [tag, id, readResponse(method, response)], bytes: response.length }
  }

  #readOther(bytes: Uint8Array): Decoded<ServerMessage> | undefined {
    const { message: wire } = fromBinary(ServerMessageSchema, bytes)
    switch (wire.case) {
      case 'reply':
      case 'item':
        return this.#answer({ tag: wire.case, id: wire.value.id, response: Buffer.from(wire.value.response) })
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
        const notice = readNotice(wire.value)
        return notice === undefined ? undefined : decoded(['notice', wire.value.session, notice])
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
}

/** Names of methods as they travel. */
const NAMES = Object.fromEntries(
  Object.entries(CALLS).map(([method, call]) => [method, nameOf(call)]),
) as Readonly<Record<MethodName, string>>

function writeRequest(
  writer: Writer,
  id: number,
  name: MethodName,
  values: readonly unknown[],
  credit: number,
): void {
  writeCall(writer, { id, method: NAMES[name], credit }, () => {
    const start = writer.at
    if (HOT[name]?.writeRequest?.(writer, values) !== true) {
      writer.at = start
      const { procedure, toRequest } = CALLS[name]
      writer.append(toBinary(procedure.input, toMessage(procedure.input, toRequest(values))))
    }
    assertSize(writer.at - start)
  })
}

function readResponse(method: MethodName, response: Buffer): unknown {
  const { readResponse: read } = HOT[method] ?? {}
  const answer = read === undefined ? undefined : readHot(new Reader(response), read)
  if (answer !== undefined) return answer
  const { procedure, fromResponse, keepsText = false } = CALLS[method]
  return fromResponse(toPlain(procedure.output, fromBinary(procedure.output, response), { keepsText }))
}

type Init = NonNullable<MessageInitShape<typeof ClientMessageSchema>['message']>

function append(writer: Writer, message: Init): void {
  writer.append(toBinary(ClientMessageSchema, create(ClientMessageSchema, { message })))
}

function decoded(message: ServerMessage): Decoded<ServerMessage> {
  return { message, bytes: 0 }
}
