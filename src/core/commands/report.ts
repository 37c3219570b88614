/**
 * report: the end of an attempt, as its worker tells it. A stale token changes nothing (L2).
 */
import type { ErrorRecord } from '../../errors.ts'
import { assert } from '../../std/assert.ts'
import { HAS_HISTORY, HAS_UNDO, type JobRow, LARGE_RESULT } from '../model/job.ts'
import { readyLine } from '../model/line.ts'
import type { AttemptRow } from '../model/rows.ts'
import { CANCELLED, FAILED, HELD, READY, RUNNING, SUCCEEDED } from '../model/states.ts'
import { expiryOf, place, releaseLimits } from '../policy/admit.ts'
import { queueOf } from '../policy/fairness.ts'
import { type FinishTables, finish, stop } from '../policy/finish.ts'
import { backoffMs, mayRetry } from '../policy/retry.ts'
import { continueAsNew, heldError, leaveBehind, pause, stoppedFor, suspend } from '../policy/suspend.ts'

/** An outcome whose values are JSON text already; `large` says that the result goes to the payload table. */
export type EncodedOutcome =
  | { readonly type: 'succeeded'; readonly result: string | null; readonly large: boolean }
  | {
      readonly type: 'failed'
      readonly error: string
      readonly result: string | null
      readonly large: boolean
      readonly retry: boolean
      readonly retryAfterMs: number | undefined
      /** The worker went away, rather than the handler failing. */
      readonly lost: boolean
    }
  | { readonly type: 'cancelled'; readonly error: string | null }
  | { readonly type: 'snoozed'; readonly delayMs: number }
  | { readonly type: 'released' }
  | { readonly type: 'suspended'; readonly seen: number }
  | { readonly type: 'paused'; readonly error: string }
  | { readonly type: 'continued'; readonly input: string | null; readonly large: boolean }

export interface ReportCommand {
  readonly type: 'report'
  readonly job: number
  readonly attempt: number
  readonly nonce: string
  readonly outcome: EncodedOutcome
  /** In [0, 1): the jitter of the back-off. */
  readonly random: number
}

type Tables = FinishTables

/**
 * Answers whether the report was accepted; false means that the lease was lost. A report that is told again, since
 * the answer to its first try did not arrive, is answered as that was: what it says is what is recorded.
 */
export function report(view: Tables, command: ReportCommand, now: number): boolean {
  const job = view.jobs.get(command.job)
  if (!holdsLease(job, command.attempt, command.nonce)) return isRecorded(job, command)
  const outcome = command.outcome
  if (outcome.type === 'succeeded') {
    const [row, result] = withResult(view, job, outcome.result, outcome.large)
    finish(view, row, { state: SUCCEEDED, result, error: null }, now)
  } else if (job.cancelAt !== 0 && !stillUndoes(job, outcome)) {
    // It ends before it begins anew, and a restart begins there.
    const row = outcome.type === 'continued' ? leaveBehind(view, job, outcome) : job
    // Why it was cancelled says more than how its attempt took it.
    finish(view, row, { state: stateOfStop(job), result: null, error: job.error }, now)
  } else if (outcome.type === 'cancelled') {
    finish(view, job, { state: CANCELLED, result: null, error: outcome.error }, now)
  } else if (outcome.type === 'failed') {
    fail(view, job, outcome, command.random, now)
  } else {
    setAside(view, job, outcome, now)
  }
  return true
}

type Unfinished = Exclude<EncodedOutcome, { readonly type: 'succeeded' | 'failed' | 'cancelled' }>

/** The attempt has ended, the job has not, and neither went wrong. */
function setAside(view: Tables, job: JobRow, outcome: Unfinished, now: number): void {
  switch (outcome.type) {
    case 'suspended':
      suspend(view, job, outcome.seen, now)
      break
    case 'paused':
      pause(view, job, outcome.error, now)
      break
    case 'continued':
      continueAsNew(view, job, outcome, now)
      break
    default:
      putBack(view, job, outcome.type === 'snoozed' ? outcome.delayMs : undefined, now)
  }
}

