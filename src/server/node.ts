/**
 * A node: a client that others reach over the network.
 *
 * Owns: the rule that nobody is let in from beyond this machine without having to show who they are.
 */
import { BlockList, isIP } from 'node:net'
import type { Client } from '../client/client.ts'
import { perdureError } from '../errors.ts'
import { type ServedHttp, type ServeOptions, serveHttp } from './http/serve.ts'

/** How to run a node. */
export interface NodeOptions extends Omit<ServeOptions, 'host' | 'port'> {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string
  /** Port; 0 takes a free one. Default 7400. */
  readonly port?: number
}

/**
 * Serves a client to the network until `close`. The client stays open.
 *
 * @throws DENIED for an address beyond loopback without credentials; UNAVAILABLE when the port is taken;
 *   INVALID_OPTION for key material that is none.
 */
export async function startNode(client: Client, options: NodeOptions = {}): Promise<ServedHttp> {
  const { host = '127.0.0.1', port = 7400, ...rest } = options
  // a certificate of its own keeps others from listening in, but not from coming in
  if (rest.tls?.ca === undefined && !isLoopback(host)) throw denied(host)
  return serveHttp(client, { host, port, ...rest })
}

function denied(host: string) {
  return perdureError('DENIED', {
    expected: 'credentials for whoever is let in from beyond this machine',
    found: `the address ${host} and none`,
    fix: 'Listen on 127.0.0.1, or have clients show certificates (node.tls.clientCa)',
    data: { host },
  })
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether an address can be reached from this machine only. */
function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const version = isIP(host)
  return version !== 0 && loopback.check(host, version === 6 ? 'ipv6' : 'ipv4')
}
