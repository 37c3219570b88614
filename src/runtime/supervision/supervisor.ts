/**
 * A supervisor: keeps services running, starts those anew that fail, and fails itself when they do so too often.
 *
 * Owns: starting and stopping what the plan says, and the time that takes. A supervisor is a service as well, so that
 * supervisors make a tree: what one cannot mend, it hands up by failing.
 */
import { perdureError } from '../../errors.ts'
import { type Clock, systemClock } from '../clock.ts'
import { systemTimers, type Timer, type Timers } from '../timers.ts'
import type { BudgetOptions } from './budget.ts'
import { type Restart, type Strategy, SupervisionPlan } from './plan.ts'

/** Something that runs until it is asked to end. */
export interface Service {
  readonly name: string
  /** Default `permanent`. */
  readonly restart?: Restart
  /** How long a stop may take before it is given up, ms. Default 5,000. */
  readonly stopMs?: number
  /** Runs until the signal aborts, or to an end of its own. A rejection is a failure. Called anew for every start. */
  run(signal: AbortSignal): Promise<void>
}

/** What happens to services. */
export type SupervisionEvent =
  | { readonly type: 'started' | 'stopped' | 'stuck'; readonly service: string }
  | { readonly type: 'ended' | 'failed'; readonly service: string; readonly error?: unknown }

/** How to supervise. */
export interface SupervisorOptions extends BudgetOptions {
  readonly name: string
  readonly services: readonly Service[]
  /** Default `one-for-one`. */
  readonly strategy?: Strategy
  readonly onEvent?: (event: SupervisionEvent) => void
  readonly restart?: Restart
  readonly stopMs?: number
  readonly clock?: Clock
  readonly timers?: Timers
  readonly random?: () => number
}

/** One service, as operators see it. */
export interface ServiceInfo {
  readonly name: string
  readonly state: 'down' | 'running' | 'stopping' | 'ended'
  /** Starts after the first. */
  readonly restarts: number
  readonly lastError: string | undefined
}

const STOP_MS = 5_000

interface Run {
  starts: number
  lastError: unknown
  /** Of the present start; undefined where it does not run. */
  controller: AbortController | undefined
}

/** Keeps its services running. */
export class Supervisor implements Service {
  readonly name: string
  readonly restart: Restart
  readonly stopMs: number
  readonly #options: SupervisorOptions
  readonly #clock: Clock
  readonly #timers: Timers
  #runs: Run[] = []
  #plan: SupervisionPlan
  #timer: Timer | undefined
  #lastFailure: unknown
  #ended: PromiseWithResolvers<void> | undefined

  constructor(options: SupervisorOptions) {
    this.name = options.name
    this.restart = options.restart ?? 'permanent'
    // one after another, each may take its time
    const stops = options.services.reduce((sum, { stopMs = STOP_MS }) => sum + stopMs, 1_000)
    this.stopMs = options.stopMs ?? stops
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#timers = options.timers ?? systemTimers
    this.#plan = this.#makePlan()
  }

  /** The services, in order. */
  get info(): readonly ServiceInfo[] {
    const { states } = this.#plan
    return this.#options.services.map(({ name }, index) => {
      const { starts = 0, lastError } = this.#runs[index] ?? {}
      return {
        name,
        state: states[index] ?? 'down',
        restarts: Math.max(0, starts - 1),
        lastError: lastError === undefined ? undefined : textOf(lastError),
      }
    })
  }

  /**
   * Runs all services until the signal aborts or all have ended. Called again after it has failed, it begins anew.
   *
   * @throws SERVICE_FAILED when services failed too often; everything has been stopped by then.
   */
  run(signal: AbortSignal): Promise<void> {
    this.#plan = this.#makePlan()
    this.#runs = this.#options.services.map(() => ({
      starts: 0,
      lastError: undefined,
      controller: undefined,
    }))
    const ended = Promise.withResolvers<void>()
    this.#ended = ended
    const stop = (): void => {
      this.#plan.stop()
      this.#pump()
    }
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    else this.#pump()
    return ended.promise.finally(() => signal.removeEventListener('abort', stop))
  }

  #makePlan(): SupervisionPlan {
    const { strategy = 'one-for-one', services } = this.#options
    return new SupervisionPlan(
      strategy,
      services.map(({ restart }) => restart ?? 'permanent'),
      this.#options,
    )
  }

  #pump(): void {
    const now = this.#clock.monotonic()
    this.#timer?.cancel()
    for (let action = this.#plan.next(now); action !== undefined; action = this.#plan.next(now)) {
      if (action.type === 'start') this.#start(action.child)
      else if (action.type === 'stop') this.#stop(action.child)
      else if (action.why === 'failed') this.#ended?.reject(this.#failure())
      else this.#ended?.resolve()
    }
    const { wakeAt } = this.#plan
    if (wakeAt < Number.POSITIVE_INFINITY)
      this.#timer = this.#timers.after(Math.max(0, wakeAt - now), () => this.#pump())
  }

  #start(index: number): void {
    const service = this.#options.services[index] as Service
    const run = this.#runs[index] as Run
    const controller = new AbortController()
    run.controller = controller
    run.starts++
    this.#tell({ type: 'started', service: service.name })
    // a run that throws at once fails like one that rejects
    const running = new Promise<void>((resolve) => resolve(service.run(controller.signal)))
    running.then(
      () => this.#exited(index, controller, false, undefined),
      (error: unknown) => this.#exited(index, controller, true, error),
    )
  }

  #stop(index: number): void {
    const { name, stopMs = STOP_MS } = this.#options.services[index] as Service
    const { controller } = this.#runs[index] as Run
    controller?.abort()
    const timer = this.#timers.after(stopMs, () => {
      if (controller === undefined || this.#runs[index]?.controller !== controller) return
      this.#tell({ type: 'stuck', service: name })
      this.#exited(index, controller, false, undefined)
    })
    controller?.signal.addEventListener('exited', () => timer.cancel(), { once: true })
  }

  #exited(index: number, controller: AbortController, hasFailed: boolean, error: unknown): void {
    const run = this.#runs[index] as Run
    // given up before: the plan has been told
    if (run.controller !== controller) return
    run.controller = undefined
    controller.signal.dispatchEvent(new Event('exited'))
    const { name } = this.#options.services[index] as Service
    const wasAsked = controller.signal.aborted
    if (hasFailed && !wasAsked) {
      run.lastError = error
      this.#lastFailure = error
    }
    const type = wasAsked ? 'stopped' : hasFailed ? 'failed' : 'ended'
    this.#tell(type === 'failed' ? { type, service: name, error } : { type, service: name })
    const random = this.#options.random ?? Math.random
    this.#plan.exited(index, hasFailed, this.#clock.monotonic(), random())
    this.#pump()
  }

  #tell(event: SupervisionEvent): void {
    this.#options.onEvent?.(event)
  }

  #failure(): Error {
    return perdureError('SERVICE_FAILED', {
      expected: `the services of ${this.name} to run`,
      found: `that they failed too often, the last time with: ${textOf(this.#lastFailure)}`,
      fix: 'Mend the cause; what they did is done by nobody until they are started again',
      cause: this.#lastFailure,
      data: { supervisor: this.name },
    })
  }
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')
}
