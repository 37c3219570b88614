/** The other side of a worker, in memory: grants what a test offers, and remembers what it was told. */
import type { Client, Lease, PollRequest, Report, WorkerNotice, WorkerSession } from '../../client/client.ts'
import { NO_LEASED_RUNS } from '../../client/testdata/no-runs.ts'
import type { WorkerStatus } from '../../client/types.ts'
import type { Outcome } from '../../core/model/outcome.ts'
import { type ErrorCode, PerdureError } from '../../errors.ts'
import type { Executor } from '../../executors/executor.ts'
import type { LogRecord } from '../../runtime/logger/record.ts'
import type { WorkerOptions } from '../options.ts'
import { createWorker, type Worker } from '../worker.ts'
import { TestTime } from './test-time.ts'

interface Parked {
  readonly request: PollRequest
  readonly resolve: (leases: Lease[]) => void
}

/** A fault: an error for the call, 'after' to fail once the call took effect, or nothing. */
export type Fault = { readonly code: ErrorCode; readonly takesEffect?: boolean } | undefined

/** One session, and the leases that it has granted. */
export class FakeSession implements WorkerSession {
  readonly workflows = NO_LEASED_RUNS
  readonly polls: PollRequest[] = []
  readonly reports: Report[][] = []
  readonly beats: (readonly string[])[] = []
  readonly logs: { token: string; stream: string; text: string }[] = []
  /** What the worker logged. */
  readonly records: LogRecord[] = []
  /** What the worker said about itself. */
  readonly told: WorkerStatus[] = []
  readonly moves: { token: string; fraction: number; message: string | undefined }[] = []
  /** Everything in order of arrival, for tests about order. */
  readonly calls: string[] = []
  /** Accepted reports by token. */
  readonly ended = new Map<string, Outcome>()
  /** Tokens that are leased to the worker. */
  readonly live = new Set<string>()
  /** When each lease was granted or last renewed. */
  readonly renewedAt = new Map<string, number>()
  /** Leases that the worker was told are lost before it had reported them. */
  readonly toldLost = new Set<string>()
  /** Reports of such leases: there must be none. */
  readonly reportedAfterLoss: string[] = []
  readonly #reported = new Set<string>()
  isClosed = false
  /** Whose time leases are counted in. */
  clock: () => number = () => 0
  #waiting: Lease[] = []
  #parked: Parked[] = []
  #listener: ((notice: WorkerNotice) => void) | undefined
  #nextJob = 1

  /** Decides about faults, call by call. */
  fault: (call: 'poll' | 'report' | 'heartbeat' | 'log' | 'record') => Fault = () => undefined
  /** Heartbeats are not answered while this is set. */
  isSilent = false

  /** Questions that are out. */
  get parked(): readonly PollRequest[] {
    return this.#parked.map(({ request }) => request)
  }