/**
 * Whether a run that was cancelled has not undone yet what it did: only its own word, or no try left, ends that. One
 * that would begin anew leaves behind what it did, so there is nothing to undo any more.
 */
function stillUndoes(job: JobRow, { type }: EncodedOutcome): boolean {
  return (job.flags & HAS_UNDO) !== 0 && type !== 'cancelled' && type !== 'continued'
}

/**
 * Whether the job's latest attempt is the one that is reported, and ended as the report says. The nonce is gone with
 * the lease; but no two attempts of a job have one number, and nothing is changed by the answer.
 */
function isRecorded(job: JobRow | undefined, { attempt, outcome }: ReportCommand): boolean {
  if (job === undefined || job.attempt !== attempt) return false
  switch (job.state) {
    case RUNNING:
      return false
    case SUCCEEDED:
      return outcome.type === 'succeeded' && hasResult(job, outcome)
    case CANCELLED:
      if (job.startedAt === 0) return false
      if (job.cancelAt !== 0) return outcome.type !== 'succeeded' && !wasForced(job)
      return outcome.type === 'cancelled' && outcome.error === job.error
    case HELD:
      return isHeldFor(job, outcome)
    default:
      // It was stopped when its time was over, and has undone what it did.
      if (job.cancelAt !== 0 && job.state === FAILED && outcome.type === 'cancelled') return true
      // Failed for good or to be tried again; else given back.
      if (outcome.type === 'failed') return outcome.error === job.error
      return outcome.type !== 'succeeded' && outcome.type !== 'cancelled' && job.error === null
  }
}

function isHeldFor(job: JobRow, outcome: EncodedOutcome): boolean {
  if (outcome.type !== 'paused' && outcome.type !== 'failed') return false
  const error = outcome.type === 'paused' ? outcome.error : notUndone(job, outcome.error)
  return heldError(error, stoppedFor(job)) === job.error
}

function hasResult(job: JobRow, { result, large }: EncodedOutcome & { type: 'succeeded' }): boolean {
  return large ? (job.flags & LARGE_RESULT) !== 0 : job.result === result
}

/** Whether the token is that of the job's running attempt. */
export function holdsLease(job: JobRow | undefined, attempt: number, nonce: string): job is JobRow {
  return job !== undefined && job.state === RUNNING && job.attempt === attempt && job.nonce === nonce
}

function fail(
  view: Tables,
  job: JobRow,
  outcome: EncodedOutcome & { type: 'failed' },
  random: number,
  now: number,
): void {
  const route = view.routeById(job.route)
  const { retry } = view.profileById(route.profile)
  const isLast = !mayRetry(retry, job.tries, outcome.lost)
  if (outcome.retry && isLast && (job.flags & HAS_UNDO) !== 0) {
    if (job.cancelAt === 0) undoAfterLast(view, job, outcome, now)
    else holdAfterLast(view, job, outcome, now)
    return
  }
  if (!outcome.retry || isLast) {
    const [row, result] = withResult(view, job, outcome.result, outcome.large)
    finish(view, row, { state: FAILED, result, error: outcome.error }, now)
    return
  }
  const delay = outcome.retryAfterMs ?? backoffMs(retry, job.tries, random)
  const rest = setDown(view, job, kindOf(outcome), outcome.error, now)
  releaseLimits(view, rest)
  view.jobs.put(place(view, { ...rest, taken: 0, dueAt: now + delay }, route, now))
}

function kindOf({ lost, error }: EncodedOutcome & { type: 'failed' }): string {
  return lost ? 'lost' : codeOf(error) === 'TIMEOUT' ? 'timeout' : 'failed'
}

/** No attempt is left to a run that has something to undo: it gets as many again, for that alone. */
function undoAfterLast(
  view: Tables,
  job: JobRow,
  outcome: EncodedOutcome & { type: 'failed' },
  now: number,
): void {
  const rest = setDown(view, job, kindOf(outcome), outcome.error, now)
  releaseLimits(view, rest)
  const again = place(view, { ...rest, taken: 0, tries: 0, dueAt: now }, view.routeById(job.route), now)
  view.jobs.put(again)
  stop(view, again, outcome.error, now, [])
}

