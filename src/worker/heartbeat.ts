/**
 * Heartbeats: renews all leases of a worker with one call, and knows which of them it may still trust.
 *
 * Owns: when to renew, and the worker's doubts. Time that this process slept through (a handler that blocked
 * the event loop, a suspended machine) counts against every lease; one that may have run out is asked about
 * before anything is started on it (L10). When nobody answers for a whole term, leases count as lost.
 * Never does: stopping attempts (see runner.ts).
 */
import type { WorkerSession } from '../client/client.ts'
import type { Clock } from '../runtime/clock.ts'
import { asError } from './backoff.ts'
import type { InFlight } from './inflight.ts'
import { ENDED, RUNNING, type RunningAttempt, UNVERIFIED } from './running.ts'

/** What heartbeats need of their worker. */
export interface HeartbeatHost {
  readonly inFlight: InFlight
  /** @param forSure the engine said so; otherwise nobody answered for too long. */
  onLost(attempt: RunningAttempt, forSure: boolean): void
  /** An attempt that had arrived too late to start turned out to be still ours. */
  onVerified(attempt: RunningAttempt): void
  onHeartbeatError(error: Error): void
  /** Asks to be called again (`tick`) at the given moment, monotonic ms. */
  wakeBy(at: number): void
}

/** The lease term to reckon with until a lease tells its own. */
const USUAL_TERM_MS = 30_000
/**
 * Looks at the clock at least this often, and whenever it is time to renew. A lease that comes between two looks is taken
 * to be as old as the last one: that leaves it two thirds of its term, with which it may be started.
 */
const LONGEST_TICK_MS = 5_000
/** A look at the clock that comes this much late, ms, means that the process stood still. */
const STALL_MS = 100
/** Wall time may run ahead of monotonic time by this much before it means that the machine slept. */
const WALL_SLACK_MS = 1_000

/** The heartbeats of one worker. */
export class Heartbeat {
  readonly #session: WorkerSession
  readonly #clock: Clock
  readonly #host: HeartbeatHost
  #term = USUAL_TERM_MS
  #lastTick: number
  /** When the clock is to be looked at next. */
  #nextTick: number
  #lastWall: number
  /** The latest time without a look at the clock: its beginning, and when it was noticed. */
  #stall = { from: 0, seenAt: Number.NEGATIVE_INFINITY }
  #nextBeatAt: number
  #isBeating = false
  #unansweredSince: number | undefined

  constructor(session: WorkerSession, clock: Clock, host: HeartbeatHost) {
    this.#session = session
    this.#clock = clock
    this.#host = host
    this.#lastTick = clock.monotonic()
    this.#nextTick = this.#lastTick
    this.#lastWall = clock.now()
    this.#nextBeatAt = this.#lastTick + this.#term / 3
  }

  /**
   * The moment from which the terms of leases that arrive now count, at the earliest: they may have been
   * granted at any time since this process was last seen awake. After a stall, timers run before what came
   * meanwhile is read, so the first look at the clock does not end the doubt about a question asked before it.
   *
   * @param askedAt When the leases were asked for, monotonic ms.
   */
  grantedSince(now: number, askedAt: number): number {
    const since = now - this.#gap(now)
    return askedAt < this.#stall.seenAt ? Math.min(since, this.#stall.from) : since
  }

  /** Takes notice of the term of a lease; shorter ones make for more frequent heartbeats. */
  noteTerm(termMs: number): void {
    if (termMs >= this.#term) return
    this.#term = termMs
    const now = this.#clock.monotonic()
    this.#nextBeatAt = Math.min(this.#nextBeatAt, now + termMs / 3)
    this.#lookBy(now)
  }

  /** Whether an attempt may start: a third of its term is left, enough to be renewed in time. */
  mayStart(attempt: RunningAttempt, now: number): boolean {
    return now < attempt.leaseUntil - attempt.lease.heartbeatMs / 3
  }

  /** Renews when it is time, and gives up leases that nobody answers for. */
  tick(now: number): void {
    const gap = this.#gap(now)
    const isLate = now > this.#nextTick + STALL_MS || gap > now - this.#lastTick
    if (isLate) this.#stall = { from: now - gap, seenAt: now }
    const stalled = gap > (this.#term * 2) / 3
    this.#lastTick = now
    this.#lastWall = this.#clock.now()
    if (stalled && this.#unansweredSince !== undefined) this.#unansweredSince = now
    if (stalled || now >= this.#nextBeatAt) this.beat(now)
    this.#giveUp(now)
    this.#lookBy(now)
  }

  #lookBy(now: number): void {
    this.#nextTick = Math.min(this.#nextBeatAt, now + LONGEST_TICK_MS)
    this.#host.wakeBy(this.#nextTick)
  }

  /** Renews all leases now, unless a call is out already; then its answer brings the next one forward. */
  beat(now: number): void {
    this.#nextBeatAt = now + this.#term / 3
    if (this.#isBeating) return
    const attempts = this.#host.inFlight.all().filter((attempt) => !attempt.lostForSure)
    this.#updateTerm(attempts)
    if (attempts.length === 0) return
    this.#isBeating = true
    this.#unansweredSince ??= now
    this.#session.heartbeat(attempts.map(({ token }) => token)).then(
      ({ lost }) => {
        this.#isBeating = false
        this.#unansweredSince = undefined
        this.#onAnswer(attempts, new Set(lost), now)
      },
      (error: unknown) => {
        this.#isBeating = false
        this.#nextBeatAt = this.#clock.monotonic() + this.#term / 10
        this.#host.wakeBy(this.#nextBeatAt)
        this.#host.onHeartbeatError(asError(error))
      },
    )
  }

  #onAnswer(attempts: readonly RunningAttempt[], lost: ReadonlySet<string>, sentAt: number): void {
    const now = this.#clock.monotonic()
    let isLate = false
    for (const attempt of attempts) {
      if (attempt.phase > ENDED) continue
      if (lost.has(attempt.token)) {
        this.#host.onLost(attempt, true)
        continue
      }
      // the term began again when the engine took the call, which was not before it was sent
      attempt.leaseUntil = Math.max(attempt.leaseUntil, sentAt + attempt.lease.heartbeatMs)
      if (attempt.phase !== UNVERIFIED) continue
      // starting one may block for long; the next ones are judged by the time it is then
      if (this.mayStart(attempt, this.#clock.monotonic())) this.#host.onVerified(attempt)
      else isLate = true
    }
    if (!isLate) return
    this.#nextBeatAt = now
    this.#host.wakeBy(now)
  }

  #giveUp(now: number): void {
    if (this.#unansweredSince === undefined || now - this.#unansweredSince < this.#term / 3) return
    for (const attempt of this.#host.inFlight.all()) {
      if (attempt.phase === RUNNING && attempt.leaseUntil <= now) this.#host.onLost(attempt, false)
    }
  }

  #gap(now: number): number {
    const passed = now - this.#lastTick
    const wall = this.#clock.now() - this.#lastWall
    return wall > passed + WALL_SLACK_MS ? wall : passed
  }

  #updateTerm(attempts: readonly RunningAttempt[]): void {
    if (attempts.length === 0) return
    let term = USUAL_TERM_MS
    for (const { lease } of attempts) term = Math.min(term, lease.heartbeatMs)
    this.#term = term
    this.#nextBeatAt = Math.min(this.#nextBeatAt, this.#clock.monotonic() + term / 3)
  }
}
