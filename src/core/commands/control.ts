/**
 * The verbs of an operator over one job: cancel, terminate, restart, expedite, hold, release, snooze, delete, reprioritize,
 * repin.
 * Each refusal names the state that it found.
 */
import type { PerdureError } from '../../errors.ts'
import { HAS_CANCEL, HAS_HISTORY, HAS_UNDO, type JobRow, LARGE_RESULT } from '../model/job.ts'
import { DUE_LINE, NO_LINE } from '../model/line.ts'
import { noSuchJob, wrongState } from '../model/refusal.ts'
import type { RouteRow } from '../model/rows.ts'
import {
  BLOCKED,
  CANCELLED,
  FAILED,
  HELD,
  isTerminal,
  READY,
  RUNNING,
  SCHEDULED,
  type StateCode,
  SUCCEEDED,
  WAITING,
} from '../model/states.ts'
import { admit, expiryOf, leaveLine, place, releaseLimits } from '../policy/admit.ts'
import { conclude, type FinishTables, finish, settleOwn, stop } from '../policy/finish.ts'
import { runOf } from '../policy/journal.ts'
import { claimAgain } from '../policy/keys.ts'
import { stoppedFor } from '../policy/suspend.ts'
import type { View } from '../view.ts'
import { type RepinTables, repin } from './repin.ts'
import { attemptOf } from './report.ts'
import { terminate } from './terminate.ts'

/** What a verb did: the state after it (undefined when deleted), and whether anything changed. */
export interface ControlReply {
  readonly state: StateCode | undefined
  readonly changed: boolean
}

export type ControlCommand = { readonly type: 'control'; readonly job: number } & (
  | {
      readonly verb: 'cancel'
      /** Why, as JSON text of an ErrorRecord. */
      readonly error: string
      /** A running attempt that was asked before is asked again: sooner, or with another signal. */
      readonly insists?: boolean
    }
  /** `error`: why, as JSON text of an ErrorRecord. */
  | { readonly verb: 'terminate'; readonly error: string }
  | { readonly verb: 'restart' | 'expedite' | 'hold' | 'release' | 'delete' }
  | { readonly verb: 'snooze'; readonly delayMs: number }
  | { readonly verb: 'reprioritize'; readonly priority: number }
  /** Without a version: any. */
  | { readonly verb: 'repin'; readonly version: string | undefined }
)

type Tables = FinishTables & RepinTables & Pick<View, 'keys'>
type Answer = ControlReply | PerdureError

export function control(view: Tables, command: ControlCommand, now: number): Answer {
  const job = view.jobs.get(command.job)
  if (job === undefined) {
    return command.verb === 'delete' ? { state: undefined, changed: false } : noSuchJob(command.job)
  }
  switch (command.verb) {
    case 'cancel':
      return cancel(view, job, command.error, command.insists === true, now)
    case 'terminate':
      return terminate(view, job, command.error, now)
    case 'restart':
      return restart(view, job, now)
    case 'expedite':
      return expedite(view, job, now)
    case 'hold':
      return hold(view, job)
    case 'release':
      return release(view, job, now)
    case 'delete':
      return remove(view, job, now)
    case 'snooze':
      return snooze(view, job, command.delayMs, now)
    case 'reprioritize':
      return reprioritize(view, job, command.priority)
    case 'repin':
      return repin(view, job, command.version)
  }
}

/**
 * Ends a job that is not running; asks a running one, whose success still wins when it is reported first. The row
 * keeps why, until the attempt has ended; the first reason stands.
 */
function cancel(view: Tables, job: JobRow, error: string, insists: boolean, now: number): Answer {
  if (job.state === SUCCEEDED || job.state === FAILED) {
    return wrongState('cancel', job, 'live', 'Nothing is left to cancel; read its result instead')
  }
  if (job.state === CANCELLED) return same(job)
  if (job.cancelAt !== 0) {
    if (job.state !== RUNNING || !insists) return same(job)
    return done(view, { ...job, cancelAt: Math.max(now, job.cancelAt + 1) })
  }
  const freed: number[] = []
  const ended = stop(view, job, error, now, freed)
  if (ended !== undefined) conclude(view, [ended], freed, now)
  return { state: (view.jobs.get(job.id) as JobRow).state, changed: true }
}

/** A fresh set of tries and a fresh time limit, through the limits; attempts go on counting. It is unique again, or refused. */
function restart(view: Tables, ended: JobRow, now: number): Answer {
  if (ended.state !== FAILED && ended.state !== CANCELLED) {
    return wrongState('restart', ended, 'failed or cancelled', 'Wait for its end, or expedite it')
  }
  const route = view.routeById(ended.route)
  const duplicate = claimAgain(view, route.namespace, ended, now)
  if (duplicate !== undefined) return duplicate
  // Whoever depends on it meets the end that it had.
  const job = settleOwn(view, ended, now)
  const ran = job.startedAt !== 0
  if (job.attempt > 0) beginAgain(view, job)
  if (ran) {
    const outcome = job.state === CANCELLED ? 'cancelled' : 'failed'
    view.append.attempt(attemptOf(job, outcome, job.error, job.finishedAt))
  }
  if ((job.flags & LARGE_RESULT) !== 0) view.append.payload({ job: job.id, field: 'result', text: null })
  const fresh: JobRow = {
    ...job,
    dueAt: now,
    tries: 0,
    // What had been undone is done again; steps that had failed are tried again.
    flags: (ran ? job.flags | HAS_HISTORY : job.flags) & ~(LARGE_RESULT | HAS_UNDO | HAS_CANCEL),
    worker: 0,
    startedAt: 0,
    finishedAt: 0,
    cancelAt: 0,
    restarts: job.restarts + 1,
    restartedAt: now,
    result: null,
    error: null,
  }
  return putInPlace(view, fresh, route, now)
}

