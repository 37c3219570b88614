/**
 * The messages inside frames: tuples whose first element is their tag.
 *
 * Owns: their types and the check of their form. What a method's arguments mean is not known here.
 */
import type { ErrorRecord } from '../errors.ts'
import { malformed } from './json.ts'
import { PROTOCOL_VERSION } from './limits.ts'

/** The first message in either direction. */
export interface Hello {
  readonly protocol: 'perdure-local'
  readonly version: number
  readonly pid: number
  /** Differs for every served socket and every client, so that a restart is noticed. */
  readonly instance: string
}

/** What a client sends. Ids are chosen by it and are free again after the answer. */
export type ClientMessage =
  | readonly ['hello', Hello]
  | readonly ['call', number, string, readonly unknown[]]
  | readonly ['open', number, string, readonly unknown[], number]
  | readonly ['credit', number, number]
  | readonly ['cancel', number]
  | readonly ['tell', string, readonly unknown[]]
  /** Renews leases in the name of a worker; sent by its heartbeat thread on a connection of its own. */
  | readonly ['beat', number, WorkerName, readonly string[]]

/** Which worker a beat speaks for. */
export interface WorkerName {
  readonly name: string
  readonly host: string
  readonly pid: number
  readonly instance: string
}

/** What a server sends. */
export type ServerMessage =
  | readonly ['hello', Hello]
  | readonly ['reply', number, unknown]
  | readonly ['refuse', number, ErrorRecord]
  | readonly ['item', number, unknown]
  | readonly ['end', number]
  | readonly ['notice', number, unknown]
  /** The connection is about to be closed because of what the peer did. */
  | readonly ['fatal', ErrorRecord]

/** This end's hello. */
export function hello(instance: string): Hello {
  return { protocol: 'perdure-local', version: PROTOCOL_VERSION, pid: process.pid, instance }
}

type Element = 'id' | 'string' | 'array' | 'object' | 'any'

const CLIENT_FORMS: Readonly<Record<string, readonly Element[]>> = {
  hello: ['object'],
  call: ['id', 'string', 'array'],
  open: ['id', 'string', 'array', 'id'],
  credit: ['id', 'id'],
  cancel: ['id'],
  tell: ['string', 'array'],
  beat: ['id', 'object', 'array'],
}

const SERVER_FORMS: Readonly<Record<string, readonly Element[]>> = {
  hello: ['object'],
  reply: ['id', 'any'],
  refuse: ['id', 'object'],
  item: ['id', 'any'],
  end: ['id'],
  notice: ['id', 'any'],
  fatal: ['object'],
}

function fits(element: Element, value: unknown): boolean {
  switch (element) {
    case 'id':
      return Number.isSafeInteger(value) && (value as number) >= 0
    case 'string':
      return typeof value === 'string'
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'any':
      return true
  }
}

function read(forms: Readonly<Record<string, readonly Element[]>>, message: unknown): unknown {
  if (!Array.isArray(message) || typeof message[0] !== 'string')
    throw malformed('an array that begins with a tag', 'another value')
  const tag: string = message[0]
  const form = Object.hasOwn(forms, tag) ? forms[tag] : undefined
  if (form === undefined)
    throw malformed(`one of ${Object.keys(forms).join(', ')}`, `the tag ${JSON.stringify(tag.slice(0, 40))}`)
  if (
    message.length !== form.length + 1 ||
    !form.every((element, index) => fits(element, message[index + 1]))
  ) {
    throw malformed(`\`${tag}\` followed by ${form.join(', ') || 'nothing'}`, 'other elements')
  }
  return message
}

/** Checks the form of a message from a client. Throws PROTOCOL. */
export function readClientMessage(message: unknown): ClientMessage {
  return read(CLIENT_FORMS, message) as ClientMessage
}

/** Checks the form of a message from a server. Throws PROTOCOL. */
export function readServerMessage(message: unknown): ServerMessage {
  return read(SERVER_FORMS, message) as ServerMessage
}

/** Fails with PROTOCOL unless the peer speaks this very version. */
export function assertHello(peer: Hello): void {
  if (peer.protocol !== 'perdure-local' || peer.version !== PROTOCOL_VERSION) {
    throw malformed(
      `version ${PROTOCOL_VERSION} of the local protocol`,
      `${JSON.stringify(peer.protocol)?.slice(0, 40)} version ${JSON.stringify(peer.version)?.slice(0, 20)}`,
    )
  }
  if (typeof peer.instance !== 'string' || !Number.isSafeInteger(peer.pid))
    throw malformed('a hello with pid and instance', 'less')
}
