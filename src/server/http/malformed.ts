/**
 * Bytes that are no message are the caller's mistake.
 *
 * Owns: one correction. The library answers them as a bug of the server (internal, 500) where it reads JSON as an invalid
 * argument; whoever watches a node would be woken by anybody who sends it garbage.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/** How the library begins the message of such an error. */
const MARK = 'parse binary'
const INTERNAL = '13'
const INVALID_ARGUMENT = '3'

/** Has the answer to a binary request say invalid argument where its bytes could not be read. */
export function blameCaller(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const type = String(request.headers['content-type'] ?? '')
  if (type.startsWith('application/grpc')) correctTrailers(response)
  else if (type === 'application/proto') correctBody(response)
}

function correctTrailers(response: Http2ServerResponse): void {
  const add = response.addTrailers.bind(response)
  response.addTrailers = (trailers) => {
    const isMistake =
      trailers['grpc-status'] === INTERNAL &&
      decodeURIComponent(String(trailers['grpc-message'])).startsWith(MARK)
    add(isMistake ? { ...trailers, 'grpc-status': INVALID_ARGUMENT } : trailers)
  }
}

/** The status comes before the body that says what it is about, so it is held back until then. */
function correctBody(response: Http2ServerResponse): void {
  const writeHead = response.writeHead.bind(response) as (status: number, headers: object) => unknown
  const write = response.write.bind(response) as (chunk: Uint8Array, ...rest: unknown[]) => boolean
  let held: object | undefined
  response.writeHead = ((status: number, headers: object) => {
    if (status === 500) held = headers
    else writeHead(status, headers)
    return response
  }) as typeof response.writeHead
  response.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
    if (held === undefined) return write(chunk, ...rest)
    const text = Buffer.from(chunk).toString()
    const isMistake = text.includes(`"message":"${MARK}`)
    // both codes are of one error, so only the length changes
    const { 'content-length': _, ...headers } = held as Record<string, unknown>
    held = undefined
    writeHead(isMistake ? 400 : 500, headers)
    const corrected = text.replace('"code":"internal"', '"code":"invalid_argument"')
    return write(isMistake ? Buffer.from(corrected) : chunk, ...rest)
  }) as typeof response.write
}
