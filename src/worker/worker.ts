/**
 * The worker: takes leases from a client, has executors run them, reports how they ended.
 *
 * Owns: the life of a worker (open, work, drain, end), one timer for everything that waits, and the turn in
 * which ends are reported and new work is asked for together. Knows only the client interface, so that it
 * serves an engine in this process and a node far away alike. Never decides what becomes of a job.
 */
import type { Lease, WorkerSession } from '../client/client.ts'
import { type Logger, SILENT } from '../runtime/logger/logger.ts'
import type { Timer } from '../runtime/timers.ts'
import { checkKnown, wholeNumber } from '../std/options.ts'
import { asError, Backoff, isClosed, isRetryable } from './backoff.ts'
import { Listeners, type WorkerEvents } from './events.ts'
import { Heartbeat } from './heartbeat.ts'
import { WorkerLog } from './log.ts'
import { Lookout } from './lookout.ts'
import { MOST_SLOTS, readWorkerOptions, type WorkerOptions, type WorkerSettings } from './options.ts'
import { Output } from './output.ts'
import { Poller } from './poller.ts'
import { Reporter } from './reporter.ts'
import { Runner } from './runner.ts'
import { wantsSession } from './session-executor.ts'
import type { SlotGroup } from './slots.ts'
import { Status } from './status.ts'
import { Yielding } from './yielding.ts'

/** How to stop. */
export interface StopOptions {
  /** How long to wait for running attempts before asking them to end, ms. Default: the worker's `drainMs`. */
  readonly drainMs?: number
  /** How long they then may take, ms. Default: the grace of each job. */
  readonly graceMs?: number
}

/** Where a worker is in its life. */
export type WorkerState = 'opening' | 'working' | 'draining' | 'stopped'

/** When nothing has run for this long, the worker is idle. */
const IDLE_MS = 20
/** At a stop, reports and output get this long, after the last attempt has ended, to reach the engine. */
const FLUSH_MS = 10_000
/** With more ends than this unanswered, no new work is asked for; per slot, with a floor. */
const UNANSWERED_PER_SLOT = 4
const UNANSWERED_FLOOR = 1_000

/** A running worker. Made by {@link createWorker}. */
export class Worker {
  readonly #settings: WorkerSettings
  readonly #listeners = new Listeners()
  readonly #log: WorkerLog | undefined
  readonly #output: Output
  readonly #runner: Runner
  readonly #yielding: Yielding
  readonly #status: Status
  readonly #lookout: Lookout
  readonly #finished = Promise.withResolvers<void>()
  readonly #ready = Promise.withResolvers<void>()
  #drainMs: number
  #session: WorkerSession | undefined
  #poller!: Poller
  #reporter!: Reporter
  #heartbeat!: Heartbeat
  #state: WorkerState = 'opening'
  #timer: Timer | undefined
  #wakeAt = Number.POSITIVE_INFINITY
  #isTurnDue = false
  #lastBusyAt = 0
  #saidIdle = false
  #drainUntil = Number.POSITIVE_INFINITY
  #drainGraceMs: number | undefined
  #flushUntil = Number.POSITIVE_INFINITY
  #isFinishing = false
  #unrecorded = 0

