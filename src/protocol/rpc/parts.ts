/**
 * Parts of messages that both ends of an exchange make and read.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { ErrorRecord } from '../../errors.ts'
import { type Error as ErrorMessage, ErrorSchema } from '../generated/perdure/v1/errors_pb.ts'
import { type Hello as HelloMessage, HelloSchema } from '../generated/perdure/v1/node_pb.ts'
import { type StopRequest, StopRequestSchema } from '../generated/perdure/v1/workers_pb.ts'
import { malformed } from '../json.ts'
import { type Hello, hello } from '../messages.ts'
import { toMessage, toPlain } from './convert.ts'

/** Grows whenever a frame changes its meaning in a way that the definition's own rules do not allow for. */
const EXCHANGE_VERSION = 1

/** The wire's form of a hello. */
export function helloToWire({ instance }: Hello): MessageInitShape<typeof HelloSchema> {
  return create(HelloSchema, { version: EXCHANGE_VERSION, instance })
}

/** Reads a hello. Fails with PROTOCOL unless the peer speaks this version. */
export function readHello({ version, instance }: HelloMessage): Hello {
  if (version === EXCHANGE_VERSION) return hello(instance)
  throw malformed(`version ${EXCHANGE_VERSION} of the exchange`, `version ${version}`)
}

/** The wire's form of an error. */
export function errorToWire(error: ErrorRecord): ErrorMessage {
  return toMessage(ErrorSchema, error) as ErrorMessage
}

/** Reads an error. */
export function readError(error: ErrorMessage): ErrorRecord {
  return toPlain(ErrorSchema, error) as unknown as ErrorRecord
}

/** The wire's form of a worker's notice; the only one there is asks for a stop. */
export function stopToWire(notice: unknown): StopRequest {
  const { type: _, ...stop } = notice as Record<string, unknown>
  return toMessage(StopRequestSchema, stop) as StopRequest
}

/** Reads a worker's notice. */
export function readStop(stop: StopRequest): unknown {
  return { type: 'stop', ...toPlain(StopRequestSchema, stop) }
}
