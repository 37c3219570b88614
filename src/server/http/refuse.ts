/**
 * Refusing a request before its body is read, in the words of the protocol that it speaks.
 *
 * Owns: that whoever is not let in costs the node no memory: nothing of what they send is kept.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { ConnectError } from '@connectrpc/connect'
import { codeToHttpStatus, errorToJson } from '@connectrpc/connect/protocol-connect'
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc'
import { statusOf } from '../rpc/status.ts'

/** Answers a request with an error, and takes no more of it. */
export function refuse(request: Http2ServerRequest, response: Http2ServerResponse, thrown: unknown): void {
  const status = statusOf(thrown)
  const type = String(request.headers['content-type'] ?? '')
  const headers = {
    ...Object.fromEntries(status.metadata),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  }
  if (type.startsWith('application/grpc')) {
    response.writeHead(200, { ...headers, 'content-type': type, ...trailersOf(status) })
    response.end()
  } else {
    const http = codeToHttpStatus(status.code)
    const challenge = http === 401 ? { 'www-authenticate': 'Bearer' } : {}
    response.writeHead(http, { ...headers, ...challenge, 'content-type': 'application/json' })
    response.end(JSON.stringify(errorToJson(status, undefined)))
  }
  if (request.httpVersionMajor === 1) {
    // the rest of the body is not waited for
    response.once('finish', () => request.socket.destroySoon())
  }
}

/** What gRPC says at the end of an answer, for one that has no body. */
function trailersOf(status: ConnectError): Record<string, string> {
  const trailers = new Headers()
  setTrailerStatus(trailers, status)
  return Object.fromEntries(trailers)
}