  /** @internal Use {@link createWorker}. */
  constructor(settings: WorkerSettings) {
    this.#settings = settings
    this.#drainMs = settings.drainMs
    const { slots, executors, clock, supervisor, logger, info, timers } = settings
    if (logger !== undefined) this.#log = new WorkerLog(logger, info.name, this.#listeners, timers)
    const kinds = [...executors.keys()]
    this.#status = new Status({
      startedAt: clock.now(),
      kinds,
      queues: [...new Set(slots.groups.flatMap(({ queues }) => queues))],
      attributes: settings.attributes,
      ...(supervisor === undefined ? {} : { supervisor }),
    })
    this.#lookout = new Lookout(settings.timers, (paths) => {
      this.#status.found(paths)
      this.#tellStatus(clock.monotonic())
    })
    this.#yielding = new Yielding({
      ...{ slots, kinds, clock },
      session: () => this.#session,
      onLeases: (group, leases) => this.#onLeases(group, leases),
      onYieldError: (error) => this.#onError(asError(error)),
    })
    this.#output = new Output(settings.timers, settings.maxPendingOutput, {
      onOutputError: (error) => this.#onError(error),
      onOutputSettled: () => this.#turnSoon(),
    })
    this.#runner = new Runner({
      ...settings,
      listeners: this.#listeners,
      output: this.#output,
      yielding: this.#yielding,
      status: this.#status,
      reporter: () => this.#reporter,
      heartbeat: () => this.#heartbeat,
      wakeBy: (at) => this.#wakeBy(at),
      onEnded: () => this.#turnSoon(),
    })
    // whoever does not await `ready` gets the same error as an event
    this.#ready.promise.catch(() => {})
    this.#lastBusyAt = settings.clock.monotonic()
    const begun = [...new Set(settings.executors.values())].flatMap(({ ready }) => ready ?? [])
    const open = (): void => this.#open(new Backoff(100, 5_000))
    if (begun.length === 0) open()
    else void Promise.all(begun).then(open)
  }

  /** The name that operators see. */
  get name(): string {
    return this.#settings.info.name
  }

  /** For what is to be said in the name of this worker; silent where it was given no logger. */
  get logger(): Logger {
    return this.#log?.logger ?? SILENT
  }

  get state(): WorkerState {
    return this.#state
  }

  /** Attempts in hand whose handler has not ended. */
  get running(): number {
    return this.#runner.running
  }

  /** Resolves once the worker is known to the engine; rejects when that cannot be. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  /** Adds a listener; the answer removes it. Errors that nobody listens for are process warnings. */
  on<Name extends keyof WorkerEvents>(name: Name, listener: (event: WorkerEvents[Name]) => void): () => void {
    const remove = this.#listeners.on(name, listener)
    if (name === 'idle') this.#wakeBy(this.#settings.clock.monotonic())
    return remove
  }

  /**
   * Accepts no more work, waits for what runs, asks it to end after `drainMs`, gives back what did not, and
   * reports everything. Resolves when the worker has ended; never rejects. Called again while it drains, it can
   * only shorten the wait: `stop({ drainMs: 0, graceMs: 0 })` forces the end.
   */
  stop(options: StopOptions = {}): Promise<void> {
    checkKnown('stop', options, ['drainMs', 'graceMs'])
    const drainMs = wholeNumber('drainMs', options.drainMs ?? this.#drainMs, 0, Number.MAX_SAFE_INTEGER)
    if (options.graceMs !== undefined) {
      this.#drainGraceMs = wholeNumber('graceMs', options.graceMs, 0, Number.MAX_SAFE_INTEGER)
    }
    if (this.#state === 'stopped') return this.#finished.promise
    this.#drainUntil = Math.min(this.#drainUntil, this.#settings.clock.monotonic() + drainMs)
    if (this.#state !== 'draining') {
      const wasOpening = this.#state === 'opening'
      this.#state = 'draining'
      this.#status.touch()
      this.#listeners.emit('draining', { running: this.#runner.running })
      if (!wasOpening) this.#poller.close()
      this.#runner.releaseUnverified()
      this.#tellStatus(this.#settings.clock.monotonic())
    }
    this.#drain()
    return this.#finished.promise
  }

  /**
   * Changes what may change while it works; the level of its logger is looked at again. More slots are asked for at
   * once; with fewer, what runs beyond them goes on to its end.
   */
  configure(options: { readonly concurrency?: number; readonly drainMs?: number }): void {
    checkKnown('configure', options, ['concurrency', 'drainMs'])
    const { concurrency, drainMs } = options
    this.#log?.sync()
    if (drainMs !== undefined) this.#drainMs = wholeNumber('drainMs', drainMs, 0, Number.MAX_SAFE_INTEGER)
    if (concurrency === undefined) return
    this.#settings.slots.resize(wholeNumber('concurrency', concurrency, 1, MOST_SLOTS))
    this.#status.touch()
    if (this.#state !== 'working') return
    this.#tellStatus(this.#settings.clock.monotonic())
    this.#poller.recall()
    this.#turnSoon()
  }

  /** Stops with the worker's own `drainMs`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #open(backoff: Backoff): void {
    const { client, info } = this.#settings
    client.openWorker(info).then(
      (session) => this.#onOpen(session),
      (error: unknown) => {
        if (this.#state === 'opening' && isRetryable(error)) {
          this.#onError(asError(error))
          this.#settings.timers.after(backoff.next(error), () => this.#open(backoff))
          return
        }
        this.#ready.reject(error)
        if (this.#state === 'opening') this.#onError(asError(error))
        void this.#finish()
      },
    )
  }

  #onOpen(session: WorkerSession): void {
    const { clock, slots, executors } = this.#settings
    this.#session = session
    this.#reporter = new Reporter(session, clock, {
      onReported: (attempt, report, accepted) => {
        if (!accepted && !attempt.lostForSure) this.#unrecorded++
        this.#runner.onReported(attempt, report, accepted)
      },
      onReportError: (error) => this.#onError(error),
      wakeBy: (at) => this.#wakeBy(at),
      onSettled: () => this.#turnSoon(),
    })
    this.#heartbeat = new Heartbeat(session, clock, {
      inFlight: this.#runner.inFlight,
      onLost: (attempt, forSure) => this.#runner.onLost(attempt, forSure),
      onVerified: (attempt) => this.#runner.start(attempt, clock.monotonic()),
      onHeartbeatError: (error) => this.#onError(error),
      wakeBy: (at) => this.#wakeBy(at),
    })
    this.#poller = new Poller(session, slots, [...executors.keys()], clock, {
      onLeases: (group, leases) => this.#onLeases(group, leases),
      onPollError: (error) => this.#onError(error),
      wakeBy: (at) => this.#wakeBy(at),
      onSettled: () => this.#turnSoon(),
    })
    this.#output.attach(session)
    for (const executor of new Set(executors.values())) if (wantsSession(executor)) executor.attach(session)
    this.#log?.attach(session)
    session.onNotice((notice) => {
      if (notice.type === 'stop') this.#runner.onStop(notice)
      else this.#lookout.watch(notice.paths)
    })
    if (this.#state === 'opening') this.#state = 'working'
    this.#ready.resolve()
    this.#wakeBy(clock.monotonic())
    // before work is asked for: what it gets depends on what it is
    this.#tellStatus(clock.monotonic())
    this.#turn()
  }

  #onLeases(group: SlotGroup, leases: readonly Lease[]): void {
    this.#saidIdle = false
    if (this.#state !== 'working') {
      this.#runner.releaseAll(group, leases)
      return
    }
    this.#runner.startAll(group, leases)
    // when all of them ended at once there is no reason to wait for the end of the turn
    if (this.#runner.running === 0) this.#turn()
  }

  /** At the end of this turn of the event loop: whatever ends until then travels together. */
  #turnSoon(): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    setImmediate(() => {
      if (this.#isTurnDue) this.#turn()
    })
  }

  /** Reports what ended and asks for new work, in this order, so that both can be one commit. */
  #turn(): void {
    this.#isTurnDue = false
    if (this.#session === undefined || this.#state === 'stopped') return
    // before new work is asked for: who gave way comes first
    if (this.#yielding.waiting > 0) this.#yielding.resume()
    if (this.#reporter.hasWaiting) {
      // output first: a report ends the right to write
      this.#output.flush()
      if (!this.#output.isStuck) this.#reporter.flush()
    }
    if (this.#state === 'working') {
      if (this.#reporter.unknown < this.#mostUnanswered()) this.#poller.ask()
      this.#checkIdle()
    } else {
      this.#drain()
    }
  }

  #mostUnanswered(): number {
    return Math.max(UNANSWERED_FLOOR, this.#settings.slots.total * UNANSWERED_PER_SLOT)
  }

  #tellStatus(now: number): void {
    const { slots } = this.#settings
    const state = this.#state === 'draining' ? 'draining' : 'working'
    if (this.#session !== undefined) this.#status.tell(this.#session, state, slots.total, now)
  }

  #wakeBy(at: number): void {
    if (at >= this.#wakeAt || this.#state === 'stopped') return
    this.#wakeAt = at
    this.#timer?.cancel()
    const { timers, clock } = this.#settings
    this.#timer = timers.after(Math.max(0, at - clock.monotonic()), () => {
      this.#timer = undefined
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.#wake()
    })
  }

  #wake(): void {
    if (this.#session === undefined || this.#isFinishing) return
    const now = this.#settings.clock.monotonic()
    this.#heartbeat.tick(now)
    this.#runner.checkDeadlines(now)
    this.#turn()
    this.#tellStatus(now)
  }

  #checkIdle(): void {
    if (!this.#listeners.has('idle') || this.#saidIdle) return
    const now = this.#settings.clock.monotonic()
    if (this.#runner.inFlight.size > 0) {
      this.#lastBusyAt = now
    } else if (now - this.#lastBusyAt < IDLE_MS) {
      this.#wakeBy(this.#lastBusyAt + IDLE_MS)
    } else {
      this.#saidIdle = true
      this.#listeners.emit('idle', {})
    }
  }

  /** Takes the drain one step further; called whenever something has changed. */
  #drain(): void {
    if (this.#state !== 'draining' || this.#session === undefined || this.#isFinishing) return
    const now = this.#settings.clock.monotonic()
    if (this.#runner.running > 0) {
      if (now < this.#drainUntil) {
        this.#wakeBy(this.#drainUntil)
        return
      }
      this.#runner.stopAll('drain', this.#drainGraceMs)
      if (this.#runner.running > 0) return
    }
    this.#output.flush()
    if (!this.#output.isStuck) this.#reporter.flush()
    const isDone = this.#reporter.unknown === 0 && this.#output.isEmpty && this.#poller.out === 0
    if (!isDone) {
      this.#flushUntil = Math.min(this.#flushUntil, now + FLUSH_MS)
      this.#wakeBy(this.#flushUntil)
      if (now < this.#flushUntil) return
    }
    void this.#finish()
  }

  async #finish(): Promise<void> {
    if (this.#isFinishing) return
    this.#isFinishing = true
    if (this.#log !== undefined) await this.#log.close(this.#unrecorded)
    const closing = [...new Set(this.#settings.executors.values())].map((executor) => executor.close())
    if (this.#session !== undefined) {
      this.#reporter.close()
      this.#output.close()
      closing.push(this.#session.close())
    }
    for (const result of await Promise.allSettled(closing)) {
      if (result.status === 'rejected' && !isClosed(result.reason))
        this.#listeners.emit('error', asError(result.reason))
    }
    this.#state = 'stopped'
    this.#timer?.cancel()
    this.#lookout.close()
    this.#ready.resolve()
    this.#listeners.emit('drained', { unrecorded: this.#unrecorded })
    this.#finished.resolve()
  }

  #onError(error: Error): void {
    const wasWorking = this.#state === 'working'
    this.#status.note(error)
    this.#listeners.emit('error', error)
    if (!isClosed(error) || !wasWorking || this.#session === undefined) return
    // no lease can be held or reported without a session
    this.#runner.loseAll()
    this.#reporter.close()
    void this.stop({ drainMs: 0 })
  }
}

/**
 * Makes a worker and starts it.
 *
 * @throws INVALID_OPTION for options that are malformed or unknown. Everything later is an `error` event.
 */
export function createWorker(options: WorkerOptions): Worker {
  return new Worker(readWorkerOptions(options))
}
