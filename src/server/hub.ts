/**
 * Everybody who is connected to one client at the moment, over whatever door.
 *
 * Owns: the set of connections, what they share, and ending them together.
 */
import { randomUUID } from 'node:crypto'
import type { Client } from '../client/client.ts'
import type { MethodName } from '../protocol/methods.ts'
import { type Logger, SILENT } from '../runtime/logger/logger.ts'
import { Allowance, type CallerLimits } from './auth/allowance.ts'
import type { AuditLog } from './auth/audit-log.ts'
import { authorize } from './auth/authorize.ts'
import type { Caller } from './auth/caller.ts'
import { type NamespaceLimits, NamespaceRates } from './auth/namespace-rates.ts'
import { type Recorder, recorderOf } from './auth/recorder.ts'
import { Refusals } from './auth/refusals.ts'
import { scopedClient } from './auth/scoped-client.ts'
import type { Connection, Shared } from './connection.ts'
import { Turns } from './lists.ts'
import { type CallerSessions, Sessions } from './sessions.ts'

/** What one caller may reach. */
export interface View {
  readonly client: Client
  readonly sessions: CallerSessions
  /** Keeps a record of what operators do; absent where none is kept. */
  readonly record: Recorder | undefined
  readonly allowance: Allowance
  /** Lists are carried out in turns. */
  inTurn<T>(list: () => Promise<T>): Promise<T>
  /** Fails with DENIED unless the caller may make this call. */
  authorize(method: MethodName, values: readonly unknown[]): void
}

/** What a hub may be told. */
export interface HubOptions {
  /** How long a worker's session waits for its connection to come back, ms. Default 10,000. */
  readonly lingerMs?: number | undefined
  /** What is told of bugs. Default: nobody is. */
  readonly logger?: Logger | undefined
  /** Where to keep a record of what operators do. */
  readonly audit?: AuditLog | undefined
  readonly limits?: HubLimits | undefined
}

/** Bounds of each caller, and of all callers of each namespace. */
export interface HubLimits extends CallerLimits {
  readonly namespace?: NamespaceLimits
}

/** The connections of one client. */
export class Hub {
  readonly client: Client
  readonly sessions: Sessions
  readonly logger: Logger
  readonly #connections = new Set<Connection>()
  readonly #audit: AuditLog | undefined
  /** Keeps a record of what was refused; absent where none is kept. */
  readonly refusals: Refusals | undefined
  readonly #namespaceRates = new NamespaceRates(() => this.#limits.namespace ?? {})
  #limits: HubLimits
  readonly #lists = new Turns()
  readonly #views = new WeakMap<Caller, View>()
  readonly #shared: Shared

  constructor(client: Client, { lingerMs, logger = SILENT, audit, limits = {} }: HubOptions = {}) {
    this.client = client
    this.#audit = audit
    this.refusals = audit && new Refusals(audit)
    this.#limits = limits
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
    const view: View = {
      client: scopedClient(this.client, caller),
      sessions: this.sessions.of(caller.id),
      allowance: new Allowance(
        () => this.#limits,
        (method, values) => this.#namespaceRates.pay(caller, method, values),
      ),
      inTurn: (list) => this.#lists.take(caller.id, list),
      record: this.#audit && recorderOf(this.#audit, caller),
      authorize: (method, values) => {
        try {
          authorize({ caller, method, values })
        } catch (error) {
          this.refusals?.ofCaller(caller, method, values, error)
          throw error
        }
      },
    }
    this.#views.set(caller, view)
    return view
  }

  /** Takes other bounds over, for what begins from now on. */
  limit(limits: HubLimits): void {
    this.#limits = limits
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

  /** Ends the sessions of all workers, and writes what is left to be recorded. Connections first: a worker whose session ends under a living one would take it for a mistake. */
  async closeSessions(): Promise<void> {
    await this.sessions.closeAll()
    await this.refusals?.close()
  }
}
