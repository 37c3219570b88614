/**
 * A worker's session over a socket.
 *
 * Owns: which leases this worker holds, and that they survive a broken connection: the session is opened
 * again under the same name, and reports that were under way are repeated with the same request id.
 */
import { randomUUID } from 'node:crypto'
import type { Outcome } from '../../core/model/outcome.ts'
import { type ErrorRecord, errorRecord, PerdureError, perdureError } from '../../errors.ts'
import type { WorkerName } from '../../protocol/messages.ts'
import type { MethodName } from '../../protocol/methods.ts'
import type { LogRecord } from '../../runtime/logger/record.ts'
import type { Lease, PollRequest, Report, WorkerInfo, WorkerNotice, WorkerSession } from '../client.ts'
import type { WorkerStatus } from '../types.ts'
import type { RunQuestion } from '../workflows.ts'
import { Beats } from './beats.ts'
import type { CallOptions, Channel } from './channel.ts'
import { RemoteWorkflows } from './workflows.ts'

/** How long to wait before a refused re-opening is tried again, ms. */
const REOPEN_MS = 500

/** Opens a worker's session over a channel. */
export async function openRemoteWorker(channel: Channel, info: WorkerInfo): Promise<WorkerSession> {
  const worker: WorkerName = { name: info.name, host: info.host, pid: info.pid, instance: randomUUID() }
  const number = (await channel.callAgain('openWorker', () => [worker, { held: [] }])) as number
  return new RemoteWorkerSession(channel, worker, number)
}

class RemoteWorkerSession implements WorkerSession {
  readonly workflows: RemoteWorkflows
  readonly #channel: Channel
  readonly #worker: WorkerName
  readonly #beats: Beats
  readonly #stopKeeping: () => void
  readonly #closing = new AbortController()
  /** Tokens granted and not reported, with the moment's knowledge of whether a report is under way. */
  readonly #held = new Map<string, { readonly job: number; isReporting: boolean }>()
  /** The session's number on the present connection; pending while there is none, however often that breaks. */
  #number: PromiseWithResolvers<number>
  /** Tells the session that the other end keeps from another one, of which nothing is known there any more. */
  #life: string
  #isOpen = true
  /** Connections that broke. */
  #breaks = 0
  #listener: ((notice: WorkerNotice) => void) | undefined
  /** Told again to whoever answers after a break. */
  #status: WorkerStatus | undefined
  #early: WorkerNotice[] = []
  #requests = 0

