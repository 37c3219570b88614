/**
 * The embedded client: answers from an engine in this process.
 */
import { hostname } from 'node:os'
import type { ControlCommand } from '../../core/commands/control.ts'
import { type JobRow, LARGE_RESULT } from '../../core/model/job.ts'
import { noSuchJob } from '../../core/model/refusal.ts'
import { isTerminal, JOB_STATES, stateName } from '../../core/model/states.ts'
import { explain } from '../../core/policy/placement.ts'
import type { Engine } from '../../engine/engine.ts'
import { type PerdureError, perdureError } from '../../errors.ts'
import { LogBook, type TailFilter } from '../../runtime/logger/book.ts'
import type { LogRecord } from '../../runtime/logger/record.ts'
import type { StoredQuery } from '../../store/store.ts'
import type { Client, ImportedJob, RequestOptions, WorkerInfo, WorkerSession } from '../client.ts'
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
  JobView,
  LogEntry,
  Position,
  ProfileOptions,
  QueueCounts,
  WatchFilter,
  WorkerView,
} from '../types.ts'
import type { WorkflowClient } from '../workflows.ts'
import { Arrivals } from './arrivals.ts'
import { Profiles } from './profiles.ts'
import { readFilter, readQuery, writeCursor } from './query.ts'
import { Questions } from './questions.ts'
import { EmbeddedRuns } from './runs.ts'
import { EmbeddedSession, type StopOptions } from './session.ts'
import { checkCount, readPast, readSpec } from './specs.ts'
import { logs, watch } from './streams.ts'
import { readTail } from './tail.ts'
import {
  checkInteger,
  checkKey,
  checkMs,
  checkName,
  checkObject,
  checkPriority,
  checkVersion,
  invalid,
  tooLarge,
} from './validate.ts'
import { detailsOf, type Explain, endOf, viewOf } from './views.ts'
import { candidatesFor, workersOf } from './workers.ts'
import type { Runs } from './workflows.ts'

/**
 * Makes a client of an open engine; closing the client closes the engine.
 *
 * @param defaults what jobs get whose own options do not say otherwise. Default: the built-in profile.
 * @param book where recent logs are kept. Default: one of its own.
 */
export function createEmbeddedClient(
  engine: Engine,
  defaults: ProfileOptions = {},
  book: LogBook = new LogBook(),
): Client {
  return new EmbeddedClient(engine, defaults, book)
}

class EmbeddedClient implements Client {
  readonly workflows: WorkflowClient
  readonly #engine: Engine
  readonly #profiles: Profiles
  readonly #book: LogBook
  readonly #sessions = new Set<EmbeddedSession>()
  readonly #questions = new Questions(() => this.#sessions)
  readonly #arrivals = new Arrivals()
  /** How cancels that are under way were asked for. */
  readonly #stops = new Map<number, StopOptions>()

