/**
 * A node: a store that others speak to, over the network and over the store's own socket.
 *
 * Owns: the order of beginning and ending. Ready means that the store is open and the doors are; at the end the doors
 * close first, what is under way is answered, and the store is closed last.
 */
import { BlockList, isIP } from 'node:net'
import type { Client } from '../client/client.ts'
import { perdureError } from '../errors.ts'
import { type EmbeddedOptions, openServed } from './embedded.ts'
import type { TlsOptions } from './http/listener.ts'
import { type ServedHttp, serveHttp } from './http/serve.ts'

/** How to run a node. */
export interface NodeOptions extends Omit<EmbeddedOptions, 'store' | 'socket' | 'path'> {
  /** File of the store. */
  readonly path: string
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string
  /** Port; 0 takes a free one. Default 7400. */
  readonly port?: number
  readonly tls?: TlsOptions
  /** Further names by which the node may be asked for. */
  readonly hosts?: readonly string[]
}

/** A running node. */
export interface Node {
  readonly url: string
  readonly port: number
  readonly client: Client
  /** Ends it. Calls that change something are answered; whoever waits is cut. Never fails twice. */
  close(): Promise<void>
}

/**
 * Opens the store and serves it.
 *
 * @throws DENIED for an address beyond loopback without credentials; STORE_BUSY and the other codes of opening a store;
 *   UNAVAILABLE when the port is taken.
 */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { path, host = '127.0.0.1', port = 7400, tls, hosts = [], ...engine } = options
  assertMayListen(host, tls)
  const store = await openServed({ path, ...engine })
  let http: ServedHttp
  try {
    http = await serveHttp(store.client, { host, port, hosts, ...(tls === undefined ? {} : { tls }) })
  } catch (error) {
    await store.close()
    throw error
  }
  const close = async () => {
    await http.close()
    await store.close()
  }
  let closing: Promise<void> | undefined
  return {
    ...{ url: http.url, port: http.port, client: store.client },
    close: () => (closing ??= close()),
  }
}

/** Fails with DENIED for an address that others can reach, unless they have to show who they are. */
function assertMayListen(host: string, tls: TlsOptions | undefined): void {
  if (tls?.ca !== undefined || isLoopback(host)) return
  throw perdureError('DENIED', {
    expected: 'credentials for whoever is let in from beyond this machine',
    found: `the address ${host} and none`,
    fix: 'Listen on 127.0.0.1, or have clients show certificates (--tls-ca)',
    data: { host },
  })
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const version = isIP(host)
  return version !== 0 && loopback.check(host, version === 6 ? 'ipv6' : 'ipv4')
}
