/**
 * The HTTP/2 connection of one exchange.
 *
 * Owns: finding out that a node is silent and ending the connection then, and that no end of it, however it comes about,
 * is an error that nobody catches.
 */
import { type ClientHttp2Session, connect } from 'node:http2'
import type { TlsFiles } from './door.ts'

/** A node that is silent is asked whether it lives so often, and has to answer until the next time, ms. */
const PING_MS = 5_000
/** What the node may have on its way to this client: some batches of leases, so that it never waits for a word of this end. */
const WINDOW_BYTES = 1024 * 1024

/** Begins a connection. Errors of it are told to its streams and to `onError`. */
export function openHttp2(
  url: string,
  tls: TlsFiles,
  onError: (error: NodeJS.ErrnoException) => void,
): ClientHttp2Session {
  const settings = { initialWindowSize: WINDOW_BYTES, enablePush: false }
  const session = connect(new URL(url).origin, { ...tls, settings })
  session.on('error', onError)
  session.once('connect', () => {
    // the connection as a whole has a window of its own, which begins with 64 KiB
    session.setLocalWindowSize(WINDOW_BYTES)
    watch(session)
  })
  return session
}

function watch(session: ClientHttp2Session): void {
  let isAnswered = true
  const pings = setInterval(() => {
    // one that is destroyed says that it is closed only when its last bytes are gone, which a silent node may take for ever to take
    if (session.destroyed) return clearInterval(pings)
    if (!isAnswered || session.closed) {
      session.destroy()
      return
    }
    isAnswered = false
    session.ping(() => {
      isAnswered = true
    })
  }, PING_MS)
  session.on('close', () => clearInterval(pings))
}
