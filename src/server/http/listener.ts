/**
 * A port on which HTTP/1.1 and HTTP/2 are served alike, in plain text or over TLS.
 *
 * Owns: the sockets. In plain text nothing says beforehand which of the two a client speaks, so the first bytes are
 * looked at; under TLS the handshake says it. Knows nothing of what is served.
 */
import { createServer as createHttp, type RequestListener } from 'node:http'
import {
  createServer as createHttp2,
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type PerdureError, perdureError } from '../../errors.ts'

/** PEM texts of a TLS server. */
export interface TlsOptions {
  readonly cert: string
  readonly key: string
  /** Authorities whose certificates clients may show, or must. Absent: clients need none. */
  readonly ca?: string
  /** False lets clients in that show none: they have other credentials. Default true. */
  readonly requiresCertificate?: boolean
}

/** Where to listen. */
export interface ListenOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly tls?: TlsOptions
  /** Bounds of the port. */
  readonly portLimits?: PortLimits
}

/** Answers requests of either version. */
export type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void

/** An open port. */
export interface Listener {
  readonly url: string
  readonly port: number
  /** Takes a socket that came in by another door, in plain text. */
  take(socket: Socket): void
  /** Accepts nobody any more, waits for what is under way as long as `graceMs`, and cuts the rest. */
  close(graceMs: number): Promise<void>
}

/** A client that is silent is asked whether it lives so often, and cut when it does not answer until the next time, ms. */
const PING_MS = 20_000
/** Headers of one request. */
const MOST_HEADERS = 100
/** How often requests over HTTP/1.1 are looked at that take too long, ms. */
const LOOK_MS = 1_000
/** What may be on its way to a node in one stream before it is read: a slow reader holds no more than this. */
const WINDOW_BYTES = 1024 * 1024

/** Bounds of the port. */
export interface PortLimits {
  /** Connections at a time. Default 20,000. */
  readonly connections?: number
  /** Requests under way in one connection; an exchange is one. Default 1,000. */
  readonly streams?: number
  /** Size of the headers of a request, bytes. Default 16 KiB. */
  readonly headers?: number
  /** How long a new connection may take to say what it speaks, and the headers of a request to arrive, ms. Default 10,000. */
  readonly headersMs?: number
  /** How long a request may take to arrive as a whole, ms. Default 60,000. */
  readonly bodyMs?: number
}

/** The bounds that count unless others are given. */
export const PORT_LIMITS: Required<PortLimits> = {
  connections: 20_000,
  streams: 1_000,
  headers: 16 * 1024,
  headersMs: 10_000,
  bodyMs: 60_000,
}

/** The bounds in the words of both versions of HTTP. */
function http1Options({ headersMs, bodyMs, headers }: Required<PortLimits>) {
  return {
    headersTimeout: Math.min(headersMs, bodyMs),
    requestTimeout: bodyMs,
    maxHeaderSize: headers,
    connectionsCheckingInterval: LOOK_MS,
  }
}

function http2Options({ streams, headers }: Required<PortLimits>) {
  const settings = {
    maxConcurrentStreams: streams,
    initialWindowSize: WINDOW_BYTES,
    maxHeaderListSize: headers,
  }
  return { settings, maxHeaderListPairs: MOST_HEADERS }
}

