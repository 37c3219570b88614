/**
 * The Exchange call: a connection like that of a local socket, carried by one stream of HTTP/2 in the frames of gRPC.
 *
 * Owns: which requests are one, and the HTTP around it. It is served apart from the other calls, since all traffic of
 * Perdure's own clients passes here.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { EXCHANGE_PATH, EXCHANGE_TYPE, ExchangeLink } from '../../protocol/rpc/exchange.ts'
import { ServerEnd } from '../../protocol/rpc/server-end.ts'
import type { Caller } from '../auth/caller.ts'
import { Connection } from '../connection.ts'
import type { Hub } from '../hub.ts'

const TYPES: ReadonlySet<string> = new Set([EXCHANGE_TYPE, 'application/grpc'])

/** Whether a request opens an exchange. */
export function isExchange({ httpVersionMajor, method, url, headers }: Http2ServerRequest): boolean {
  return (
    url === EXCHANGE_PATH &&
    httpVersionMajor === 2 &&
    method === 'POST' &&
    TYPES.has(headers['content-type'] ?? '')
  )
}

/** Serves one exchange until either side ends it. */
export function serveExchange(hub: Hub, caller: Caller, response: Http2ServerResponse): void {
  response.addTrailers({ 'grpc-status': '0' })
  response.writeHead(200, { 'content-type': EXCHANGE_TYPE })
  hub.admit((shared) => {
    return new Connection(
      (events) => {
        const end = new ServerEnd((id, error) => opened.send(['refuse', id, error]))
        const opened = new ExchangeLink(end, response.stream, events, true)
        return opened
      },
      caller,
      shared,
    )
  })
}