  constructor(channel: Channel, worker: WorkerName, number: number) {
    this.#channel = channel
    this.#worker = worker
    this.#number = settled(number)
    this.#life = this.#lifeOf(number)
    this.workflows = new RemoteWorkflows({
      call: (method, values, isOnce = false) => this.#call(method, values, {}, isOnce),
      request: () => this.#request(),
      jobOf: (token) => this.#held.get(token)?.job ?? 0,
    })
    this.#beats = new Beats(channel.door.beats, worker, (tokens) => this.#onLost(tokens))
    channel.onNotice(number, (notice) => this.#onNotice(notice as SessionNotice))
    this.#stopKeeping = channel.keepUp({
      lost: () => this.#onBreak(),
      connected: () => void this.#reopen(),
    })
  }

  async poll(request: PollRequest, signal?: AbortSignal): Promise<Lease[]> {
    const stop = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
    const leases = (await this.#call('session.poll', [request], { signal: stop, onAbort: 'await' })) as
      | Lease[]
      | undefined
    if (leases === undefined || leases.length === 0) return []
    this.#hold(leases)
    if (!stop.aborted) return leases
    // They crossed the abort on their way: nobody will run them here.
    await this.report(leases.map((lease) => ({ token: lease.token, outcome: { type: 'released' } }))).catch(
      () => {},
    )
    return []
  }

  async report(reports: readonly Report[]): Promise<boolean[]> {
    const tokens = reports.map((report) => report.token)
    for (const token of tokens) {
      const held = this.#held.get(token)
      if (held !== undefined) held.isReporting = true
    }
    const answers = await this.#report(reports)
    this.#drop(tokens)
    return answers
  }

  /** A report that cannot be sent, or is refused for its form, fails its own job and nobody else's. */
  async #report(reports: readonly Report[]): Promise<boolean[]> {
    try {
      return (await this.#callAgain('session.report', [reports, this.#request()])) as boolean[]
    } catch (error) {
      if (!isUnfit(error)) throw error
      if (reports.length > 1) return (await Promise.all(reports.map((one) => this.#report([one])))).flat()
      const record = errorRecord(error, 'NOT_SERIALIZABLE')
      const failed = reports.map(({ token }) => ({ token, outcome: failureOf(record) }))
      return (await this.#callAgain('session.report', [failed, this.#request()])) as boolean[]
    }
  }

  async heartbeat(tokens: readonly string[]): Promise<{ readonly lost: string[] }> {
    const number = await this.#number.promise
    const { lost } = (await this.#channel.call('session.heartbeat', [number, tokens])) as { lost: string[] }
    return { lost }
  }

  async log(
    entries: readonly { token: string; stream: 'stdout' | 'stderr' | 'log'; text: string }[],
  ): Promise<void> {
    await this.#callAgain('session.log', [entries, this.#request()])
  }

  progress(token: string, fraction: number, message?: string): void {
    // Without a connection it is forgotten: the next one says more.
    void this.#number.promise.then((number) => {
      this.#channel.tell('session.progress', [number, token, fraction, message ?? null])
    }, ignore)
  }

  async record(records: readonly LogRecord[]): Promise<void> {
    await this.#callAgain('session.record', [records])
  }

  tell(status: WorkerStatus): void {
    this.#status = status
    void this.#number.promise.then((number) => this.#channel.tell('session.tell', [number, status]), ignore)
  }

  onNotice(listener: (notice: WorkerNotice) => void): void {
    this.#listener = listener
    for (const notice of this.#early.splice(0)) listener(notice)
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#stopKeeping()
    await this.#beats.close()
    const number = await Promise.race([this.#number.promise, Promise.resolve(undefined)]).catch(ignore)
    if (typeof number === 'number') await this.#channel.call('session.close', [number]).catch(ignore)
    this.#number.reject(closed())
  }

  /** Calls on the session's present number; waits for one while the connection is away. */
  async #call(
    method: MethodName,
    values: readonly unknown[],
    options: CallOptions,
    isOnce = false,
  ): Promise<unknown> {
    const { signal } = options
    let broken: { readonly life: string; readonly error: unknown } | undefined
    for (;;) {
      if (signal?.aborted) return undefined
      const number = await untilAborted(this.#number.promise, signal)
      if (number === undefined) return undefined
      const life = this.#life
      if (isOnce && broken !== undefined && broken.life !== life) throw broken.error
      try {
        return await this.#channel.call(method, [number, ...values], options)
      } catch (error) {
        if (!this.#channel.isLost(error)) throw error
        broken = { life, error }
      }
    }
  }

  #callAgain(method: MethodName, values: readonly unknown[]): Promise<unknown> {
    return this.#call(method, values, {})
  }

  /** Calls that wait for a number wait on: a promise that was replaced would never come true for them. */
  #onBreak(): void {
    this.#breaks += 1
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#number = pending()
  }

  async #reopen(): Promise<void> {
    const breaks = this.#breaks
    try {
      const held = [...this.#held.keys()]
      const number = (await this.#channel.call('openWorker', [this.#worker, { held }])) as number
      this.#channel.onNotice(number, (notice) => this.#onNotice(notice as SessionNotice))
      // a number of a connection that has gone; the next one opens the session anew
      if (breaks !== this.#breaks) return
      this.#isOpen = true
      this.#life = this.#lifeOf(number)
      this.#number.resolve(number)
      // what came while there was no connection is told to nobody again
      for (const token of this.#held.keys()) this.workflows.tell(token)
      if (this.#status !== undefined) this.tell(this.#status)
    } catch (error) {
      // A lost connection comes back with a call of its own; anything else may pass.
      if (this.#channel.isLost(error) || this.#closing.signal.aborted) return
      setTimeout(() => breaks === this.#breaks && void this.#reopen(), REOPEN_MS).unref()
    }
  }

  #lifeOf(number: number): string {
    return `${this.#channel.peer}:${number}`
  }

  #hold(leases: readonly Lease[]): void {
    for (const { token, job } of leases) this.#held.set(token, { job, isReporting: false })
    this.#beats.add(leases)
  }

  #drop(tokens: readonly string[]): void {
    for (const token of tokens) this.#held.delete(token)
    this.#beats.remove(tokens)
  }

  #onLost(tokens: readonly string[]): void {
    for (const token of tokens) {
      // A beat that crosses a report finds the lease ended: that is no loss.
      if (this.#held.get(token)?.isReporting !== false) continue
      this.#onNotice({ type: 'stop', token, reason: 'lease-lost', graceMs: 0 })
    }
  }

  #onNotice(notice: SessionNotice): void {
    if (notice.type === 'news') this.workflows.tell(notice.token)
    else if (notice.type === 'question') this.workflows.ask(notice)
    else if (this.#listener === undefined) this.#early.push(notice)
    else this.#listener(notice)
  }

  #request(): string {
    this.#requests += 1
    return `${this.#worker.instance}:${this.#requests}`
  }
}

/** What comes without being asked for: notices of the worker, and news of the runs that it holds. */
type SessionNotice =
  | WorkerNotice
  | { readonly type: 'news'; readonly token: string }
  | (RunQuestion & { readonly type: 'question' })

/** Whether it is what was to be sent that is wrong, not the way. */
function isUnfit(error: unknown): boolean {
  if (!(error instanceof PerdureError)) return error instanceof TypeError
  return UNFIT.has(error.code)
}

const UNFIT: ReadonlySet<string> = new Set(['NOT_SERIALIZABLE', 'INVALID_OPTION', 'TOO_LARGE'])

const failureOf = (error: ErrorRecord): Outcome => ({ type: 'failed', error, retry: false })

function ignore(): undefined {
  return undefined
}

function pending(): PromiseWithResolvers<number> {
  const parts = Promise.withResolvers<number>()
  // A session that is closed while nobody waits is no error.
  parts.promise.catch(ignore)
  return parts
}

function settled(number: number): PromiseWithResolvers<number> {
  const parts = pending()
  parts.resolve(number)
  return parts
}

/** The value, or undefined as soon as the signal aborts. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const stop = () => resolve(undefined)
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

function closed(): PerdureError {
  return perdureError('CLOSED', {
    expected: 'an open worker session',
    found: 'a closed one',
    fix: 'Open a new one',
  })
}
