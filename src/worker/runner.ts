/**
 * Running: from a lease to the end of its attempt.
 *
 * Owns: the attempts in hand, their time limits, and what a stop does. One attempt is never started twice,
 * and every one ends in exactly one report, or in a loss that is known. No timer and no promise per attempt:
 * time limits are looked at together, and an executor that answers at once is done at once.
 */
import type { Lease, Report, StopNotice } from '../client/client.ts'
import type { Outcome, StopReason } from '../core/model/outcome.ts'
import { perdureError } from '../errors.ts'
import type { Executor } from '../executors/executor.ts'
import type { Clock } from '../runtime/clock.ts'
import type { AttemptEvent, Listeners } from './events.ts'
import type { Heartbeat } from './heartbeat.ts'
import { InFlight } from './inflight.ts'
import { failure, makeReport, outcomeAfterStop, outcomeOfAbandoned } from './outcome.ts'
import type { Output } from './output.ts'
import type { Reporter } from './reporter.ts'
import { ENDED, GONE, RUNNING, RunningAttempt, UNVERIFIED } from './running.ts'
import type { SlotGroup } from './slots.ts'
import type { Status } from './status.ts'
import type { Yielding } from './yielding.ts'

/** The parts that a runner works with. */
export interface RunnerParts {
  readonly executors: ReadonlyMap<string, Executor>
  readonly clock: Clock
  readonly listeners: Listeners
  readonly output: Output
  readonly maxResult: number
  readonly reporter: () => Reporter
  readonly heartbeat: () => Heartbeat
  readonly yielding: Yielding
  readonly status: Status
  readonly wakeBy: (at: number) => void
  /** An attempt ended: there is something to report, and a free slot. */
  readonly onEnded: () => void
}

/** Beyond the grace, for the time that a kill takes, before an attempt is given up. */
const KILL_MARGIN_MS = 1_000
/** A job of a kind that was not asked for goes back for this long, so that it cannot come again at once. */
const UNKNOWN_KIND_SNOOZE_MS = 5_000

/** The attempts in hand of one worker. */
export class Runner {
  readonly inFlight = new InFlight()
  readonly #parts: RunnerParts
  readonly #giveWay = (attempt: RunningAttempt): Promise<void> => this.#parts.yielding.giveWay(attempt)
  #running = 0
  #nextDeadline = Number.POSITIVE_INFINITY

  constructor(parts: RunnerParts) {
    this.#parts = parts
  }

  /** Attempts whose handler has not ended, or has not begun. */
  get running(): number {
    return this.#running
  }

  /** Starts what has just arrived. */
  startAll(group: SlotGroup, leases: readonly Lease[]): void {
    const { clock } = this.#parts
    const heartbeat = this.#parts.heartbeat()
    const since = heartbeat.grantedSince(clock.monotonic(), group.askedAt)
    let isDoubtful = false
    for (const lease of leases) {
      const attempt = this.#take(group, lease, since)
      if (attempt === undefined) continue
      heartbeat.noteTerm(lease.heartbeatMs)
      // read anew each time: the attempt before may have blocked
      const now = clock.monotonic()
      if (heartbeat.mayStart(attempt, now)) this.start(attempt, now)
      else isDoubtful = true
    }
    if (isDoubtful) heartbeat.beat(clock.monotonic())
  }

  /** Gives back what has just arrived. */
  releaseAll(group: SlotGroup, leases: readonly Lease[]): void {
    for (const lease of leases) {
      const attempt = this.#take(group, lease, 0)
      if (attempt !== undefined) this.#end(attempt, { type: 'released' })
    }
  }