  constructor(engine: Engine, defaults: ProfileOptions, book: LogBook) {
    this.#engine = engine
    this.workflows = new EmbeddedRuns(this, engine, this.#questions, this.#arrivals)
    this.#book = book
    this.#profiles = new Profiles(defaults)
  }

  async enqueue(jobs: readonly JobSpec[], options: RequestOptions = {}): Promise<Enqueued[]> {
    checkCount(jobs)
    checkObject('options', options)
    if (jobs.length === 0) return []
    const now = this.#engine.now()
    const specs = jobs.map((job) => readSpec(job, jobs.length, this.#profiles, now))
    const request = options.request === undefined ? null : checkKey('request', options.request)
    const { ids, created } = await this.#engine.submit({
      type: 'enqueue',
      jobs: specs,
      request,
      isNewRequest: options.isNewRequest === true,
    })
    return ids.map((id, index) => ({ id, created: created[index] as boolean }))
  }

  async import(jobs: readonly ImportedJob[]): Promise<Enqueued[]> {
    checkCount(jobs)
    const now = this.#engine.now()
    const past = jobs.map((job) => readPast(job, jobs.length, this.#profiles, now))
    const { ids, created } = await this.#engine.submit({ type: 'import', jobs: past })
    return ids.map((id, index) => ({ id, created: created[index] as boolean }))
  }

  async get(id: number): Promise<JobDetails> {
    const job = await this.#engine.reads.details(checkId(id))
    if (job === null) throw noSuchJob(id)
    return detailsOf(job, this.#why())
  }

  async list(query: JobQuery): Promise<JobPage> {
    const stored: StoredQuery = readQuery(query)
    const { jobs, next } = await this.#engine.reads.list(stored)
    const why = this.#why()
    return {
      jobs: jobs.map((job) => viewOf(job, why)),
      ...(next === null ? {} : { next: writeCursor(stored, next) }),
    }
  }

  /** Why jobs find no worker, worked out once per set of options and only where it is asked. */
  #why(): Explain {
    const known = new Map<string, string | null>()
    return (job, requires) => {
      const key = `${job.queue}\n${job.kind}\n${job.profile}`
      let reason = known.get(key)
      if (reason === undefined) {
        reason = explain(requires, candidatesFor(job, this.#sessions))
        known.set(key, reason)
      }
      return reason
    }
  }

  async counts(filter: { readonly namespace?: string } = {}): Promise<QueueCounts[]> {
    checkObject('filter', filter)
    const namespace = filter.namespace === undefined ? null : checkName('namespace', filter.namespace)
    const zero = Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as Record<
      (typeof JOB_STATES)[number],
      number
    >
    const queues = new Map<
      string,
      { namespace: string; queue: string; paused: boolean; states: typeof zero }
    >()
    for (const { namespace: name, queue, paused, state, count } of await this.#engine.reads.counts(
      namespace,
    )) {
      const key = `${name}\n${queue}`
      const counts = queues.get(key) ?? { namespace: name, queue, paused, states: { ...zero } }
      counts.states[stateName(state)] = count
      queues.set(key, counts)
    }
    return [...queues.values()]
  }

  async control(id: number, verb: ControlVerb): Promise<ControlResult> {
    checkId(id)
    checkObject('verb', verb)
    const command = toCommand(id, verb)
    const stop = verb.verb === 'cancel' ? { graceMs: verb.graceMs, signal: verb.signal } : undefined
    if (stop !== undefined) this.#stops.set(id, stop)
    try {
      const { state, changed } = await this.#engine.submit(command)
      if (verb.verb === 'cancel' && verb.graceMs !== undefined) {
        this.#engine.leases.limitCancel(id, verb.graceMs, this.#engine.now())
      }
      return { id, state: state === undefined ? null : stateName(state), changed }
    } finally {
      // A later cancel of the same job may be under way.
      if (stop !== undefined && this.#stops.get(id) === stop) this.#stops.delete(id)
    }
  }

  async wait(id: number, signal?: AbortSignal): Promise<JobEnd> {
    checkId(id)
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        unlisten()
        reject(signal?.reason instanceof Error ? signal.reason : stopped())
      }
      const end = (row: JobRow): void => {
        signal?.removeEventListener('abort', stop)
        unlisten()
        this.#end(row).then(resolve, reject)
      }
      const closed = (error: PerdureError): void => {
        signal?.removeEventListener('abort', stop)
        reject(error)
      }
      const unlisten = this.#engine.announcer.onEnd(id, { ended: end, closed })
      if (signal?.aborted === true) return stop()
      signal?.addEventListener('abort', stop, { once: true })
      // A job that lives in memory will be announced; any other may have ended long ago.
      const known = this.#engine.workingSet.jobs.peek(id)
      if (known !== undefined && !isTerminal(known.state)) return
      this.#engine.reads.details(id).then(
        (job) => {
          if (job !== null && !isTerminal(job.row.state)) return
          if (job !== null) return end(job.row)
          unlisten()
          reject(noSuchJob(id))
        },
        (error: unknown) => {
          unlisten()
          reject(error)
        },
      )
    })
  }

  async #end(row: JobRow): Promise<JobEnd> {
    const isLarge = (row.flags & LARGE_RESULT) !== 0
    const result = isLarge ? await this.#engine.reads.payload(row.id, 'result') : row.result
    // Deleted meanwhile.
    if (isLarge && result === null) throw noSuchJob(row.id)
    return endOf(row, result) as JobEnd
  }

