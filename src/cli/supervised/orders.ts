/**
 * Who tells a worker to end: signals, or the process above it.
 *
 * Owns: the messages between a supervised worker and its supervisor, on the side of the worker.
 */
import { EndSignals, type EndSteps, Interrupted } from '../work.ts'

/** To a supervised worker. */
export type Order =
  /** Take no more work, let what runs end however long it takes, then end: another has taken over. */
  | 'retire'
  /** End as at a signal. */
  | 'end'
  /** End at once. */
  | 'insist'

/** From a supervised worker: it works. */
export const READY = 'ready'
/** Names the supervisor's pid in the environment of its worker. */
export const SUPERVISOR_VARIABLE = 'PERDURE_SUPERVISOR'

/** What a worker obeys. */
export interface Orders extends EndSteps, Disposable {
  readonly retire: AbortSignal
  /** The pid of the supervisor, where there is one. */
  readonly supervisor: number | undefined
  /** Tells the supervisor that the worker works. */
  ready(): void
}

/** Whether this process was started by a supervisor. The variable alone may have been inherited from anywhere. */
export function isSupervised(env: NodeJS.ProcessEnv): boolean {
  return process.connected === true && env[SUPERVISOR_VARIABLE] === String(process.ppid)
}

/** Begins to listen. */
export function takeOrders(env: NodeJS.ProcessEnv): Orders {
  return isSupervised(env) ? new SupervisorOrders() : new SignalOrders()
}

class SignalOrders extends EndSignals implements Orders {
  readonly retire = new AbortController().signal
  readonly supervisor = undefined
  ready(): void {}
}

class SupervisorOrders implements Orders {
  readonly supervisor = process.ppid
  readonly #retire = new AbortController()
  readonly #gently = new AbortController()
  readonly #atOnce = new AbortController()
  readonly #signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

  constructor() {
    // a terminal signals all of its processes; what to do about it is the supervisor's to say
    for (const signal of this.#signals) process.on(signal, this.#ignore)
    process.on('message', this.#onMessage)
    process.once('disconnect', this.#onGone)
  }

  readonly #ignore = (): void => {}

  readonly #onMessage = (order: unknown): void => {
    const interrupted = new Interrupted('SIGTERM')
    if (order === 'retire') this.#retire.abort()
    else if (order === 'end') this.#gently.abort(interrupted)
    else if (order === 'insist') this.#atOnce.abort(interrupted)
  }

  /** Without its supervisor nobody could end it, or start it again. */
  readonly #onGone = (): void => {
    this.#onMessage('end')
    this.#onMessage('insist')
  }

  get retire(): AbortSignal {
    return this.#retire.signal
  }

  get gently(): AbortSignal {
    return this.#gently.signal
  }

  get atOnce(): AbortSignal {
    return this.#atOnce.signal
  }

  ready(): void {
    process.send?.(READY)
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) process.off(signal, this.#ignore)
    process.off('message', this.#onMessage)
    process.off('disconnect', this.#onGone)
    if (process.connected) process.disconnect()
  }
}
