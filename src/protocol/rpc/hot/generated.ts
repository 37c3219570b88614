/**
 * Parts of hand-written messages that are left to the generated code.
 */
import { type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf'
import { type PlainOptions, toPlain } from '../convert.ts'
import { UNREAD } from './reader.ts'

/** The plain data of a nested message. Bytes that are none are judged as part of the whole message. */
export function plainOf(
  type: DescMessage,
  bytes: Uint8Array,
  options?: PlainOptions,
): Record<string, unknown> {
  return toPlain(type, parse(type, bytes), options)
}

function parse(type: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(type, bytes)
  } catch {
    throw UNREAD
  }
}
