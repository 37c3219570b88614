/**
 * One exchange with a node, from the first byte to the answered hello.
 *
 * Owns: telling a node that cannot be reached from one that refuses, and from something that is no node.
 */
import type { IncomingHttpHeaders } from 'node:http2'
import { Code, type ConnectError } from '@connectrpc/connect'
import { findTrailerError } from '@connectrpc/connect/protocol-grpc'
import { fromErrorRecord, type PerdureError, perdureError } from '../../errors.ts'
import { ErrorSchema } from '../../protocol/generated/perdure/v1/errors_pb.ts'
import type { MessageLink } from '../../protocol/link.ts'
import { type ClientMessage, hello, type ServerMessage } from '../../protocol/messages.ts'
import { ClientEnd } from '../../protocol/rpc/client-end.ts'
import { EXCHANGE_PATH, EXCHANGE_TYPE, ExchangeLink } from '../../protocol/rpc/exchange.ts'
import { readError } from '../../protocol/rpc/parts.ts'
import type { DialEvents, TlsFiles } from './door.ts'
import { openHttp2 } from './http2-session.ts'

/** Where to, and what to show there. */
export interface ExchangeAddress {
  readonly url: string
  readonly tls: TlsFiles
  readonly headers: Readonly<Record<string, string>>
}

/** Longest wait for the node's hello, ms. */
const GREETING_MS = 5_000

/**
 * Opens an exchange, and closes its connection when it ends.
 *
 * @throws PerdureError UNAVAILABLE when nobody answers; PROTOCOL when the other end is no node of this version; whatever
 *   the node itself says.
 */
export function dialExchange(
  { url, tls, headers }: ExchangeAddress,
  instance: string,
  events: DialEvents,
): Promise<MessageLink<ClientMessage>> {
  return new Promise((resolve, reject) => {
    let isOpen = false
    let refusal: PerdureError | undefined
    let cause: NodeJS.ErrnoException | undefined
    const session = openHttp2(url, tls, (error) => {
      cause ??= error
    })
    const stream = session.request({
      ...{ ...headers, ':method': 'POST', ':path': EXCHANGE_PATH },
      ...{ 'content-type': EXCHANGE_TYPE, te: 'trailers' },
    })
    const note = (heads: IncomingHttpHeaders) => {
      refusal ??= refusalOf(url, heads)
    }
    stream.on('response', (heads) => {
      note(heads)
      if (!String(heads['content-type']).startsWith('application/grpc')) refusal ??= foreign(url, heads)
    })
    stream.on('trailers', note)
    const late = setTimeout(() => stream.destroy(), GREETING_MS)
    const onMessage = (message: ServerMessage) => {
      if (message[0] === 'fatal') refusal = fromErrorRecord(message[1])
      else if (isOpen) events.onMessage(message)
      else if (message[0] === 'hello') {
        isOpen = true
        clearTimeout(late)
        events.onOpen(message[1].instance)
        resolve(link)
      }
    }
    const onClose = (error: PerdureError | undefined) => {
      clearTimeout(late)
      session.destroy()
      if (isOpen) events.onClose(refusal ?? error)
      else reject(refusal ?? error ?? failureOf(url, cause))
    }
    const link = new ExchangeLink(new ClientEnd(), stream, { onMessage, onClose }, false)
    link.send(['hello', hello(instance)])
  })
}

/** What the node says instead of an exchange, or at its end. */
function refusalOf(url: string, heads: IncomingHttpHeaders): PerdureError | undefined {
  const status = findTrailerError(new Headers(plainOf(heads)))
  if (status === undefined) return undefined
  const [detail] = status.findDetails(ErrorSchema)
  if (detail !== undefined) return fromErrorRecord(readError(detail))
  return status.code === Code.Unimplemented ? foreign(url, heads, status) : unreachable(url, status)
}

function plainOf(heads: IncomingHttpHeaders): Record<string, string> {
  const plain = Object.entries(heads).filter(([name]) => !name.startsWith(':'))
  return Object.fromEntries(plain.map(([name, value]) => [name, String(value)]))
}

/** Why there is no connection. */
function failureOf(url: string, cause: NodeJS.ErrnoException | undefined): PerdureError {
  // the one error for bytes that are not HTTP/2
  if (cause?.code === 'ERR_HTTP2_ERROR') return foreign(url, {}, cause)
  return unreachable(url, cause)
}

function foreign(url: string, heads: IncomingHttpHeaders, cause?: Error | ConnectError): PerdureError {
  return perdureError('PROTOCOL', {
    expected: `a Perdure node of this version at ${url}`,
    found: cause?.message ?? `an answer of HTTP status ${heads[':status']}`,
    fix: 'Check the address, and the version of the node',
    cause,
    data: { url },
  })
}

function unreachable(url: string, cause: Error | undefined): PerdureError {
  return perdureError('UNAVAILABLE', {
    expected: `a Perdure node at ${url}`,
    found: cause?.message ?? 'a connection that closed at once',
    fix: 'Start it (`perdure node`), check the address, or try again if it is restarting',
    cause,
    data: { url },
  })
}
