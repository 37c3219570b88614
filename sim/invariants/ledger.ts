/**
 * Ledger: what handlers did to the world outside. Every start and every end of a handler is a line in it, under
 * the token of its attempt.
 */
import type { Lease, PollRequest, Report } from '../../src/client/client.ts'
import type { JobRow } from '../../src/core/model/job.ts'
import type { Outcome } from '../../src/core/model/outcome.ts'
import { RUNNING, SUCCEEDED } from '../../src/core/model/states.ts'
import type { Attempt, AttemptControl } from '../../src/executors/executor.ts'
import type { Batch } from '../../src/store/store.ts'
import { must } from '../violation.ts'
import type { Actor } from '../world/actor.ts'
import type { Scheduler } from '../world/scheduler.ts'
import type { History, Tag } from './history.ts'

/** A handler that runs. */
interface Running {
  readonly actor: Actor
  readonly control: AttemptControl
}

/** Nobody needs longer than this to hear that its lease is gone, once it is awake and reaches the engine, ms. */
const HEARS_WITHIN_MS = 180_000
/** Clocks differ by a tenth at most, and a look at them takes a moment. */
const CLOCK_SLACK = 1.25
const START_SLACK_MS = 2_000

export class Ledger {
  readonly #scheduler: Scheduler
  readonly #history: History
  readonly #heartbeatMs: number
  readonly #isCut: (name: string) => boolean
  readonly #started = new Set<string>()
  readonly #running = new Map<string, Running>()
  readonly #outcomes = new Map<string, Outcome>()
  /** When a lease reached its worker's machine, or was renewed last; virtual ms. */
  readonly #freshAt = new Map<string, number>()

  constructor(scheduler: Scheduler, history: History, heartbeatMs: number, isCut: (name: string) => boolean) {
    this.#scheduler = scheduler
    this.#history = history
    this.#heartbeatMs = heartbeatMs
    this.#isCut = isCut
  }

  /** The engine hands leases out. */
  granted({ kinds, queues }: PollRequest, leases: Lease[]): Lease[] {
    for (const { job, kind, queue } of leases) {
      const isAsked = kinds.includes(kind) && queues.includes(queue)
      must(
        'L11',
        isAsked,
        () => `job ${job} of kind ${kind} went to a worker of the kinds ${kinds.join(', ')}`,
      )
    }
    return this.#history.granted(leases)
  }

  reported(reports: readonly Report[], accepted: boolean[]): boolean[] {
    return this.#history.reported(reports, accepted)
  }

  /** Leases reach the machine of a worker elsewhere, awake or not. */
  arrived(leases: readonly Lease[]): void {
    for (const { token } of leases) this.#freshAt.set(token, this.#scheduler.now)
  }

  renewed(token: string): void {
    if (this.#freshAt.has(token)) this.#freshAt.set(token, this.#scheduler.now)
  }

  /** A handler begins. */
  begun({ token, job, kind, input }: Attempt, control: AttemptControl, actor: Actor): void {
    must('L10', !this.#started.has(token), () => `attempt ${token} was started twice`)
    this.#started.add(token)
    this.#running.set(token, { actor, control })
    const freshAt = this.#freshAt.get(token)
    const age = freshAt === undefined ? 0 : this.#scheduler.now - freshAt
    must(
      'L10',
      age <= this.#heartbeatMs * CLOCK_SLACK + START_SLACK_MS,
      () => `attempt ${token} was started ${age} ms after its lease came, for ${this.#heartbeatMs} ms`,
    )
    const { call, index } = input as Partial<Tag>
    // what a run asked for says who asked for it, and its journal says the rest
    if (call === undefined || index === undefined) return
    const spec = this.#history.calls.get(call)?.specs[index]
    must(
      'D1',
      this.#history.isMadeBy(job, call, index) && spec?.kind === kind,
      () => `job ${job} runs as ${kind} with the input of job ${index} of call ${call}`,
    )
  }

  /** A handler ends, and tells its worker how. */
  ended(token: string, outcome: Outcome): Outcome {
    // one that was asked to stop may have decided otherwise before
    if (this.#running.delete(token)) this.#outcomes.set(token, outcome)
    return outcome
  }

  /** Attempts whose lease ends with this commit; a success is what a handler said. */
  onLanding(batch: Batch): void {
    for (const { before, after } of batch.jobs) {
      if (before?.state !== RUNNING || before.nonce === after?.nonce) continue
      const token = `${before.id}.${before.attempt}.${before.nonce}`
      if (this.#running.has(token)) this.#expectStop(token)
      if (after?.state === SUCCEEDED && after.attempt === before.attempt)
        this.#checkSuccess(token, after, batch)
    }
  }

  #checkSuccess(token: string, { id, result }: JobRow, { payloads }: Batch): void {
    const outcome = this.#outcomes.get(token)
    const large = payloads.findLast(({ job, field }) => job === id && field === 'result')
    const text = JSON.stringify(outcome?.type === 'succeeded' ? outcome.result : undefined)
    must(
      'L2',
      text !== undefined && text === (result ?? large?.text),
      () => `job ${id} succeeded with ${result}; the handler of ${token} said ${JSON.stringify(outcome)}`,
    )
  }

  /** The lease of a running handler is gone: once its worker is well, it asks it to stop. */
  #expectStop(token: string): void {
    const { actor } = this.#running.get(token) as Running
    let well = 0
    const look = (): void => {
      const running = this.#running.get(token)
      if (running === undefined || !actor.isAlive) return
      well = actor.isPaused || this.#isCut(actor.name) ? 0 : well + 1
      // two looks: the first may have come in the moment in which it woke up
      must(
        'L10',
        well < 3 || running.control.stopReason !== undefined,
        () => `the handler of ${token} goes on, though its lease is long lost`,
      )
      if (running.control.stopReason === undefined) this.#scheduler.after(HEARS_WITHIN_MS, look)
    }
    this.#scheduler.after(HEARS_WITHIN_MS, look)
  }
}