/**
 * No try is left to a run that has not undone yet what it did. It is not over, and nobody but a person can know what to do
 * about it: it is held, and goes on undoing when it is released, with as many tries again.
 */
function holdAfterLast(
  view: Tables,
  job: JobRow,
  outcome: EncodedOutcome & { type: 'failed' },
  now: number,
): void {
  const error = heldError(notUndone(job, outcome.error), stoppedFor(job))
  const rest = setDown(view, job, kindOf(outcome), outcome.error, now)
  releaseLimits(view, rest)
  view.jobs.put({ ...rest, state: HELD, taken: 0, tries: 0, rank: 0, turn: 0, expireAt: 0, error })
}

/** How the last try to undo what a run did failed, and what that means. */
function notUndone({ id }: JobRow, error: string): string {
  const record = JSON.parse(error) as ErrorRecord
  const message = `${record.message} Not all that the run had done is undone, and that was its last try: it is held. 'perdure show ${id}' tells what is undone; the next undo did not end. Put right what keeps it from that and release the run, or end it as it is with 'perdure kill --no-undo ${id}'.`
  return JSON.stringify({ ...record, message })
}

/** Snoozed (with a delay) or released (without): the attempt does not count. */
function putBack(view: Tables, job: JobRow, delayMs: number | undefined, now: number): void {
  const route = view.routeById(job.route)
  const rest = setDown(view, job, delayMs === undefined ? 'released' : 'snoozed', null, now)
  const uncounted = { ...rest, tries: rest.tries - 1 }
  if (delayMs === undefined) {
    // Keeps its limits, and goes to the front of its key: it had been served before.
    const { turn } = queueOf(view, route.queue)
    const expireAt = expiryOf(view, job, route, now)
    view.jobs.put({
      ...uncounted,
      state: READY,
      line: readyLine(route.class),
      rank: job.priority,
      turn,
      expireAt,
    })
    return
  }
  releaseLimits(view, uncounted)
  view.jobs.put(place(view, { ...uncounted, taken: 0, dueAt: now + delayMs }, route, now))
}

/** Moves the latest attempt into the history, so that the row can stand for a job that is not running. */
function setDown(view: Tables, job: JobRow, outcome: string, error: string | null, now: number): JobRow {
  view.append.attempt(attemptOf(job, outcome, error, now))
  const flags = job.flags | HAS_HISTORY
  // Why it was cancelled is kept for the end of a run that still has to undo what it did.
  const kept = job.cancelAt === 0 ? error : job.error
  return { ...job, flags, line: 0, startedAt: 0, worker: 0, nonce: null, error: kept }
}

/** The row of the job's latest attempt, ended. */
export function attemptOf(job: JobRow, outcome: string, error: string | null, endedAt: number): AttemptRow {
  assert(job.startedAt !== 0, 'an attempt that ends has begun')
  return {
    job: job.id,
    number: job.attempt,
    worker: job.worker,
    startedAt: job.startedAt,
    endedAt,
    outcome,
    error,
  }
}

function withResult(
  view: Tables,
  job: JobRow,
  result: string | null,
  large: boolean,
): [JobRow, string | null] {
  if (!large || result === null) return [job, result]
  view.append.payload({ job: job.id, field: 'result', text: result })
  return [{ ...job, flags: job.flags | LARGE_RESULT }, null]
}

/** Whether a cancelled attempt was ended without its worker; see {@link forced}. */
function wasForced(job: JobRow): boolean {
  return job.error !== null && (JSON.parse(job.error) as ErrorRecord).data?.forced === true
}

/** A run that was stopped because its time was over, or its tries were, has failed, though it undid what it did. */
function stateOfStop({ error }: JobRow): typeof FAILED | typeof CANCELLED {
  return codeOf(error as string) === 'CANCELLED' ? CANCELLED : FAILED
}

/** Marks the error of an attempt that was ended without its worker. */
export function forced(error: ErrorRecord): ErrorRecord {
  return { ...error, data: { ...error.data, forced: true } }
}

function codeOf(error: string): string {
  return (JSON.parse(error) as ErrorRecord).code
}
