/**
 * A node: a client that others reach over the network.
 *
 * Owns: the rule that nobody is let in from beyond this machine without having to show who they are, nor without TLS.
 */
import type { Client } from '../client/client.ts'
import type { Grant } from '../config/grant.ts'
import { type PerdureError, perdureError } from '../errors.ts'
import { isLoopback } from '../std/loopback.ts'
import { AuditLog, type AuditOptions } from './auth/audit-log.ts'
import { Gate } from './auth/gate.ts'
import type { TlsOptions } from './http/listener.ts'
import { type ServedHttp, type ServeOptions, serveHttp } from './http/serve.ts'

/** How to run a node. */
export interface NodeOptions extends Omit<ServeOptions, 'host' | 'port' | 'gate' | 'tls' | 'audit'> {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string
  /** Port; 0 takes a free one. Default 7400. */
  readonly port?: number
  readonly tls?: Omit<TlsOptions, 'requiresCertificate'>
  /** The file of tokens. Default: there are none. */
  readonly tokenFile?: string
  /** Where to keep a record of what operators do. Default: none is kept. */
  readonly audit?: AuditOptions
  /** What the certificates of clients allow, by common name; `*` for all others. Default: everything, to all. */
  readonly certificates?: ReadonlyMap<string, Grant>
  /** Lets others in without TLS, where something before the node ends it. Default false. */
  readonly allowsPlain?: boolean
  /** Told when the file of tokens can no longer be read. */
  readonly onProblem?: (error: unknown) => void
}

/**
 * Serves a client to the network until `close`. The client stays open.
 *
 * @throws DENIED for an address beyond loopback without credentials or without TLS, or for a file of tokens that others can
 *   read; UNAVAILABLE when the port is taken; INVALID_OPTION for key material that is none; INVALID_CONFIG for a file of
 *   tokens that is none; STORE_FAILED for an audit log that cannot be written.
 */
export async function startNode(client: Client, options: NodeOptions = {}): Promise<ServedHttp> {
  const {
    host = '127.0.0.1',
    port = 7400,
    tls,
    tokenFile,
    audit,
    certificates,
    allowsPlain,
    onProblem,
    ...rest
  } = options
  const takesCertificates = tls?.ca !== undefined
  const gate = new Gate({
    takesCertificates,
    ...(tokenFile !== undefined && { tokenFile }),
    ...(certificates && { certificates }),
    ...(onProblem && { onProblem }),
  })
  try {
    if (!isLoopback(host)) {
      if (!takesCertificates && gate.size === 0) throw denied(host)
      if (tls === undefined && allowsPlain !== true) throw plain(host)
    }
    // whoever has a token needs no certificate
    const secured = tls && { tls: { ...tls, requiresCertificate: !gate.hasTokens } }
    const log = audit && new AuditLog(audit)
    // found out now rather than with the first action
    await log?.assertWritable()
    return await serveHttp(client, { host, port, gate, ...(log && { audit: log }), ...secured, ...rest })
  } catch (error) {
    gate.close()
    throw error
  }
}

function denied(host: string): PerdureError {
  return perdureError('DENIED', {
    expected: 'credentials for whoever is let in from beyond this machine',
    found: `the address ${host} and none`,
    fix: 'Make a token (`perdure token create`), have clients show certificates (node.tls.clientCa), or listen on 127.0.0.1',
    data: { host },
  })
}

function plain(host: string): PerdureError {
  return perdureError('DENIED', {
    expected: 'TLS where others can listen in',
    found: `the address ${host} and no certificate`,
    fix: 'Set node.tls.cert and node.tls.key, or node.allowPlain where a proxy before the node ends TLS',
    data: { host },
  })
}