  watch(filter: WatchFilter, signal?: AbortSignal): AsyncIterable<JobEvent> {
    return watch(this.#engine, readFilter(filter), signal)
  }

  logs(
    id: number,
    options: { readonly attempt?: number; readonly follow?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<LogEntry> {
    return logs(this.#engine, checkId(id), options)
  }

  tail(filter: TailFilter, signal?: AbortSignal): AsyncIterable<LogRecord> {
    return this.#book.read(readTail(filter), signal)
  }

  async pauseQueue(queue: string, paused: boolean): Promise<void> {
    if (typeof paused !== 'boolean') throw invalid('paused', 'true or false', paused)
    await this.#engine.submit({ type: 'pause', queue: checkName('queue', queue), paused })
    if (!paused) this.#engine.retryPolls()
  }

  async dependents(id: number, limit = 10_000): Promise<number[]> {
    return [
      ...(await this.#engine.reads.dependents([checkId(id)], checkInteger('limit', limit, 1, 1_000_000))),
    ]
  }

  async openWorker(info: WorkerInfo): Promise<WorkerSession> {
    checkObject('info', info)
    const isLocal = info.pid === process.pid && info.host === hostname()
    const forget = (closed: EmbeddedSession): void => void this.#sessions.delete(closed)
    const stops = (job: number) => this.#stops.get(job)
    const session = new EmbeddedSession(
      this.#engine,
      this.#book,
      info,
      isLocal,
      this.#profiles,
      this.#runsOf,
      stops,
      forget,
    )
    this.#sessions.add(session)
    return session
  }

  readonly #runsOf = (session: EmbeddedSession): Runs => ({
    written: (run, rows) => {
      this.#questions.note(run, session)
      this.#arrivals.tell(run, rows)
    },
    ready: () => this.#questions.retry(),
  })

  async workers(): Promise<WorkerView[]> {
    const running: JobView[] = []
    let cursor: string | undefined
    do {
      const page = cursor === undefined ? {} : { cursor }
      const { jobs, next } = await this.list({ states: ['running'], order: 'oldest', limit: 1_000, ...page })
      running.push(...jobs)
      cursor = next
    } while (cursor !== undefined && running.length < MOST_CLAIMS)
    return workersOf(this.#sessions, running)
  }

  async position(): Promise<Position> {
    return this.#engine.position
  }

  info(): Promise<Readonly<Record<string, string | number | boolean>>> {
    return this.#engine.reads.info()
  }

  check(): Promise<readonly string[]> {
    return this.#engine.reads.check()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()))
    this.#book.close()
    await this.#engine.close()
  }
}

/** Running attempts that `workers` shows, over all workers. */
const MOST_CLAIMS = 10_000

function checkId(id: number): number {
  return checkInteger('id', id, 1, Number.MAX_SAFE_INTEGER)
}

function toCommand(job: number, verb: ControlVerb): ControlCommand {
  switch (verb.verb) {
    case 'cancel': {
      if (verb.graceMs !== undefined) checkMs('graceMs', verb.graceMs)
      if (verb.signal !== undefined) checkName('signal', verb.signal)
      if (verb.reason !== undefined) checkReason(verb.reason)
      const message = `The job was cancelled: ${verb.reason ?? 'no reason was given'}.`
      const insists = verb.graceMs !== undefined || verb.signal !== undefined
      const error = JSON.stringify({ code: 'CANCELLED', message })
      return { type: 'control', job, verb: 'cancel', error, insists }
    }
    case 'terminate': {
      if (verb.reason !== undefined) checkReason(verb.reason)
      const message = `The job was ended by force: ${verb.reason ?? 'no reason was given'}.`
      return {
        type: 'control',
        job,
        verb: 'terminate',
        error: JSON.stringify({ code: 'CANCELLED', message }),
      }
    }
    case 'snooze':
      return { type: 'control', job, verb: 'snooze', delayMs: checkMs('delayMs', verb.delayMs) }
    case 'reprioritize':
      return { type: 'control', job, verb: 'reprioritize', priority: checkPriority(verb.priority) }
    case 'repin':
      if (verb.version !== undefined) checkVersion(verb.version)
      return { type: 'control', job, verb: 'repin', version: verb.version }
    case 'restart':
    case 'expedite':
    case 'hold':
    case 'release':
    case 'delete':
      return { type: 'control', job, verb: verb.verb }
    default:
      throw invalid('verb', 'a control verb', (verb as { verb?: unknown }).verb)
  }
}

function checkReason(reason: unknown): void {
  if (typeof reason !== 'string') throw invalid('reason', 'a text', reason)
  if (reason.length > MOST_REASON) {
    throw tooLarge('reason', `${MOST_REASON} characters`, `${reason.length} characters`)
  }
}

/** Most characters of what is said about a cancel. */
const MOST_REASON = 4_096

function stopped(): PerdureError {
  return perdureError('CANCELLED', {
    expected: 'the job to end',
    found: 'that the caller stopped waiting',
    fix: 'Wait again, or read the job',
  })
}
