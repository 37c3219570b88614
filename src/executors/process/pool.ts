/**
 * Runs attempts in processes of their own, so that they use all processors, and that nothing a handler does can harm the
 * worker: a crash, a blocked event loop or too much memory costs the process, which is replaced.
 *
 * Owns: which process gets which attempt, and those that wait for a process. What the processes run is up to their
 * program (see serve.ts).
 */
import type { Outcome } from '../../core/model/outcome.ts'
import { Supervisor } from '../../runtime/supervision/supervisor.ts'
import { systemTimers, type Timers } from '../../runtime/timers.ts'
import type { Attempt, AttemptControl, Executor } from '../executor.ts'
import { stoppedOutcome, stopReasonOf } from '../stopped.ts'
import { type Assigned, Child, type ProcessSpec } from './child.ts'

/** How to make a pool. */
export interface PoolOptions extends ProcessSpec {
  /** How many processes. */
  readonly processes: number
  /** Most attempts in one process at once; further ones wait for a process that has room. */
  readonly each: number
  /** What goes wrong with processes; attempts tell by themselves. */
  readonly onError?: (error: unknown) => void
  readonly timers?: Timers
}

/** The executor of a pool. */
export interface ProcessPool extends Executor {
  readonly name: 'process'
  /** The processes that live, by pid. */
  pids(): number[]
}

/** While no process can be started, jobs go back for this long. */
const BROKEN_SNOOZE_MS = 5_000

/** Makes a pool and starts its processes. */
export function createProcessPool(options: PoolOptions): ProcessPool {
  return new Pool(options)
}

class Pool implements ProcessPool {
  readonly name = 'process'
  readonly #children: readonly Child[]
  readonly #each: number
  readonly #waiting = new Set<Assigned>()
  readonly #closing = new AbortController()
  readonly #ended: Promise<void>
  readonly #begun = Promise.withResolvers<void>()

  constructor(options: PoolOptions) {
    const { processes, onError = () => {}, timers = systemTimers } = options
    this.#each = options.each
    const host = {
      timers,
      onRoom: () => {
        if (this.#children.every(({ isReady }) => isReady)) this.#begun.resolve()
        this.#assign()
      },
      onBroken: (error: unknown) => {
        onError(error)
        this.#begun.resolve()
        this.#putBack()
      },
    }
    this.#children = Array.from(
      { length: processes },
      (_, index) => new Child(`process ${index + 1}`, options, host),
    )
    const supervisor = new Supervisor({
      name: 'the processes of a worker',
      services: this.#children,
      // a handler that kills its process again and again is the failure of its job, not of the worker
      most: Number.POSITIVE_INFINITY,
      firstMs: 50,
      longestMs: 10_000,
      timers,
      stopMs: 10_000,
      onEvent: (event) => {
        if (event.type !== 'failed') return
        this.#begun.resolve()
        onError(event.error)
      },
    })
    this.#ended = supervisor.run(this.#closing.signal)
  }

  /** When all processes are there, or one of them cannot be: then what there is has to do. */
  get ready(): Promise<void> {
    return this.#begun.promise
  }

  pids(): number[] {
    return this.#children.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
  }

  run(attempt: Attempt, control: AttemptControl): Outcome | Promise<Outcome> {
    if (this.#closing.signal.aborted) return { type: 'released' }
    if (control.stopReason !== undefined)
      return stoppedOutcome(control.stopReason, { found: 'a stop before a process had it' })
    return new Promise((resolve) => {
      this.#wait({ attempt, control, settle: resolve })
      this.#assign()
    })
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort()
      this.#begun.resolve()
      for (const { settle } of this.#waiting) settle({ type: 'released' })
      this.#waiting.clear()
      for (const child of this.#children) child.releaseAll()
    }
    await this.#ended
  }

  #wait(assigned: Assigned): void {
    const { control, settle } = assigned
    this.#waiting.add(assigned)
    control.signal.addEventListener(
      'abort',
      () => {
        if (!this.#waiting.delete(assigned)) return
        settle(stoppedOutcome(stopReasonOf(control.signal), { found: 'a stop before a process had it' }))
      },
      { once: true },
    )
  }

  /** Gives what waits to the processes that do least. */
  #assign(): void {
    for (const assigned of this.#waiting) {
      let best: Child | undefined
      for (const child of this.#children) {
        if (child.isReady && child.load < (best?.load ?? this.#each)) best = child
      }
      if (best === undefined) return
      this.#waiting.delete(assigned)
      best.assign(assigned)
    }
  }

  /** No process can be started for now: others may be able to do what waits here. */
  #putBack(): void {
    if (this.#children.some(({ isReady }) => isReady)) return
    for (const { settle } of this.#waiting) settle({ type: 'snoozed', delayMs: BROKEN_SNOOZE_MS })
    this.#waiting.clear()
  }
}
