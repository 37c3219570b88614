/**
 * The door to a node on the network: an exchange over HTTP/2.
 */
import { create } from '@bufbuild/protobuf'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { fromErrorRecord, type PerdureError, perdureError } from '../../errors.ts'
import { ErrorSchema } from '../../protocol/generated/perdure/v1/errors_pb.ts'
import {
  type ExchangeRequest,
  ExchangeRequestSchema,
  ExchangeService,
  type ClientMessage as Wire,
} from '../../protocol/generated/perdure/v1/node_pb.ts'
import type { MessageLink } from '../../protocol/link.ts'
import { type ClientMessage, hello, type ServerMessage } from '../../protocol/messages.ts'
import { ClientEnd } from '../../protocol/rpc/client-end.ts'
import { ExchangeLink, MOST_FRAME_BYTES } from '../../protocol/rpc/exchange.ts'
import { readError } from '../../protocol/rpc/parts.ts'
import { isLoopback } from '../../std/loopback.ts'
import type { Client } from '../client.ts'
import type { ChannelOptions } from './channel.ts'
import { type Credential, headersOf } from './credential.ts'
import type { DialEvents, Door, TlsFiles } from './door.ts'
import { Http2Session } from './http2-session.ts'
import { connectDoor } from './remote.ts'

/** How to reach a node. */
export interface NodeAddress {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string
  readonly tls?: TlsFiles
  /** Shown with every request. */
  readonly credential?: Credential
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Longest wait for the node's hello, ms. */
const GREETING_MS = 5_000
/**
 * Connects to a node; breaks of the connection are mended as those of {@link connectSocket}.
 *
 * @throws PerdureError UNAVAILABLE when nobody answers; PROTOCOL when the other end is no node of this version;
 *   UNAUTHENTICATED when it does not know the credential; DENIED for a token that would travel in plain text.
 */
export async function connectNode(address: NodeAddress, options?: ChannelOptions): Promise<Client> {
  return connectDoor(nodeDoor(address), options)
}

/** The door to the node at an address. */
function nodeDoor({ url, tls = {}, headers = {}, credential }: NodeAddress): Door {
  const { protocol, hostname } = new URL(url)
  if (credential !== undefined && protocol === 'http:' && !isLoopback(hostname)) throw openLetter(url)
  return {
    place: url,
    data: { url },
    beats: { type: 'http', url, tls, headers, credential },
    dial: async (instance, events) =>
      dial({ url, tls, headers: { ...headers, ...headersOf(credential) } }, instance, events),
  }
}

function dial(
  address: Required<Omit<NodeAddress, 'credential'>>,
  instance: string,
  events: DialEvents,
): Promise<MessageLink<ClientMessage>> {
  const { url, tls, headers } = address
  const session = new Http2Session(url, tls)
  const transport = createGrpcTransport({
    baseUrl: url,
    sessionManager: session,
    readMaxBytes: MOST_FRAME_BYTES,
    writeMaxBytes: MOST_FRAME_BYTES,
  })
  const stop = new AbortController()
  return new Promise((resolve, reject) => {
    let isOpen = false
    let fatal: PerdureError | undefined
    const late = setTimeout(() => stop.abort(), GREETING_MS)
    const link = new ExchangeLink(
      new ClientEnd(),
      {
        onMessage: (message: ServerMessage) => {
          if (message[0] === 'fatal') fatal = fromErrorRecord(message[1])
          else if (isOpen) events.onMessage(message)
          else if (message[0] === 'hello') {
            isOpen = true
            clearTimeout(late)
            resolve(link)
          }
        },
        onClose: (error) => {
          clearTimeout(late)
          stop.abort()
          session.close()
          if (isOpen) events.onClose(fatal ?? error)
          else reject(fatal ?? error ?? unreachable(url, undefined))
        },
      },
      false,
    )
    const answers = createClient(ExchangeService, transport).exchange(requests(link), {
      headers,
      signal: stop.signal,
    })
    link.receive(answers).then(
      () => link.close(),
      (thrown: unknown) => link.close(isOpen ? undefined : refusalOf(url, thrown)),
    )
    link.send(['hello', hello(instance)])
  })
}

async function* requests(
  link: ExchangeLink<ServerMessage, ClientMessage, never, Wire>,
): AsyncGenerator<ExchangeRequest> {
  for await (const messages of link.frames()) yield create(ExchangeRequestSchema, { messages })
}

/** Why there is no exchange: the node said so, or could not be reached. */
function refusalOf(url: string, thrown: unknown): PerdureError {
  const status = ConnectError.from(thrown)
  const [detail] = status.findDetails(ErrorSchema)
  if (detail !== undefined) return fromErrorRecord(readError(detail))
  if (status.code === Code.Unimplemented || status.code === Code.Unknown) return foreign(url, status)
  return unreachable(url, status)
}

function openLetter(url: string): PerdureError {
  return perdureError('DENIED', {
    expected: 'TLS on the way to a node that is shown a token',
    found: `plain text to ${url}`,
    fix: 'Use https: whoever is on the way could read the token',
    data: { url },
  })
}

function foreign(url: string, cause: ConnectError): PerdureError {
  return perdureError('PROTOCOL', {
    expected: `a Perdure node of this version at ${url}`,
    found: cause.rawMessage,
    fix: 'Check the address, and the version of the node',
    cause,
    data: { url },
  })
}

function unreachable(url: string, cause: ConnectError | undefined): PerdureError {
  return perdureError('UNAVAILABLE', {
    expected: `a Perdure node at ${url}`,
    found: cause?.rawMessage ?? 'a connection that closed at once',
    fix: 'Start it (`perdure node`), check the address, or try again if it is restarting',
    cause,
    data: { url },
  })
}