/** Listens. @throws UNAVAILABLE when the address cannot be had, INVALID_OPTION for key material that is none. */
export async function listen(handler: Handler, options: ListenOptions): Promise<Listener> {
  const { host, port, tls } = options
  const limits = { ...PORT_LIMITS, ...options.portLimits }
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  const http1 = createHttp(http1Options(limits), handler as unknown as RequestListener)
  // it gets its connections from here and never listens by itself; what watches over slow ones begins with this event
  http1.emit('listening')
  const http2 = createHttp2(http2Options(limits), handler)
  const track = (session: ServerHttp2Session) => {
    sessions.add(session)
    // the connection as a whole has a window of its own, which begins with 64 KiB
    session.setLocalWindowSize(WINDOW_BYTES)
    session.on('close', () => sessions.delete(session))
    keepAlive(session)
  }
  http2.on('session', track)
  const sort = (socket: Socket) => {
    socket.setNoDelay(true)
    greet(socket, limits.headersMs, (isHttp2) => (isHttp2 ? http2 : http1).emit('connection', socket))
  }
  const server = tls === undefined ? createTcp(sort) : secure(tls, limits, handler, track)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.maxConnections = limits.connections
  await bind(server, host, port)
  const bound = (server.address() as AddressInfo).port
  const name = host.includes(':') ? `[${host}]` : host
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${name}:${bound}`,
    port: bound,
    take: sort,
    close: (graceMs) => {
      // ends its idle connections, and what watches over the others
      http1.close()
      return close(server, sessions, sockets, graceMs)
    },
  }
}

function secure(
  tls: TlsOptions,
  limits: Required<PortLimits>,
  handler: Handler,
  track: (session: ServerHttp2Session) => void,
) {
  let server: Http2SecureServer
  try {
    server = createSecureServer(
      {
        ...http1Options(limits),
        ...http2Options(limits),
        cert: tls.cert,
        key: tls.key,
        ...(tls.ca === undefined
          ? {}
          : { ca: tls.ca, requestCert: true, rejectUnauthorized: tls.requiresCertificate !== false }),
        allowHTTP1: true,
        minVersion: 'TLSv1.2',
      },
      handler,
    )
  } catch (cause) {
    throw perdureError('INVALID_OPTION', {
      expected: 'a certificate and its key as PEM texts',
      found: cause instanceof Error ? cause.message : 'something else',
      fix: 'Check the files of the TLS options',
      cause,
    })
  }
  server.on('session', track)
  return server
}

/** Looks at the first bytes of a connection; the preface of HTTP/2 begins with `PRI`, which is no method of HTTP/1. */
function greet(socket: Socket, greetingMs: number, sorted: (isHttp2: boolean) => void): void {
  socket.on('error', () => {})
  socket.setTimeout(greetingMs, () => socket.destroy())
  socket.once('data', (chunk: Buffer) => {
    socket.pause()
    socket.setTimeout(0)
    socket.removeAllListeners('timeout')
    socket.unshift(chunk)
    const isHttp2 = chunk.toString('latin1', 0, 3) === 'PRI'
    sorted(isHttp2)
    // HTTP/2 takes what is buffered by itself, and then everything else before it becomes an event
    if (!isHttp2) socket.resume()
  })
}

/** Finds out about clients that went away without a word, so that what they hold is given up. */
function keepAlive(session: ServerHttp2Session): void {
  let isAnswered = true
  session.on('error', () => {})
  const timer = setInterval(() => {
    if (!isAnswered) {
      session.destroy()
      return
    }
    isAnswered = false
    if (session.closed || session.destroyed) return
    session.ping(() => {
      isAnswered = true
    })
  }, PING_MS)
  timer.unref()
  session.on('close', () => clearInterval(timer))
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => reject(cannotListen(host, port, cause))
    server.once('error', onError)
    server.listen(port, host, () => {
      server.off('error', onError)
      // errors of accept concern one connection
      server.on('error', () => {})
      resolve()
    })
  })
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): PerdureError {
  return perdureError('UNAVAILABLE', {
    expected: `to listen on ${host} port ${port}`,
    found: cause.code ?? cause.message,
    fix: cause.code === 'EADDRINUSE' ? 'Choose another port, or stop who has it' : 'Check the address',
    cause,
    data: { host, port },
  })
}

async function close(
  server: Server,
  sessions: ReadonlySet<ServerHttp2Session>,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const session of sessions) session.close()
  const cut = setTimeout(() => {
    for (const session of sessions) session.destroy()
    for (const socket of sockets) socket.destroy()
  }, graceMs)
  await closed
  clearTimeout(cut)
}

/** The name on the certificate that a client has shown; undefined where there is none that counts. */
export function certificateName(socket: unknown): string | undefined {
  const secure = socket as Partial<TLSSocket>
  if (secure.authorized !== true) return undefined
  const subject = secure.getPeerCertificate?.().subject
  return typeof subject?.CN === 'string' ? subject.CN : 'certificate'
}
