/**
 * The client of a caller who is bound to namespaces: the same interface, in which nothing else exists.
 *
 * Owns: that no answer, event or error of it holds anything of another namespace (S1). A job of another one is not found,
 * exactly as one that never was. What cannot be told apart by namespace is refused before it gets here (`rights.ts`);
 * it is refused here as well. Never does: anything for callers of all namespaces, who get the client itself.
 */
import type { Client, ImportedJob, RequestOptions, WorkerInfo, WorkerSession } from '../../client/client.ts'
import type {
  ControlResult,
  ControlVerb,
  Enqueued,
  JobDetails,
  JobEnd,
  JobEvent,
  JobPage,
  JobQuery,
  JobSpec,
  LogEntry,
  Position,
  QueueCounts,
  WatchFilter,
  WorkerView,
} from '../../client/types.ts'
import type { StreamItem, WorkflowClient } from '../../client/workflows.ts'
import { noSuchJob } from '../../core/model/refusal.ts'
import { type PerdureError, perdureError } from '../../errors.ts'
import { notWhole } from './authorize.ts'
import type { Caller } from './caller.ts'

/** Jobs that one list answers. */
const PAGE = 1_000

/** The client within the namespaces of a caller; the client itself for a caller of all. */
export function scopedClient(client: Client, caller: Caller): Client {
  const { namespaces } = caller
  return namespaces === undefined ? client : new ScopedClient(client, caller, namespaces)
}

class ScopedClient implements Client {
  readonly #client: Client
  readonly #caller: Caller
  readonly #namespaces: ReadonlySet<string>
  /** The one namespace there is, which need not be named then. */
  readonly #only: string | undefined

  constructor(client: Client, caller: Caller, namespaces: ReadonlySet<string>) {
    this.#client = client
    this.#caller = caller
    this.#namespaces = namespaces
    this.#only = namespaces.size === 1 ? [...namespaces][0] : undefined
  }

  async enqueue(jobs: readonly JobSpec[], options?: RequestOptions): Promise<Enqueued[]> {
    return this.#client.enqueue(await this.#own(jobs), options)
  }

  async import(jobs: readonly ImportedJob[]): Promise<Enqueued[]> {
    return this.#client.import(await this.#own(jobs))
  }

