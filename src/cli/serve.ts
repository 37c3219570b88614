/**
 * The node inside a command: for `node` and `up`.
 *
 * Owns: where it listens and what it shows, read from the configuration, and who may run it: the owner of the store.
 */
import { readFileSync } from 'node:fs'
import { perdureError, textOf } from '../errors.ts'
import { LogBook } from '../runtime/logger/book.ts'
import type { Logger } from '../runtime/logger/logger.ts'
import { auditFileOf } from '../server/auth/audit-files.ts'
import type { AuditBounds, AuditOptions } from '../server/auth/audit-log.ts'
import { tokenFileOf } from '../server/auth/token-file.ts'
import type { TlsOptions } from '../server/http/listener.ts'
import type { StoreAddress } from './address.ts'
import type { Context } from './context.ts'
import { LOG_SETTINGS, makeLogger, nodeName } from './logging.ts'
import type { OpenStore } from './store.ts'

/** The settings that these commands take as flags. */
export const NODE_SETTINGS = ['node.host', 'node.port', ...LOG_SETTINGS] as const

/**
 * Opens the store of a command, serves it to the network, and hands it over; ends both in order whatever happens.
 *
 * @throws STORE_BUSY where another process owns the store; what `startNode` throws.
 */
export async function withServedStore<T>(
  context: Context,
  act: (store: OpenStore, logger: Logger) => Promise<T>,
): Promise<T> {
  const settings = await context.settings()
  const { host, port, tls, metrics, tokens, allowPlain, limits, audit: bounds } = settings.current.node
  const audit = auditOf(await context.address(), { mostBytes: bounds.size, keeps: bounds.files })
  const meter = metrics ? new (await import('../server/metrics/meter.ts')).Meter() : undefined
  const book = new LogBook({ node: nodeName() })
  const logger = await makeLogger(context, 'node', [(record) => book.add(record)])
  const options = {
    ...{ host, port, logger, limits, allowsPlain: allowPlain },
    portLimits: { ...limits, headersMs: limits.headersTime, bodyMs: limits.bodyTime },
    ...readTls(tls),
    ...(tls.clients && { certificates: tls.clients }),
    ...(meter && { meter }),
    onProblem: (error: unknown) => logger.error(textOf(error)),
    ...(audit && { audit }),
  }
  const engine = { book, ...(meter && { meter }) }
  return context.withStore({ serves: true, isRecorded: false, engine }, async (store) => {
    if (!store.isOwner) throw busy(store.place)
    const { startNode } = await import('../server/node.ts')
    const served = await startNode(store.client, { ...options, ...readTokens(store, tokens) })
    if (context.out.json) context.out.data({ url: served.url, store: store.place }, '')
    logger.info(`Listening on ${served.url} (${store.place})`)
    const stopListening = settings.onChange(() => served.limit(settings.current.node.limits))
    try {
      return await act(store, logger)
    } finally {
      stopListening()
      logger.info('Stopping')
      await served.close()
    }
  })
}

/** The file of tokens: another one, or that beside the store. */
function readTokens({ file }: OpenStore, tokens: string | undefined): { tokenFile?: string } {
  const tokenFile = tokens ?? (file === undefined ? undefined : tokenFileOf(file))
  return tokenFile === undefined ? {} : { tokenFile }
}

/** The audit log beside the store. */
function auditOf({ type, path }: StoreAddress, bounds: AuditBounds): AuditOptions | undefined {
  return type === 'sqlite' ? { path: auditFileOf(path), ...bounds } : undefined
}

interface TlsPaths {
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly clientCa: string | undefined
}

function readTls({ cert, key, clientCa }: TlsPaths): { tls?: TlsOptions } {
  if (cert === undefined && key === undefined && clientCa === undefined) return {}
  if (cert === undefined || key === undefined) {
    throw perdureError('INVALID_OPTION', {
      expected: 'node.tls.cert and node.tls.key together',
      found: cert === undefined ? 'no certificate' : 'no key',
      fix: 'Set both, or neither',
    })
  }
  const ca = clientCa === undefined ? {} : { ca: readPem('node.tls.clientCa', clientCa) }
  return { tls: { cert: readPem('node.tls.cert', cert), key: readPem('node.tls.key', key), ...ca } }
}

function readPem(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw perdureError('NOT_FOUND', {
      expected: `the file of ${name}`,
      found: `${(cause as NodeJS.ErrnoException).code ?? 'an error'} at ${path}`,
      fix: 'Correct the path, or the permissions of the file',
      cause,
      data: { path },
    })
  }
}

function busy(place: string) {
  return perdureError('STORE_BUSY', {
    expected: 'a store that nobody owns',
    found: `a process that answers at ${place}`,
    fix: 'Stop that process first: the node must own the store that it serves',
    data: { place },
  })
}
