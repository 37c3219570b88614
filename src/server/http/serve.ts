/**
 * Serves a client over HTTP: the services of the definition, and the pages that tell how the node is.
 *
 * Owns: putting listener, routes and services together, who a caller is, and ending them in order.
 */
import type { Http2ServerRequest } from 'node:http2'
import { createContextValues } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import type { Client } from '../../client/client.ts'
import { MOST_FRAME_BYTES } from '../../protocol/rpc/exchange.ts'
import type { Logger } from '../../runtime/logger/logger.ts'
import type { AuditLog } from '../auth/audit-log.ts'
import type { Caller } from '../auth/caller.ts'
import { Gate } from '../auth/gate.ts'
import { Hub, type HubLimits } from '../hub.ts'
import type { Meter } from '../metrics/meter.ts'
import { isExchange, serveExchange } from '../rpc/exchange.ts'
import { addServices, CALLER } from '../rpc/services.ts'
import { endUnlessInTime } from './in-time.ts'
import { certificateName, type Handler, type ListenOptions, listen, PORT_LIMITS } from './listener.ts'
import { blameCaller } from './malformed.ts'
import { route } from './routes.ts'

/** How to serve. */
export interface ServeOptions extends ListenOptions {
  /** Further names by which the node may be asked for. */
  readonly hosts?: readonly string[]
  /** How long a worker's session waits for its connection to come back, ms. Default 10,000. */
  readonly lingerMs?: number
  /** What is told of bugs. Default: nobody is. */
  readonly logger?: Logger
  /** Serves `/metrics`. */
  readonly meter?: Meter
  /** Tells callers from strangers. The server closes it. Default: whoever reaches the port may do everything. */
  readonly gate?: Gate
  /** Keeps a record of what operators do. */
  readonly audit?: AuditLog
  /** Bounds of each caller, and of all callers of each namespace. */
  readonly limits?: HubLimits
}

/** A client that is being served. */
export interface ServedHttp {
  readonly url: string
  readonly port: number
  /** Takes other bounds of callers and namespaces over, for what begins from now on. */
  limit(limits: HubLimits): void
  /** Has calls that change something answered, and ends all connections. The client stays open. */
  close(): Promise<void>
}

/** What is under way at the end gets this long, ms. */
const GRACE_MS = 3_000

/** Serves a client until `close`. @throws UNAVAILABLE when the port is taken. */
export async function serveHttp(client: Client, options: ServeOptions): Promise<ServedHttp> {
  const hub = new Hub(client, options)
  const gate = options.gate ?? new Gate()
  options.meter?.gauge('perdure_connections', 'Clients and workers connected', () => hub.connections)
  const listener = await listen(handlerOf(hub, gate, options), options)
  let closing: Promise<void> | undefined
  const close = async () => {
    const closed = listener.close(GRACE_MS)
    await hub.drain()
    await closed
    await hub.closeSessions()
    gate.close()
  }
  return {
    url: listener.url,
    port: listener.port,
    limit: (limits) => hub.limit(limits),
    close: () => (closing ??= close()),
  }
}

function handlerOf(
  hub: Hub,
  gate: Gate,
  { host, tls, hosts = [], meter, portLimits }: ServeOptions,
): Handler {
  const callers = new WeakMap<Http2ServerRequest, Caller>()
  const services = connectNodeAdapter({
    routes: (router) => addServices(router, hub),
    contextValues: (request) =>
      createContextValues().set(CALLER, callers.get(request as Http2ServerRequest) as Caller),
    // nothing compressed is taken, so nothing can unfold into more than was sent
    acceptCompression: [],
    readMaxBytes: MOST_FRAME_BYTES,
    writeMaxBytes: MOST_FRAME_BYTES,
    jsonOptions: { ignoreUnknownFields: false, alwaysEmitImplicit: true },
  }) as Handler
  const names = new Set(['localhost', '127.0.0.1', '::1', host, ...hosts].map((name) => name.toLowerCase()))
  // over TLS the certificate has settled which names are meant
  const isKnownHost = tls === undefined ? (name: string) => names.has(name) : () => true
  const routes = {
    '/healthz': () => ({ status: 200, text: 'ok' }),
    '/readyz': async () => {
      const isReady = await hub.client.list({ limit: 1 }).then(
        () => true,
        () => false,
      )
      return isReady ? { status: 200, text: 'ready' } : { status: 503, text: 'the store does not answer' }
    },
    ...(meter && { '/metrics': async () => ({ status: 200, ...(await meter.text(hub.client)) }) }),
  }
  const handler: Handler = (request, response) => {
    if (isExchange(request)) serveExchange(hub, callers.get(request) as Caller, response)
    else {
      endUnlessInTime(request, portLimits?.bodyMs ?? PORT_LIMITS.bodyMs)
      blameCaller(request, response)
      services(request, response)
    }
  }
  return route(routes, handler, {
    isKnownHost,
    identify: ({ headers, socket }) => {
      const certificate = certificateName(socket)
      try {
        return gate.identify({ headers, certificate })
      } catch (error) {
        const { authorization } = headers
        hub.refusals?.ofStranger({ address: socket.remoteAddress, authorization, certificate }, error)
        throw error
      }
    },
    admit: (request, response, caller) => {
      response.once('close', hub.viewOf(caller).allowance.begin())
      callers.set(request, caller)
    },
  })
}
