/**
 * A small client in memory for tests of the wire: jobs, leases and streams without an engine.
 */
import type {
  Client,
  ImportedJob,
  Lease,
  PollRequest,
  Report,
  WorkerInfo,
  WorkerNotice,
  WorkerSession,
} from '../../client/client.ts'
import { NO_LEASED_RUNS, NO_RUNS } from '../../client/testdata/no-runs.ts'
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
  WorkerStatus,
  WorkerView,
} from '../../client/types.ts'
import type { JobState } from '../../core/model/states.ts'
import { perdureError } from '../../errors.ts'
import type { LogRecord } from '../../runtime/logger/record.ts'

interface FakeJob {
  readonly id: number
  readonly spec: JobSpec
  state: JobState
  token: string | undefined
}

/** Counts and remembers what reached it. */
export class FakeClient implements Client {
  readonly workflows = NO_RUNS
  readonly jobs = new Map<number, FakeJob>()
  readonly requests = new Map<string, Enqueued[]>()
  readonly verbs: { id: number; verb: ControlVerb }[] = []
  readonly sessions: FakeSession[] = []
  readonly ended = new EventTarget()
  /** What `watch` yields, and how many of them were taken. */
  source: () => AsyncIterable<JobEvent> = async function* () {}
  logged: LogEntry[] = []
  enqueues = 0
  waits = 0
  waitsAborted = 0
  /** Set to hold back answers to enqueue. */
  gate: Promise<void> | undefined

  async enqueue(jobs: readonly JobSpec[], options: { readonly request?: string } = {}): Promise<Enqueued[]> {
    this.enqueues += 1
    const known = options.request === undefined ? undefined : this.requests.get(options.request)
    if (known !== undefined) return known
    const answer = jobs.map((spec) => {
      const id = this.jobs.size + 1
      this.jobs.set(id, { id, spec, state: 'ready', token: undefined })
      return { id, created: true }
    })
    if (options.request !== undefined) this.requests.set(options.request, answer)
    for (const session of this.sessions) session.wake()
    await this.gate
    return answer
  }

  async import(jobs: readonly ImportedJob[]): Promise<Enqueued[]> {
    return this.enqueue(jobs)
  }

  async get(id: number): Promise<JobDetails> {
    const job = this.#job(id)
    return {
      id,
      state: job.state,
      input: job.spec.input ?? null,
      options: job.spec.options,
    } as unknown as JobDetails
  }

  async list(query: JobQuery): Promise<JobPage> {
    const jobs = [...this.jobs.values()].filter((job) => query.states?.includes(job.state) ?? true)
    return { jobs: jobs.map(({ id, state }) => ({ id, state })) } as unknown as JobPage
  }

  async counts(): Promise<QueueCounts[]> {
    return []
  }

  async control(id: number, verb: ControlVerb): Promise<ControlResult> {
    const job = this.#job(id)
    this.verbs.push({ id, verb })
    if (verb.verb === 'cancel' && job.token !== undefined) {
      for (const session of this.sessions)
        session.notify({ type: 'stop', token: job.token, reason: 'cancel', graceMs: 5 })
    }
    await this.gate
    return { id, state: job.state, changed: true }
  }

  async wait(id: number, signal?: AbortSignal): Promise<JobEnd> {
    const job = this.#job(id)
    this.waits += 1
    if (job.state !== 'succeeded') {
      await new Promise<void>((resolve, reject) => {
        this.ended.addEventListener(String(id), () => resolve(), { once: true })
        signal?.addEventListener('abort', () => {
          this.waitsAborted += 1
          this.ended.dispatchEvent(new Event('wait-aborted'))
          reject(signal.reason)
        })
      })
    }
    return { id, state: 'succeeded', result: null, error: null }
  }

  watch(_filter: WatchFilter, _signal?: AbortSignal): AsyncIterable<JobEvent> {
    return this.source()
  }