/**
 * What a workflow run recorded stands, but for what failed, which is tried again. Where it was undone, or may have been,
 * everything is done again.
 */
function beginAgain(view: Tables, job: JobRow): void {
  const run = runOf(view, job.id)
  if (run.length === 0) return
  const isUndone = (job.flags & HAS_UNDO) !== 0
  view.append.cutJournal({ run: job.id, before: isUndone ? run.length : 0, failures: !isUndone })
  // The number that is left out tells a worker that had the journal to its end that it has changed behind its back.
  const start = run.length + 1
  const kept = isUndone ? { waits: null, origin: start } : {}
  view.runs.put({ ...run, ...kept, length: start, start })
}

/** Runs a job whose time has not come; keeps attempt and priority. */
function expedite(view: Tables, job: JobRow, now: number): Answer {
  if (job.state === READY || job.state === WAITING) return same(job)
  if (job.state !== SCHEDULED) {
    return wrongState('expedite', job, 'scheduled', 'Only a job whose time has not come can be expedited')
  }
  return done(view, admit(view, job, view.routeById(job.route), now))
}

/** Puts a job aside, without its limits, until it is released. The time for the whole job goes on: that is its caller's. */
function hold(view: Tables, job: JobRow): Answer {
  if (job.state === HELD) return same(job)
  if (isTerminal(job.state) || job.state === RUNNING) {
    return wrongState('hold', job, 'live and not running', 'Cancel a running job instead')
  }
  leaveLine(view, job)
  const expireAt = expiryOf(view, job, view.routeById(job.route), Infinity)
  const row: JobRow = { ...job, state: HELD, line: NO_LINE, rank: 0, turn: 0, taken: 0, expireAt }
  view.jobs.put(row)
  releaseLimits(view, job)
  return { state: HELD, changed: true }
}

function release(view: Tables, job: JobRow, now: number): Answer {
  if (job.state !== HELD) return wrongState('release', job, 'held', 'Hold it first')
  // One that was stopped, and held while it undid what it did, ends as what it was stopped for says.
  const row = job.cancelAt === 0 ? job : { ...job, error: stoppedFor(job) }
  return putInPlace(view, row, view.routeById(job.route), now)
}

/** Puts a job where it belongs; a group whose dependencies have all ended has nothing to wait for. */
function putInPlace(view: Tables, job: JobRow, route: RouteRow, now: number): ControlReply {
  if (route.kind !== 0 || job.pending > 0) return done(view, place(view, job, route, now))
  finish(view, job, { state: SUCCEEDED, result: null, error: null }, now)
  return { state: SUCCEEDED, changed: true }
}

/** Takes ended jobs only. */
function remove(view: Tables, job: JobRow, now: number): Answer {
  if (!isTerminal(job.state)) return wrongState('delete', job, 'ended', 'Cancel it first')
  settleOwn(view, job, now)
  view.jobs.remove(job.id)
  view.append.purge(job.id)
  return { state: undefined, changed: true }
}

/** Not before `delayMs` from now, for a job that is not running. */
function snooze(view: Tables, job: JobRow, delayMs: number, now: number): Answer {
  if (job.state !== READY && job.state !== WAITING && job.state !== SCHEDULED && job.state !== BLOCKED) {
    return wrongState(
      'snooze',
      job,
      'waiting to run',
      'A running handler snoozes itself; a held job is released first',
    )
  }
  leaveLine(view, job)
  const row = { ...job, dueAt: now + delayMs, line: NO_LINE, taken: 0 }
  view.jobs.put(row)
  releaseLimits(view, job)
  return done(view, place(view, row, view.routeById(job.route), now))
}

/** Moves a job within its line; one that runs or ended keeps its place in history. */
function reprioritize(view: Tables, job: JobRow, priority: number): Answer {
  if (isTerminal(job.state) || job.state === RUNNING) {
    return wrongState('reprioritize', job, 'waiting to run', 'The priority no longer matters')
  }
  if (job.priority === priority) return same(job)
  if (job.state === READY || job.state === WAITING) return done(view, { ...job, priority, rank: priority })
  if (job.line === DUE_LINE) return done(view, { ...job, priority, turn: priority })
  return done(view, { ...job, priority })
}

function done(view: Tables, row: JobRow): ControlReply {
  view.jobs.put(row)
  return { state: row.state, changed: true }
}

const same = (job: JobRow): ControlReply => ({ state: job.state, changed: false })
