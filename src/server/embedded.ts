/**
 * Composition of the embedded form: a store, an engine over it, and a client of that engine.
 */

import { resolve } from 'node:path'
import type { Client } from '../client/client.ts'
import { createEmbeddedClient } from '../client/embedded/client.ts'
import type { ProfileOptions } from '../client/types.ts'
import { Engine, type EngineOptions } from '../engine/engine.ts'
import { reapOrphans } from '../executors/shell/orphans.ts'
import { socketPath } from '../protocol/address.ts'
import { beginYoung } from '../runtime/heap.ts'
import type { LogBook } from '../runtime/logger/book.ts'
import { type Surroundings, systemSurroundings } from '../runtime/services.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts'
import { auditFileOf } from './auth/audit-files.ts'
import { type AuditBounds, AuditLog } from './auth/audit-log.ts'
import { MeasuredStore } from './metrics/measured-store.ts'
import { serveSocket } from './socket.ts'

/** How to open an embedded Perdure. */
export interface EmbeddedOptions extends EngineOptions {
  readonly store: 'memory' | 'sqlite'
  /** File of a SQLite store; `:memory:` keeps it in memory. */
  readonly path?: string
  /** Path of the socket on which this process will answer others. */
  readonly socket?: string
  readonly surroundings?: Surroundings
  /** What jobs get whose own options do not say otherwise. Default: the built-in profile. */
  readonly defaults?: ProfileOptions
  /** Where recent logs are kept. Default: one of its own. */
  readonly book?: LogBook
  /** Counts what the engine and its store do. */
  readonly meter?: EngineMeter
}

/** How to open one that others reach over its socket. */
export interface ServedOptions extends Omit<EmbeddedOptions, 'store' | 'socket'> {
  /** The file of the store. */
  readonly path: string
  /** How large the record of what operators do over the socket may become; it lies beside the store. */
  readonly audit?: AuditBounds
}

/** Who counts what an engine and its store do. */
export interface EngineMeter {
  observe(engine: Engine): void
  /** A commit took so long, seconds. */
  committed(seconds: number): void
}

/** Opens a store in this process. Rejects with STORE_BUSY, naming the owner, where another process has it. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Client> {
  beginYoung()
  const store =
    options.store === 'memory'
      ? createMemoryStore()
      : createSqliteStore({
          path: options.path ?? ':memory:',
          ...(options.socket === undefined ? {} : { socket: options.socket }),
        })
  const { surroundings = systemSurroundings(), defaults, meter, book, ...rest } = options
  // Commands of workers that died with the owner before must be gone before their jobs are given out again.
  if (options.store === 'sqlite' && options.path !== undefined)
    await reapOrphans({ storeId: storeIdOf(options.path) })
  const measured = meter === undefined ? store : new MeasuredStore(store, meter.committed)
  const engine = await Engine.open(measured, surroundings, rest)
  meter?.observe(engine)
  return createEmbeddedClient(engine, defaults, book)
}

/**
 * Opens the store in a file and answers other processes of this user on its socket until `close`.
 */
export async function openServed({
  audit,
  ...options
}: ServedOptions): Promise<{ readonly client: Client; close(): Promise<void> }> {
  const socket = socketPath(options.path)
  const client = await openEmbedded({ ...options, store: 'sqlite', socket })
  try {
    const log = new AuditLog({ ...audit, path: auditFileOf(options.path) })
    const served = await serveSocket(client, socket, { audit: log })
    return { client, close: () => served.close().then(() => client.close()) }
  } catch (error) {
    await client.close()
    throw error
  }
}

/** The id under which commands of a store's jobs are known to the system: the whole path of its file. */
function storeIdOf(path: string): string {
  return resolve(path)
}
