/**
 * How an attempt of a workflow run ends without the run having ended: it waits, begins anew, or needs a person.
 * None of these counts against the run's tries.
 */
import type { ErrorRecord } from '../../errors.ts'
import { assert } from '../../std/assert.ts'
import { HAS_DEPENDENTS, HAS_HISTORY, HAS_UNDO, IS_TICKET, type JobRow, LARGE_INPUT } from '../model/job.ts'
import type { RunRow } from '../model/journal.ts'
import { DUE_LINE, NO_LINE, readyLine } from '../model/line.ts'
import { HELD, READY, SUSPENDED } from '../model/states.ts'
import { expiryOf, place, releaseLimits } from './admit.ts'
import { queueOf } from './fairness.ts'
import { EDGE_RUN, type FinishTables } from './finish.ts'
import { fireTimers, nextDueAt, runOf } from './journal.ts'
import { unlock } from './lock.ts'

/**
 * A row that stands for no attempt, and that begins to count tries anew: workers were lost before, and the run got on all the
 * same. What went wrong has been got over; why it was cancelled has not.
 */
function unleased(job: JobRow): JobRow {
  const error = job.cancelAt === 0 ? null : job.error
  return { ...job, tries: 0, line: NO_LINE, startedAt: 0, worker: 0, nonce: null, error }
}

/**
 * The run waits, with no lease, worker or slot. Where something has settled that its code has not seen, it goes on at
 * once instead: nobody would wake it for that any more (W6).
 */
export function suspend(view: FinishTables, job: JobRow, seen: number, now: number): void {
  fireTimers(view, job.id, now)
  const run = runOf(view, job.id)
  if (run.length > seen) giveBack(view, job, now)
  else view.jobs.put(asleep(view, job, run))
}

/** To the front of its key, with its limits: it had been served before. */
function giveBack(view: FinishTables, job: JobRow, now: number): void {
  const route = view.routeById(job.route)
  view.jobs.put({
    ...unleased(job),
    state: READY,
    line: readyLine(route.class),
    rank: job.priority,
    turn: queueOf(view, route.queue).turn,
    expireAt: expiryOf(view, job, route, now),
  })
}

function asleep(view: FinishTables, job: JobRow, run: RunRow): JobRow {
  releaseLimits(view, job)
  const expireAt = expiryOf(view, job, view.routeById(job.route), Infinity)
  const row: JobRow = { ...unleased(job), state: SUSPENDED, taken: 0, rank: 0, turn: 0, expireAt }
  const due = nextDueAt(run)
  return due === Infinity ? row : { ...row, line: DUE_LINE, rank: due, turn: job.priority }
}

/** The run waits for a person, who releases it once what is wrong was put right. */
export function pause(view: FinishTables, job: JobRow, error: string, now: number): void {
  assert(job.startedAt !== 0, 'an attempt that ends has begun')
  const { id, attempt: number, worker, startedAt } = job
  view.append.attempt({ job: id, number, worker, startedAt, endedAt: now, outcome: 'paused', error })
  releaseLimits(view, job)
  const expireAt = expiryOf(view, job, view.routeById(job.route), Infinity)
  const flags = job.flags | HAS_HISTORY
  const told = heldError(error, stoppedFor(job))
  view.jobs.put({ ...unleased(job), state: HELD, taken: 0, rank: 0, turn: 0, expireAt, flags, error: told })
}

/** What is told of a run while it is held: what is wrong, and, of one that was stopped before, why (`data.stopped`, JSON text). */
export function heldError(error: string, stopped: string | null): string {
  if (stopped === null) return error
  const record = JSON.parse(error) as ErrorRecord
  return JSON.stringify({ ...record, data: { ...record.data, stopped } })
}

/** Why a run was stopped, held since or not, as JSON text of an ErrorRecord; null where it was not. */
export function stoppedFor(job: JobRow): string | null {
  if (job.cancelAt === 0) return null
  const { data } = JSON.parse(job.error as string) as ErrorRecord
  return (data?.stopped as string | undefined) ?? job.error
}

/** The input with which a run begins anew, as JSON text; `large` says that it goes to the payload table. */
export interface NewInput {
  readonly input: string | null
  readonly large: boolean
}

/** The run begins anew with another input, through its limits; signals that wait are kept, locks and places in lines for them are not. */
export function continueAsNew(view: FinishTables, job: JobRow, input: NewInput, now: number): void {
  unlockAll(view, job, now)
  const anew = leaveBehind(view, job, input)
  releaseLimits(view, anew)
  const fresh: JobRow = { ...unleased(anew), taken: 0, dueAt: now }
  view.jobs.put(place(view, fresh, view.routeById(job.route), now))
}

function unlockAll(view: FinishTables, run: JobRow, now: number): void {
  if ((run.flags & HAS_DEPENDENTS) === 0) return
  const members = view.dependents.members(run.id).filter(([, value]) => value === EDGE_RUN)
  view.jobs.need(members.map(([id]) => id))
  for (const [id] of members) {
    const job = view.jobs.get(id)
    if (job !== undefined && (job.flags & IS_TICKET) !== 0) unlock(view, run, job, now)
  }
}

/** What the run's journal says so far, and could undo, is forgotten: it would begin with another input. Answers its row. */
export function leaveBehind(view: FinishTables, job: JobRow, { input, large }: NewInput): JobRow {
  const run = runOf(view, job.id)
  view.append.cutJournal({ run: job.id, before: run.length, failures: false })
  view.runs.put({ ...run, start: run.length, waits: null, origin: run.length })
  if (large || (job.flags & LARGE_INPUT) !== 0)
    view.append.payload({ job: job.id, field: 'input', text: large ? input : null })
  const kept = job.flags & ~(LARGE_INPUT | HAS_UNDO)
  const flags = large ? kept | LARGE_INPUT : kept
  return { ...job, flags, input: large ? null : input }
}
