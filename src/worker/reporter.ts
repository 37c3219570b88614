/**
 * Reports: the ends of attempts on their way to the engine.
 *
 * Owns: what waits, what is under way, and trying again until the answer is known; an engine takes the same
 * report twice without harm, for its token is good for one end. Never drops a report silently: what cannot be
 * reported is handed back as lost, with an error.
 */
import type { Report, WorkerSession } from '../client/client.ts'
import { type ErrorCode, PerdureError } from '../errors.ts'
import type { Clock } from '../runtime/clock.ts'
import { asError, Backoff, isClosed, isRetryable } from './backoff.ts'
import { failure, makeReport } from './outcome.ts'
import { ENDED, GONE, REPORTING, type RunningAttempt } from './running.ts'

/** What a reporter needs of its worker. */
export interface ReporterHost {
  /** The answer for one attempt: accepted, or the lease was lost. */
  onReported(attempt: RunningAttempt, report: Report, accepted: boolean): void
  onReportError(error: Error): void
  /** Asks to be called again (`flush`) at the given moment, monotonic ms. */
  wakeBy(at: number): void
  /** A call came back; there may be more to send. */
  onSettled(): void
}

interface Pending {
  readonly attempt: RunningAttempt
  report: Report
  /** The outcome was replaced once by the error that sending it brought. */
  replaced: boolean
}

/** More calls than this are never under way; what ends meanwhile travels together. */
const MOST_IN_FLIGHT = 4
/** One call carries at most this many: a message on a wire has a limit, and so has a turn of the engine. */
const MOST_IN_CALL = 2_000

/** The reports of one worker. */
export class Reporter {
  readonly #session: WorkerSession
  readonly #clock: Clock
  readonly #host: ReporterHost
  readonly #backoff = new Backoff(50, 5_000)
  #waiting: Pending[] = []
  #inFlight = 0
  #unanswered = 0
  #notBefore = 0
  /** This many of the next reports travel alone, to find the one that spoils the call. */
  #suspects = 0

  constructor(session: WorkerSession, clock: Clock, host: ReporterHost) {
    this.#session = session
    this.#clock = clock
    this.#host = host
  }

  /** Reports whose answer is not known: waiting, or under way. */
  get unknown(): number {
    return this.#waiting.length + this.#unanswered
  }

  /** Whether anything waits to be sent. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  add(attempt: RunningAttempt, report: Report): void {
    this.#waiting.push({ attempt, report, replaced: false })
  }

  /** Sends what waits, as far as calls are free. */
  flush(): void {
    while (this.#waiting.length > 0 && this.#inFlight < MOST_IN_FLIGHT) {
      if (this.#notBefore > 0) {
        if (this.#notBefore > this.#clock.monotonic()) {
          this.#host.wakeBy(this.#notBefore)
          return
        }
        this.#notBefore = 0
      }
      const batch = this.#take()
      if (batch.length > 0) this.#send(batch)
    }
  }

  #take(): Pending[] {
    const most = this.#suspects > 0 ? 1 : MOST_IN_CALL
    let batch = this.#waiting
    if (batch.length <= most) this.#waiting = []
    else batch = this.#waiting.splice(0, most)
    if (this.#suspects > 0) this.#suspects--
    // leases that were lost while the report waited: there is nothing left to say
    return batch.some(isGone) ? batch.filter((pending) => !isGone(pending)) : batch
  }

  #send(batch: Pending[]): void {
    this.#inFlight++
    this.#unanswered += batch.length
    const reports = new Array<Report>(batch.length)
    for (let i = 0; i < batch.length; i++) {
      const pending = batch[i] as Pending
      pending.attempt.phase = REPORTING
      reports[i] = pending.report
    }
    this.#session.report(reports).then(
      (accepted) => {
        this.#onAnswer(batch, accepted)
      },
      (error: unknown) => {
        this.#inFlight--
        this.#unanswered -= batch.length
        this.#onFailure(batch, error)
        this.#host.onSettled()
      },
    )
  }

  #onAnswer(batch: readonly Pending[], accepted: readonly boolean[]): void {
    this.#inFlight--
    this.#unanswered -= batch.length
    this.#backoff.reset()
    for (let i = 0; i < batch.length; i++) {
      const { attempt, report } = batch[i] as Pending
      this.#host.onReported(attempt, report, accepted[i] === true)
    }
    this.#host.onSettled()
  }

  #onFailure(batch: Pending[], error: unknown): void {
    if (isRetryable(error)) {
      this.#waiting = batch.concat(this.#waiting)
      this.#notBefore = this.#clock.monotonic() + this.#backoff.next(error)
      this.#host.wakeBy(this.#notBefore)
      this.#host.onReportError(asError(error))
      return
    }
    const [first] = batch
    if (batch.length > 1 && !isClosed(error)) {
      this.#suspects += batch.length
      this.#waiting = batch.concat(this.#waiting)
    } else if (first !== undefined && !first.replaced && !isClosed(error)) {
      this.#replace(first, error)
    } else {
      for (const { attempt, report } of batch) this.#host.onReported(attempt, report, false)
      this.#host.onReportError(asError(error))
    }
  }

  /** An outcome that cannot be taken becomes a failure that says why; the job must end somehow. */
  #replace(pending: Pending, error: unknown): void {
    const code: ErrorCode = error instanceof PerdureError ? error.code : 'INTERNAL'
    const outcome = failure(error, code, false)
    pending.replaced = true
    pending.report = makeReport(pending.attempt.token, outcome, 0)
    this.#suspects++
    this.#waiting.unshift(pending)
  }

  /** Gives up what still waits, as lost. */
  close(): void {
    const given = this.#waiting
    this.#waiting = []
    for (const { attempt, report } of given) {
      if (attempt.phase === ENDED || attempt.phase === REPORTING)
        this.#host.onReported(attempt, report, false)
    }
  }
}

function isGone({ attempt }: Pending): boolean {
  return attempt.phase === GONE
}
