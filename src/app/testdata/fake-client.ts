/** A client in memory that runs jobs once, in order, and knows how they ended. No rules, no storage. */
import { EventEmitter, once } from 'node:events'
import type { Client, WorkerSession } from '../../client/client.ts'
import type { ControlVerb, Enqueued, JobDetails, JobEnd, JobSpec } from '../../client/types.ts'
import type { Outcome } from '../../core/model/outcome.ts'
import { PerdureError } from '../../errors.ts'
import { FakeSession } from '../../worker/testdata/fake-session.ts'

/** Remembers what reached it. */
export class FakeClient {
  readonly specs: JobSpec[] = []
  readonly calls: number[] = []
  readonly requests: (string | undefined)[] = []
  readonly verbs: { id: number; verb: ControlVerb }[] = []
  readonly asked: unknown[][] = []
  readonly ends = new Map<number, JobEnd>()
  readonly order: string[] = []
  readonly #news = new EventEmitter().setMaxListeners(0)
  readonly #sessions: FakeSession[] = []
  /** Which call of enqueue fails. */
  failAt: number | undefined

  /** The same, as a client. */
  get client(): Client {
    return this as unknown as Client
  }

  enqueue(jobs: readonly JobSpec[], options: { readonly request?: string } = {}): Promise<Enqueued[]> {
    if (this.calls.length === this.failAt)
      return Promise.reject(new PerdureError('STORE_FAILED', 'disk full'))
    this.calls.push(jobs.length)
    this.requests.push(options.request)
    const enqueued = jobs.map((spec) => ({ id: this.specs.push(spec), created: spec.key !== 'taken' }))
    for (const session of this.#sessions) this.#offer(session)
    return Promise.resolve(enqueued)
  }

  async wait(id: number, signal?: AbortSignal): Promise<JobEnd> {
    for (;;) {
      const end = this.ends.get(id)
      if (end !== undefined) return end
      await once(this.#news, 'end', signal === undefined ? {} : { signal })
    }
  }

  openWorker(): Promise<WorkerSession> {
    const session = new FakeSession()
    const report = session.report.bind(session)
    session.report = (reports) => {
      for (const { token, outcome } of reports) this.#end(Number(token.slice(1)), outcome)
      return report(reports)
    }
    const close = session.close.bind(session)
    session.close = () => {
      this.order.push('session closed')
      return close()
    }
    this.#sessions.push(session)
    this.#offer(session)
    return Promise.resolve(session)
  }

  #offered = 0
  #offer(session: FakeSession): void {
    for (; this.#offered < this.specs.length; this.#offered++) {
      const { kind = '', queue = 'default', input } = this.specs[this.#offered] as JobSpec
      const text = JSON.stringify(input)
      const id = this.#offered + 1
      session.offer(1, {
        job: id,
        token: `t${id}`,
        kind,
        queue,
        ...(text === undefined ? {} : { input: text }),
      })
    }
  }

  #end(id: number, outcome: Outcome): void {
    const result = outcome.type === 'succeeded' ? (outcome.result ?? null) : null
    const state =
      outcome.type === 'succeeded' ? 'succeeded' : outcome.type === 'cancelled' ? 'cancelled' : 'failed'
    this.end({ id, state, result, error: outcome.type === 'failed' ? outcome.error : null })
  }

  /** Ends a job. */
  end(end: JobEnd): void {
    this.ends.set(end.id, end)
    this.#news.emit('end')
  }

  control(id: number, verb: ControlVerb): Promise<unknown> {
    this.verbs.push({ id, verb })
    return Promise.resolve({ id, state: 'ready', changed: true })
  }

  get(id: number): Promise<JobDetails> {
    return Promise.resolve({ id } as JobDetails)
  }

  async #ask(...question: unknown[]): Promise<unknown> {
    this.asked.push(question)
    return { jobs: [] }
  }

  list = (...rest: unknown[]) => this.#ask('list', ...rest)
  counts = (...rest: unknown[]) => this.#ask('counts', ...rest)
  pauseQueue = (...rest: unknown[]) => this.#ask('pauseQueue', ...rest)
  watch = (...rest: unknown[]) => this.#ask('watch', ...rest)
  logs = (...rest: unknown[]) => this.#ask('logs', ...rest)

  close(): Promise<void> {
    this.order.push('client closed')
    return Promise.resolve()
  }
}
