/**
 * Requests that must arrive in time: whoever sends a byte a minute would otherwise hold what has come so far.
 */
import { constants, type Http2ServerRequest } from 'node:http2'

/** Ends a request over HTTP/2 that has not arrived as a whole within `ms`; HTTP/1.1 has a clock of its own. */
export function endUnlessInTime(request: Http2ServerRequest, ms: number): void {
  if (request.httpVersionMajor === 1) return
  const late = setTimeout(() => {
    if (!request.complete) request.stream.close(constants.NGHTTP2_CANCEL)
  }, ms)
  late.unref()
  const inTime = (): void => clearTimeout(late)
  request.once('end', inTime)
  request.once('close', inTime)
}
