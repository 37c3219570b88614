/**
 * Everybody who is connected to one client at the moment, over whatever door.
 *
 * Owns: the set of connections, what they share, and ending them together.
 */
import { randomUUID } from 'node:crypto'
import type { Client } from '../client/client.ts'
import { type Logger, SILENT } from '../runtime/logger/logger.ts'
import type { Caller } from './auth/caller.ts'
import { scopedClient } from './auth/scoped-client.ts'
import type { Connection, Shared } from './connection.ts'
import { type CallerSessions, Sessions } from './sessions.ts'

/** What one caller may reach. */
export interface View {
  readonly client: Client
  readonly sessions: CallerSessions
}

/** The connections of one client. */
export class Hub {
  readonly client: Client
  readonly sessions: Sessions
  readonly logger: Logger
  readonly #connections = new Set<Connection>()
  readonly #views = new WeakMap<Caller, View>()
  readonly #shared: Shared

  /**
   * @param lingerMs How long a worker's session waits for its connection to come back. Default 10,000.
   * @param logger What is told of bugs. Default: nobody is.
   */
  constructor(client: Client, lingerMs?: number, logger: Logger = SILENT) {
    this.client = client
    this.logger = logger
    this.sessions = new Sessions(client, lingerMs)
    this.#shared = {
      viewOf: (caller) => this.viewOf(caller),
      detach: (session, sink) => this.sessions.detach(session, sink),
      logger,
      instance: randomUUID(),
      onClose: (connection) => this.#connections.delete(connection),
    }
  }

  /** What a caller may reach: the client within its namespaces, and its own sessions. */
  viewOf(caller: Caller): View {
    const known = this.#views.get(caller)
    if (known !== undefined) return known
    const view = { client: scopedClient(this.client, caller), sessions: this.sessions.of(caller.id) }
    this.#views.set(caller, view)
    return view
  }

  /** Connections at the moment. */
  get connections(): number {
    return this.#connections.size
  }

  /** Takes in a connection until it closes. */
  admit(make: (shared: Shared) => Connection): void {
    this.#connections.add(make(this.#shared))
  }

  /** Has calls that change something answered, takes no more, and ends all connections. */
  async drain(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.drain()))
  }

  /** Ends the sessions of all workers. Connections first: a worker whose session ends under a living one would take it for a mistake. */
  closeSessions(): Promise<void> {
    return this.sessions.closeAll()
  }
}