  #take(group: SlotGroup, lease: Lease, since: number): RunningAttempt | undefined {
    const attempt = new RunningAttempt(
      lease,
      group,
      since + lease.heartbeatMs,
      this.#parts.output,
      this.#giveWay,
    )
    // the same lease delivered twice is one attempt
    if (!this.inFlight.add(attempt)) return undefined
    group.taken++
    this.#running++
    return attempt
  }

  /** Hands an attempt to its executor. */
  start(attempt: RunningAttempt, now: number): void {
    const { lease } = attempt
    attempt.phase = RUNNING
    attempt.startedAt = now
    if (lease.startToCloseMs > 0) this.#setDeadline(attempt, now + lease.startToCloseMs)
    const executor = this.#parts.executors.get(lease.kind)
    if (executor === undefined) this.#refuse(attempt)
    else if (lease.input !== undefined && !readInput(attempt, lease.input)) this.#end(attempt, unreadable())
    else this.#execute(attempt, executor)
  }

  #execute(attempt: RunningAttempt, executor: Executor): void {
    if (this.#parts.listeners.has('started')) this.#parts.listeners.emit('started', describe(attempt))
    let outcome: Outcome | Promise<Outcome>
    try {
      outcome = executor.run(attempt, attempt)
    } catch (thrown) {
      outcome = failure(thrown, 'INTERNAL')
    }
    if (typeof (outcome as Promise<Outcome> | undefined)?.then === 'function') {
      ;(outcome as Promise<Outcome>).then(
        (settled) => this.#end(attempt, settled),
        (thrown: unknown) => this.#end(attempt, failure(thrown, 'INTERNAL')),
      )
    } else {
      this.#end(attempt, outcome as Outcome)
    }
  }

  #refuse(attempt: RunningAttempt): void {
    const known = [...this.#parts.executors.keys()]
    this.#parts.listeners.emit(
      'error',
      perdureError('UNKNOWN_KIND', {
        expected: `jobs of the kinds ${known.join(', ')}`,
        found: `job ${attempt.job} of kind ${JSON.stringify(attempt.kind)}`,
        fix: 'The job was put back; give it to a worker that knows its kind',
        data: { job: attempt.job, kind: attempt.kind },
      }),
    )
    this.#end(attempt, { type: 'snoozed', delayMs: UNKNOWN_KIND_SNOOZE_MS })
  }

  #end(attempt: RunningAttempt, outcome: Outcome): void {
    // given up earlier: what comes now is too late
    if (attempt.phase > RUNNING) return
    this.#freeSlot(attempt)
    if (attempt.dropped > 0) this.#parts.output.noteDropped(attempt)
    if (attempt.lostForSure) {
      this.#leave(attempt, 'lost', undefined)
      this.#parts.onEnded()
      return
    }
    const reason = attempt.stopReason
    const final = reason === undefined || attempt.abandoned ? outcome : outcomeAfterStop(outcome, reason)
    attempt.phase = ENDED
    if (this.#parts.listeners.has('attempt')) attempt.endedAt = this.#parts.clock.monotonic()
    this.#parts.reporter().add(attempt, makeReport(attempt.token, final, this.#parts.maxResult))
    this.#parts.onEnded()
  }

  /** The answer to a report. */
  onReported(attempt: RunningAttempt, report: Report, accepted: boolean): void {
    if (attempt.phase === GONE) return
    this.#leave(attempt, accepted ? report.outcome.type : 'lost', report)
  }

  #leave(attempt: RunningAttempt, outcome: Outcome['type'] | 'lost', report: Report | undefined): void {
    attempt.phase = GONE
    this.inFlight.delete(attempt)
    const { listeners, clock, status } = this.#parts
    status.count(outcome)
    if (!listeners.has('attempt')) return
    const error = report?.outcome.type === 'failed' ? { error: report.outcome.error } : {}
    const endedAt = attempt.endedAt < 0 ? clock.monotonic() : attempt.endedAt
    const durationMs = attempt.startedAt < 0 ? 0 : endedAt - attempt.startedAt
    const { abandoned } = attempt
    listeners.emit('attempt', { ...describe(attempt), outcome, ...error, durationMs, abandoned })
  }

  #freeSlot(attempt: RunningAttempt): void {
    if (attempt.hasLent) this.#parts.yielding.forget(attempt)
    else attempt.group.taken--
    this.#running--
  }

  /** The lease is another's, or must be taken to be. */
  onLost(attempt: RunningAttempt, forSure: boolean): void {
    if (forSure && attempt.phase <= ENDED) attempt.lostForSure = true
    if (attempt.phase === RUNNING) this.#stop(attempt, 'lease-lost', attempt.graceMs)
    if (!forSure || attempt.phase > ENDED || attempt.phase === RUNNING) return
    if (attempt.phase === UNVERIFIED) this.#freeSlot(attempt)
    this.#leave(attempt, 'lost', undefined)
    this.#parts.onEnded()
  }

  /** The engine asks an attempt to stop. */
  onStop(notice: StopNotice): void {
    const attempt = this.inFlight.find(notice.token)
    if (attempt === undefined) return
    if (notice.reason === 'lease-lost') {
      this.onLost(attempt, true)
    } else if (attempt.phase === UNVERIFIED) {
      this.#end(attempt, { type: 'cancelled' })
    } else if (attempt.phase === RUNNING) {
      this.#stop(attempt, 'cancel', notice.graceMs, notice.signal)
    }
  }

  /** Asks everything that runs to stop, and gives back what has not begun. */
  stopAll(reason: StopReason, graceMs: number | undefined): void {
    for (const attempt of this.inFlight.all()) {
      if (attempt.phase === UNVERIFIED) this.#end(attempt, { type: 'released' })
      else if (attempt.phase === RUNNING) this.#stop(attempt, reason, graceMs ?? attempt.graceMs)
    }
  }

  /** The session is gone, and with it every lease. */
  loseAll(): void {
    for (const attempt of this.inFlight.all()) this.onLost(attempt, true)
  }

  /** Gives back what waits to be verified. */
  releaseUnverified(): void {
    for (const attempt of this.inFlight.all()) {
      if (attempt.phase === UNVERIFIED) this.#end(attempt, { type: 'released' })
    }
  }

  #stop(attempt: RunningAttempt, reason: StopReason, graceMs: number, signal?: string): void {
    const giveUpAt = this.#parts.clock.monotonic() + graceMs + KILL_MARGIN_MS
    // a later stop can only shorten the time, and never gives an attempt that is being stopped a new term
    const isSooner = attempt.stopReason === undefined || attempt.deadline > giveUpAt
    const isOtherSignal = signal !== undefined && signal !== attempt.stopSignal
    if (!isSooner && !isOtherSignal) return
    if (isSooner) {
      attempt.graceMs = graceMs
      attempt.deadline = Number.POSITIVE_INFINITY
      this.#setDeadline(attempt, giveUpAt)
    }
    if (isOtherSignal) attempt.stopSignal = signal
    attempt.stop(reason)
    if (attempt.hasLent) this.#parts.yielding.release(attempt)
  }

  #setDeadline(attempt: RunningAttempt, at: number): void {
    attempt.deadline = at
    if (at >= this.#nextDeadline) return
    this.#nextDeadline = at
    this.#parts.wakeBy(at)
  }

  /** Stops what has run for too long, and gives up what was told to stop and did not. */
  checkDeadlines(now: number): void {
    if (this.#nextDeadline > now) {
      this.#parts.wakeBy(this.#nextDeadline)
      return
    }
    // all are looked at, which is cheap: it happens once per time limit that runs out, not per attempt
    this.#nextDeadline = Number.POSITIVE_INFINITY
    const due: RunningAttempt[] = []
    for (const attempt of this.inFlight.all()) {
      if (attempt.phase !== RUNNING) continue
      if (attempt.deadline <= now) due.push(attempt)
      else this.#nextDeadline = Math.min(this.#nextDeadline, attempt.deadline)
    }
    for (const attempt of due) {
      if (attempt.stopReason === undefined) this.#stop(attempt, 'timeout', attempt.graceMs)
      else this.#giveUp(attempt, attempt.stopReason)
    }
    if (this.#nextDeadline < Number.POSITIVE_INFINITY) this.#parts.wakeBy(this.#nextDeadline)
  }

  #giveUp(attempt: RunningAttempt, reason: StopReason): void {
    attempt.abandoned = true
    this.#end(attempt, outcomeOfAbandoned(reason))
  }
}

function readInput(attempt: RunningAttempt, text: string): boolean {
  try {
    attempt.input = JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function unreadable(): Outcome {
  const error = perdureError('INVALID_INPUT', {
    expected: 'the stored input to be JSON',
    found: 'text that is not',
    fix: 'Enqueue the job again through a client of this version',
  })
  return failure(error, 'INVALID_INPUT', false)
}

function describe({ job, kind, queue, attempt, token }: RunningAttempt): AttemptEvent {
  return { job, kind, queue, attempt, token }
}