  async *logs(
    _id: number,
    options: { readonly follow?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<LogEntry> {
    yield* this.logged
    if (!options.follow) return
    await new Promise((resolve) => options.signal?.addEventListener('abort', resolve))
  }

  async *tail(): AsyncIterable<LogRecord> {}

  async pauseQueue(): Promise<void> {}

  async dependents(id: number, limit = 10_000): Promise<number[]> {
    return [id, limit]
  }

  async openWorker(info: WorkerInfo): Promise<WorkerSession> {
    const session = new FakeSession(this, info)
    this.sessions.push(session)
    return session
  }

  async workers(): Promise<WorkerView[]> {
    return this.sessions.map(({ info, status }) => ({ ...info, status: status ?? null, running: [] }))
  }

  async position(): Promise<Position> {
    return { shard: 0, epoch: 1, sequence: this.jobs.size }
  }

  async info(): Promise<Readonly<Record<string, string | number | boolean>>> {
    return { store: 'fake' }
  }

  async check(): Promise<readonly string[]> {
    return []
  }

  async close(): Promise<void> {}

  #job(id: number): FakeJob {
    const job = this.jobs.get(id)
    if (job !== undefined) return job
    throw perdureError('NOT_FOUND', {
      expected: 'the id of a job',
      found: String(id),
      fix: 'Look it up',
      data: { job: id },
    })
  }
}

/** A worker's session: one lease per job, tokens `job:n`. */
export class FakeSession implements WorkerSession {
  readonly workflows = NO_LEASED_RUNS
  readonly info: WorkerInfo
  readonly reported: Report[] = []
  readonly beats: (readonly string[])[] = []
  readonly output: string[] = []
  readonly records: LogRecord[] = []
  readonly progressed: [string, number, string | undefined][] = []
  readonly news = new EventTarget()
  lost: string[] = []
  status: WorkerStatus | undefined
  heartbeatMs = 30_000
  closed = false
  polls = 0
  readonly #client: FakeClient
  #wake: (() => void)[] = []
  #listener: ((notice: WorkerNotice) => void) | undefined

  constructor(client: FakeClient, info: WorkerInfo) {
    this.#client = client
    this.info = info
  }

  wake(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  notify(notice: WorkerNotice): void {
    this.#listener?.(notice)
  }

  async poll(request: PollRequest, signal?: AbortSignal): Promise<Lease[]> {
    this.polls += 1
    this.news.dispatchEvent(new Event('poll'))
    for (;;) {
      if (signal?.aborted) return []
      const ready = [...this.#client.jobs.values()]
        .filter((job) => job.state === 'ready')
        .slice(0, request.slots)
      if (ready.length > 0) return ready.map((job) => this.#lease(job))
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve)
        signal?.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  async report(reports: readonly Report[]): Promise<boolean[]> {
    const answers = reports.map(({ token, outcome }) => {
      const job = [...this.#client.jobs.values()].find((candidate) => candidate.token === token)
      if (job === undefined) return false
      job.token = undefined
      job.state = outcome.type === 'released' ? 'ready' : 'succeeded'
      this.#client.ended.dispatchEvent(new Event(String(job.id)))
      return true
    })
    this.reported.push(...reports)
    this.news.dispatchEvent(new Event('report'))
    await this.#client.gate
    return answers
  }

  async heartbeat(tokens: readonly string[]): Promise<{ readonly lost: string[] }> {
    this.beats.push(tokens)
    this.news.dispatchEvent(new Event('beat'))
    return { lost: tokens.filter((token) => this.lost.includes(token)) }
  }

  async log(
    entries: readonly { token: string; stream: 'stdout' | 'stderr' | 'log'; text: string }[],
  ): Promise<void> {
    this.output.push(...entries.map((entry) => entry.text))
  }

  progress(token: string, fraction: number, message?: string): void {
    this.progressed.push([token, fraction, message])
    this.news.dispatchEvent(new Event('progress'))
  }

  async record(records: readonly LogRecord[]): Promise<void> {
    this.records.push(...records)
  }

  tell(status: WorkerStatus): void {
    this.status = status
  }

  onNotice(listener: (notice: WorkerNotice) => void): void {
    this.#listener = listener
  }

  async close(): Promise<void> {
    this.closed = true
    this.news.dispatchEvent(new Event('close'))
  }

  #lease(job: FakeJob): Lease {
    job.state = 'running'
    job.token = `${job.id}:1`
    return {
      job: job.id,
      kind: job.spec.kind ?? '',
      queue: 'default',
      namespace: 'default',
      attempt: 1,
      attemptSinceRestart: 1,
      isLastAttempt: false,
      token: job.token,
      input: JSON.stringify(job.spec.input),
      metadata: {},
      startToCloseMs: 0,
      heartbeatMs: this.heartbeatMs,
      graceMs: 5_000,
      priority: 0,
    }
  }
}
