/**
 * due, expire, lose: what time does to jobs.
 */
import { type ErrorRecord, errorRecord, perdureError } from '../../errors.ts'
import { assert } from '../../std/assert.ts'
import { formatDuration } from '../../std/duration.ts'
import { beganAtOf, HAS_UNDO, type JobRow } from '../model/job.ts'
import { DUE_LINE } from '../model/line.ts'
import { CANCELLED, FAILED, isTerminal, RUNNING, SUSPENDED } from '../model/states.ts'
import { admit } from '../policy/admit.ts'
import { type FinishTables, finish, stop } from '../policy/finish.ts'
import { needHead } from '../policy/heads.ts'
import { fireTimers, wake } from '../policy/journal.ts'
import type { View } from '../view.ts'
import { forced, holdsLease, report } from './report.ts'

export interface DueCommand {
  readonly type: 'due'
  /** Most jobs to move on. */
  readonly most: number
}

/** Moves jobs on whose time has come. Answers how many; `most` means that there may be more. */
export function due(view: FinishTables & Pick<View, 'headSize'>, command: DueCommand, now: number): number {
  needHead(view, DUE_LINE, command.most)
  let moved = 0
  for (let position = 0; moved < command.most; position++) {
    const id = view.lineAt(DUE_LINE, position)
    if (id === undefined) return moved
    const job = view.jobs.get(id)
    if (job === undefined || job.line !== DUE_LINE) continue
    if (job.rank > now) return moved
    if (job.state === SUSPENDED) {
      fireTimers(view, job.id, now)
      wake(view, job, now)
    } else {
      view.jobs.put(admit(view, job, view.routeById(job.route), job.rank))
    }
    moved++
  }
  return moved
}

export interface ExpireCommand {
  readonly type: 'expire'
  readonly job: number
}

/** Ends a job that did not start in time; a run that has something to undo does that first. Answers whether it was late. */
export function expire(view: FinishTables, command: ExpireCommand, now: number): boolean {
  const job = view.jobs.get(command.job)
  if (job === undefined || isTerminal(job.state) || job.state === RUNNING) return false
  if (job.expireAt === 0 || job.expireAt > now) return false
  const { scheduleToStartMs, scheduleToCloseMs } = view.profileById(
    view.routeById(job.route).profile,
  ).timeouts
  const closed = scheduleToCloseMs !== 0 && beganAtOf(job) + scheduleToCloseMs <= now
  const text = JSON.stringify(tooLate(job, closed, closed ? scheduleToCloseMs : scheduleToStartMs))
  if ((job.flags & HAS_UNDO) !== 0) stop(view, job, text, now, NO_LIMITS)
  else finish(view, job, { state: FAILED, result: null, error: text }, now)
  return true
}

function tooLate({ id, restarts }: JobRow, closed: boolean, ms: number): ErrorRecord {
  const begin = restarts === 0 ? 'its enqueue' : 'its restart'
  const span = formatDuration(ms)
  const error = perdureError('TIMEOUT', {
    expected: `job ${id} to ${closed ? `end within ${span} of ${begin}` : `start within ${span} of being due`}`,
    found: 'it waiting',
    fix: 'Allow it longer, or add workers',
    data: { limit: closed ? 'schedule-to-close' : 'schedule-to-start' },
  })
  return errorRecord(error)
}

/** A run that undoes what it did gives nothing back yet. */
const NO_LIMITS: number[] = []

export interface LoseCommand {
  readonly type: 'lose'
  readonly job: number
  readonly attempt: number
  readonly nonce: string
  /** Why nobody waits for its report any more. */
  readonly cause: 'lost' | 'timeout' | 'cancel'
  readonly random: number
}

/** Ends an attempt without its worker. A report that was accepted first wins, since the token no longer fits (L6). */
export function lose(view: FinishTables, command: LoseCommand, now: number): boolean {
  const job = view.jobs.get(command.job)
  if (!holdsLease(job, command.attempt, command.nonce)) return false
  const undoes = (job.flags & HAS_UNDO) !== 0 && command.cause !== 'cancel'
  if (job.cancelAt !== 0 && !undoes) {
    const error = JSON.stringify(forcedEnd(job, command.cause))
    finish(view, job, { state: CANCELLED, result: null, error }, now)
    return true
  }
  const { job: id, attempt, nonce, random } = command
  // Only a job that was cancelled is given up because of it, and a cancel lasts.
  assert(command.cause !== 'cancel', 'an attempt that is ended by a cancel was cancelled')
  const outcome = {
    type: 'failed',
    error: JSON.stringify(lossOf(job, command.cause)),
    result: null,
    large: false,
    retry: true,
    retryAfterMs: undefined,
    lost: command.cause === 'lost',
  } as const
  return report(view, { type: 'report', job: id, attempt, nonce, outcome, random }, now)
}

/** Why a job was cancelled, and that its attempt did not stop by itself. */
function forcedEnd(job: JobRow, cause: LoseCommand['cause']): ErrorRecord {
  const why = JSON.parse(job.error as string) as ErrorRecord
  const how = {
    lost: 'its worker went away',
    timeout: 'it ran out of its time',
    cancel: 'it did not stop in time',
  }
  const message = `${why.message} Attempt ${job.attempt} was ended by force: ${how[cause]}.`
  return forced({ ...why, message })
}

function lossOf(job: JobRow, cause: 'lost' | 'timeout'): ErrorRecord {
  if (cause === 'lost') {
    return {
      code: 'WORKER_LOST',
      message: `The worker that ran this attempt went away: expected heartbeats of attempt ${job.attempt}; found none for its whole lease. See the log of the worker's host.`,
    }
  }
  return {
    code: 'TIMEOUT',
    message: `A time limit ran out: expected attempt ${job.attempt} to end in time; found it still running after its grace. Allow it longer, or let the handler obey its signal.`,
  }
}