  /** Makes jobs that the next polls get. */
  offer(count: number, parts: Partial<Lease> = {}): string[] {
    const leases = Array.from({ length: count }, () => makeLease(this.#nextJob++, parts))
    this.#waiting.push(...leases)
    this.#grant()
    return leases.map(({ token }) => token)
  }

  /** Leases that nobody took yet. */
  get backlog(): number {
    return this.#waiting.length
  }

  /** Takes a lease away, without a word. */
  expire(token: string): void {
    this.live.delete(token)
  }

  notify(token: string, reason: 'cancel' | 'lease-lost', graceMs = 1_000, signal?: string): void {
    this.#listener?.({ type: 'stop', token, reason, graceMs, ...(signal === undefined ? {} : { signal }) })
    if (reason === 'lease-lost') this.#tellLost([token])
  }

  poll(request: PollRequest, signal?: AbortSignal): Promise<Lease[]> {
    this.polls.push(request)
    this.calls.push(`poll ${request.slots}`)
    const fault = this.fault('poll')
    if (fault !== undefined) return Promise.reject(broken(fault))
    return new Promise((resolve) => {
      const parked = { request, resolve }
      this.#parked.push(parked)
      signal?.addEventListener('abort', () => {
        if (this.#unpark(parked)) resolve([])
      })
      this.#grant()
      if (request.once === true && this.#unpark(parked)) resolve([])
    })
  }

  #unpark(parked: Parked): boolean {
    const before = this.#parked.length
    this.#parked = this.#parked.filter((other) => other !== parked)
    return this.#parked.length < before
  }

  #grant(): void {
    for (const parked of [...this.#parked]) {
      const { queues, kinds, slots, below = Infinity } = parked.request
      const fits = (lease: Lease) =>
        queues.includes(lease.queue) && kinds.includes(lease.kind) && lease.priority < below
      const granted = this.#waiting.filter(fits).slice(0, slots)
      if (granted.length === 0) continue
      this.#waiting = this.#waiting.filter((lease) => !granted.includes(lease))
      this.#unpark(parked)
      for (const { token } of granted) this.#lease(token)
      parked.resolve(granted)
    }
  }

  /** Answers a question whatever it asked for, as an engine never would. */
  force(leases: Lease[]): void {
    const parked = this.#parked.shift()
    for (const { token } of leases) this.#lease(token)
    parked?.resolve(leases)
  }

  #lease(token: string): void {
    this.live.add(token)
    this.renewedAt.set(token, this.clock())
  }

  report(reports: readonly Report[]): Promise<boolean[]> {
    this.reports.push([...reports])
    this.calls.push(`report ${reports.length}`)
    for (const { token } of reports) {
      this.#reported.add(token)
      if (this.toldLost.has(token)) this.reportedAfterLoss.push(token)
    }
    const fault = this.fault('report')
    if (fault !== undefined && fault.takesEffect !== true) return Promise.reject(broken(fault))
    const answers = reports.map(({ token, outcome }) => {
      // as an engine does: the same report again gets the same answer
      if (this.ended.has(token)) return true
      if (!this.live.delete(token)) return false
      this.ended.set(token, outcome)
      return true
    })
    return fault === undefined ? Promise.resolve(answers) : Promise.reject(broken(fault))
  }

  heartbeat(tokens: readonly string[]): Promise<{ readonly lost: string[] }> {
    this.beats.push(tokens)
    this.calls.push(`heartbeat ${tokens.length}`)
    const fault = this.fault('heartbeat')
    if (fault !== undefined) return Promise.reject(broken(fault))
    if (this.isSilent) return new Promise(() => {})
    for (const token of tokens) if (this.live.has(token)) this.renewedAt.set(token, this.clock())
    const lost = tokens.filter((token) => !this.live.has(token))
    // it is told when the answer arrives, not when the question does
    return Promise.resolve().then(() => {
      this.#tellLost(lost)
      return { lost }
    })
  }

  #tellLost(tokens: readonly string[]): void {
    for (const token of tokens) if (!this.#reported.has(token)) this.toldLost.add(token)
  }

  log(
    entries: readonly { token: string; stream: 'stdout' | 'stderr' | 'log'; text: string }[],
  ): Promise<void> {
    this.calls.push(`log ${entries.length}`)
    const fault = this.fault('log')
    if (fault !== undefined) return Promise.reject(broken(fault))
    // as an engine does: a lease that has ended may not write any more
    this.logs.push(...entries.filter(({ token }) => this.live.has(token)).map((entry) => ({ ...entry })))
    return Promise.resolve()
  }

  progress(token: string, fraction: number, message?: string): void {
    this.moves.push({ token, fraction, message })
  }

  async record(records: readonly LogRecord[]): Promise<void> {
    const fault = this.fault('record')
    if (fault !== undefined) throw broken(fault)
    this.records.push(...records)
  }

  tell(status: WorkerStatus): void {
    this.told.push(status)
  }

  onNotice(listener: (notice: WorkerNotice) => void): void {
    this.#listener = listener
  }

  close(): Promise<void> {
    this.isClosed = true
    for (const { resolve } of this.#parked.splice(0)) resolve([])
    return Promise.resolve()
  }
}

function broken({ code }: { readonly code: ErrorCode }): PerdureError {
  return new PerdureError(code, `injected: ${code}`)
}

/** A lease with the given parts. */
export function makeLease(job: number, parts: Partial<Lease> = {}): Lease {
  return {
    job,
    kind: 'work',
    queue: 'default',
    namespace: 'default',
    attempt: 1,
    attemptSinceRestart: 1,
    isLastAttempt: false,
    token: `t${job}`,
    input: undefined,
    metadata: {},
    startToCloseMs: 0,
    heartbeatMs: 30_000,
    graceMs: 1_000,
    priority: 0,
    ...parts,
  }
}

/** An executor made of a function. */
export function executor(run: Executor['run']): Executor {
  return { name: 'test', run, close: () => Promise.resolve() }
}

/** A worker on a fake session, in a time of its own. Errors are gathered. */
export function startWorker(
  run: Executor['run'],
  options: Partial<WorkerOptions> = {},
): { worker: Worker; session: FakeSession; time: TestTime; errors: Error[] } {
  const session = new FakeSession()
  const time = new TestTime()
  const client: Pick<Client, 'openWorker'> = { openWorker: () => Promise.resolve(session) }
  const worker = createWorker({
    client,
    executors: { work: executor(run) },
    clock: time,
    timers: time,
    ...options,
  })
  const errors: Error[] = []
  worker.on('error', (error) => errors.push(error))
  return { worker, session, time, errors }
}
