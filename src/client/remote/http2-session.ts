/**
 * The HTTP/2 connection of one exchange.
 *
 * Owns: finding out that a node is silent and ending the connection then, and that no end of it, however it comes about,
 * is an error that nobody catches.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { GrpcTransportOptions } from '@connectrpc/connect-node'
import type { TlsFiles } from './door.ts'

/** A node that is silent is asked whether it lives so often, and has to answer until the next time, ms. */
const PING_MS = 5_000
/** What the node may have on its way to this client in one stream. */
const WINDOW_BYTES = 1024 * 1024

type SessionManager = NonNullable<GrpcTransportOptions['sessionManager']>

/** A connection that is opened by its first request and is of no more use once it has ended. */
export class Http2Session implements SessionManager {
  readonly authority: string
  readonly #tls: TlsFiles
  #session: ClientHttp2Session | undefined
  #pings: NodeJS.Timeout | undefined

  constructor(url: string, tls: TlsFiles) {
    this.authority = new URL(url).origin
    this.#tls = tls
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: { readonly endStream?: boolean },
  ): Promise<ClientHttp2Stream> {
    this.#session ??= this.#open()
    return this.#session.request({ ...headers, ':method': method, ':path': path }, options)
  }

  /** Every byte would be a sign of life, but only pings tell of a node that has nothing to say. */
  notifyResponseByteRead(): void {}

  /** Ends the connection at once. */
  close(): void {
    clearInterval(this.#pings)
    this.#session?.destroy()
  }

  #open(): ClientHttp2Session {
    const settings = { initialWindowSize: WINDOW_BYTES, enablePush: false }
    const session = connect(this.authority, { ...this.#tls, settings })
    // streams learn of it by themselves
    session.on('error', () => {})
    session.on('close', () => clearInterval(this.#pings))
    session.once('connect', () => this.#ping(session))
    return session
  }

  #ping(session: ClientHttp2Session): void {
    let isAnswered = true
    this.#pings = setInterval(() => {
      if (!isAnswered || session.closed) {
        session.destroy()
        return
      }
      isAnswered = false
      session.ping(() => {
        isAnswered = true
      })
    }, PING_MS)
  }
}