  async get(id: number): Promise<JobDetails> {
    const job = await this.#client.get(id)
    if (!this.#namespaces.has(job.namespace)) throw noSuchJob(id)
    const known = await this.#known([...job.dependsOn, ...job.dependents])
    const isKnown = (other: number): boolean => known.has(other)
    return {
      ...job,
      dependsOn: job.dependsOn.filter(isKnown),
      dependents: job.dependents.filter(isKnown),
    }
  }

  async list(query: JobQuery): Promise<JobPage> {
    return this.#client.list({ ...query, namespace: this.#namespace(query.namespace) })
  }

  async counts(filter?: { readonly namespace?: string }): Promise<QueueCounts[]> {
    const asked = filter?.namespace ?? this.#only
    if (asked !== undefined) return this.#client.counts({ ...filter, namespace: this.#namespace(asked) })
    const counts = await this.#client.counts(filter)
    return counts.filter(({ namespace }) => this.#namespaces.has(namespace))
  }

  async control(id: number, verb: ControlVerb): Promise<ControlResult> {
    await this.#assertOwn([id])
    return this.#client.control(id, verb)
  }

  async wait(id: number, signal?: AbortSignal): Promise<JobEnd> {
    await this.#assertOwn([id])
    return this.#client.wait(id, signal)
  }

  watch(filter: WatchFilter, signal?: AbortSignal): AsyncIterable<JobEvent> {
    return this.#client.watch({ ...filter, namespace: this.#namespace(filter.namespace) }, signal)
  }

  async *logs(id: number, options?: Parameters<Client['logs']>[1]): AsyncIterable<LogEntry> {
    await this.#assertOwn([id])
    yield* this.#client.logs(id, options)
  }

  async dependents(id: number, limit?: number): Promise<number[]> {
    await this.#assertOwn([id])
    const ids = await this.#client.dependents(id, limit)
    const known = await this.#known(ids)
    return ids.filter((other) => known.has(other))
  }

  readonly workflows: WorkflowClient = {
    signal: async (run, name, value, options) => {
      await this.#assertOwn([run])
      return this.#client.workflows.signal(run, name, value, options)
    },
    query: async (run, name, input, options) => {
      await this.#assertOwn([run])
      return this.#client.workflows.query(run, name, input, options)
    },
    update: async (run, name, input, options) => {
      await this.#assertOwn([run])
      return this.#client.workflows.update(run, name, input, options)
    },
    fork: async (run, options) => {
      await this.#assertOwn([run])
      return this.#client.workflows.fork(run, options)
    },
    follow: (run, name, options) => this.#follow(run, name, options),
    journal: async (run, from) => {
      await this.#assertOwn([run])
      return this.#client.workflows.journal(run, from)
    },
  }

  async *#follow(...[run, name, options]: Parameters<WorkflowClient['follow']>): AsyncIterable<StreamItem> {
    await this.#assertOwn([run])
    yield* this.#client.workflows.follow(run, name, options)
  }

  /** Workers that run jobs of the caller's namespaces, and of each only that. */
  async workers(): Promise<WorkerView[]> {
    const workers = await this.#client.workers()
    const known = await this.#known(workers.flatMap(({ running }) => running.map(({ job }) => job)))
    return workers.flatMap(({ name, running }) => {
      const own = running.filter(({ job }) => known.has(job))
      return own.length === 0 ? [] : [{ name, host: null, pid: null, status: null, running: own }]
    })
  }

  position(): Promise<Position> {
    return this.#client.position()
  }

  async pauseQueue(): Promise<never> {
    throw this.#notWhole('pauseQueue')
  }

  async openWorker(_info: WorkerInfo): Promise<WorkerSession> {
    throw this.#notWhole('openWorker')
  }

  async info(): Promise<never> {
    throw this.#notWhole('info')
  }

  async check(): Promise<never> {
    throw this.#notWhole('check')
  }

  tail(): never {
    throw this.#notWhole('tail')
  }

  async close(): Promise<void> {}

  /** Jobs with their namespaces filled in; refuses those of others, and links to jobs of others. */
  async #own<T extends JobSpec>(jobs: readonly T[]): Promise<readonly T[]> {
    // what is no job is the client's to refuse
    if (!Array.isArray(jobs) || jobs.some((job) => typeof job !== 'object' || job === null)) return jobs
    const linked = jobs.flatMap(({ parent, after }) => [
      parent,
      ...(Array.isArray(after) ? after.map((edge) => edge?.job) : []),
    ])
    await this.#assertOwn(linked.filter((id) => Number.isSafeInteger(id)) as number[])
    return jobs.map((job) => ({ ...job, namespace: this.#namespace(job.namespace) }))
  }

  #namespace(asked: unknown): string {
    if (asked === undefined && this.#only !== undefined) return this.#only
    if (typeof asked === 'string' && this.#namespaces.has(asked)) return asked
    throw this.#foreign(asked)
  }

  async #assertOwn(ids: readonly number[]): Promise<void> {
    const known = await this.#known(ids)
    for (const id of ids) if (!known.has(id)) throw noSuchJob(id)
  }

  /** Which of some jobs there are in the caller's namespaces. */
  async #known(ids: readonly number[]): Promise<ReadonlySet<number>> {
    const wanted = [...new Set(ids)]
    const known = new Set<number>()
    for (let at = 0; at < wanted.length; at += PAGE) {
      const { jobs } = await this.#client.list({ ids: wanted.slice(at, at + PAGE), limit: PAGE })
      for (const { id, namespace } of jobs) if (this.#namespaces.has(namespace)) known.add(id)
    }
    return known
  }

  #foreign(asked: unknown): PerdureError {
    return perdureError('DENIED', {
      expected: `a namespace among ${[...this.#namespaces].join(', ')}`,
      found: typeof asked === 'string' ? `'${asked.slice(0, 60)}'` : 'none',
      fix: 'Name one of these',
    })
  }

  #notWhole(what: string): PerdureError {
    return notWhole(this.#caller, what)
  }
}
