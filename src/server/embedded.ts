/**
 * Composition of the embedded form: a store, an engine over it, and a client of that engine.
 */

import type { Client } from '../client/client.ts'
import { createEmbeddedClient } from '../client/embedded/client.ts'
import { Engine, type EngineOptions } from '../engine/engine.ts'
import { type Surroundings, systemSurroundings } from '../runtime/services.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts'

/** How to open an embedded Perdure. */
export interface EmbeddedOptions extends EngineOptions {
  readonly store: 'memory' | 'sqlite'
  /** File of a SQLite store; `:memory:` keeps it in memory. */
  readonly path?: string
  /** Path of the socket on which this process will answer others. */
  readonly socket?: string
  readonly surroundings?: Surroundings
}

/** Opens a store in this process. Rejects with STORE_BUSY, naming the owner, where another process has it. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Client> {
  const store =
    options.store === 'memory'
      ? createMemoryStore()
      : createSqliteStore({
          path: options.path ?? ':memory:',
          ...(options.socket === undefined ? {} : { socket: options.socket }),
        })
  const { surroundings = systemSurroundings(), ...engine } = options
  return createEmbeddedClient(await Engine.open(store, surroundings, engine))
}
