/**
 * import: takes over jobs from another system with their past: times, end, earlier attempts.
 */
import type { PerdureError } from '../../errors.ts'
import {
  blankJob,
  HAS_HISTORY,
  HAS_KEY,
  HAS_RUN,
  HAS_UNDO,
  type JobRow,
  LARGE_INPUT,
  LARGE_RESULT,
} from '../model/job.ts'
import { blankRun, DONE, heldLocks, type JournalRow, LOCK } from '../model/journal.ts'
import type { RouteRow } from '../model/rows.ts'
import { HELD, isTerminal, type StateCode, SUCCEEDED } from '../model/states.ts'
import { expiryOf, place } from '../policy/admit.ts'
import { conclude } from '../policy/finish.ts'
import { append, runOf } from '../policy/journal.ts'
import { claimKeys, REPLACED } from '../policy/keys.ts'
import { internFairKeys, internLimits } from '../policy/limits.ts'
import { internRoute, needRoutes } from '../policy/route.ts'
import { intern } from '../view.ts'
import type { EnqueueReply, EnqueueTables, NewJob } from './enqueue.ts'

/** An ended attempt of the past. */
export interface PastAttempt {
  readonly number: number
  readonly worker: string
  readonly startedAt: number
  readonly endedAt: number
  readonly outcome: string
  readonly error: string | null
}

/** A row of the journal of the past; they are numbered anew. */
export interface PastEntry extends Pick<JournalRow, 'position' | 'kind' | 'state' | 'name' | 'value' | 'at'> {
  /** Something was taken out before it. */
  readonly isBehindGap: boolean
}

/** A job with its past. `state` is an end, HELD, or anything else for "to be run". */
export interface PastJob {
  readonly job: NewJob
  readonly createdAt: number
  readonly state: StateCode
  readonly finishedAt: number
  readonly result: string | null
  readonly largeResult: boolean
  readonly error: string | null
  readonly history: readonly PastAttempt[]
  /** What a workflow run has done already: everything in it that opens has settled. */
  readonly journal: readonly PastEntry[]
}

export interface ImportCommand {
  readonly type: 'import'
  readonly jobs: readonly PastJob[]
}

export function importJobs(
  view: EnqueueTables,
  command: ImportCommand,
  now: number,
): EnqueueReply | PerdureError {
  const jobs = command.jobs.map((past) => past.job)
  needRoutes(view, new Set(jobs.map((job) => job.route)))
  const routes = jobs.map((job) => internRoute(view, job.route))
  const claimed = claimKeys(view, jobs, routes, now)
  if (!('ids' in claimed)) return claimed
  const { ids, created } = claimed
  const limits = internLimits(view, jobs, routes, created, claimed.freed)
  const fairKeys = internFairKeys(view, jobs, routes, created)
  conclude(view, claimed.ended, claimed.freed, now)
  command.jobs.forEach((past, i) => {
    if (!created[i]) return
    const shared = { limits: limits[i] as string | null, fairKey: fairKeys[i] as number }
    importOne(view, past, ids[i] as number, routes[i] as RouteRow, shared, now)
  })
  return { ids, created }
}

function importOne(
  view: EnqueueTables,
  past: PastJob,
  id: number,
  route: RouteRow,
  shared: Pick<JobRow, 'limits' | 'fairKey'>,
  now: number,
): void {
  const { job, history, journal } = past
  const isReplaced = job.claims !== null && isTerminal((view.jobs.get(id) as JobRow).state)
  if (job.largeInput) view.append.payload({ job: id, field: 'input', text: job.input as string })
  if (past.largeResult) view.append.payload({ job: id, field: 'result', text: past.result as string })
  for (const [name, value] of Object.entries(job.metadata ?? {})) {
    view.append.metadata({ job: id, namespace: route.namespace, name, value })
  }
  for (const attempt of history) {
    const { worker, ...rest } = attempt
    view.append.attempt({ job: id, ...rest, worker: intern(view, 'worker', worker) })
  }
  const row: JobRow = {
    ...blankJob(id, route.id, past.createdAt),
    ...shared,
    parent: job.parent,
    metadata: job.metadata === null ? null : JSON.stringify(job.metadata),
    input: job.largeInput ? null : job.input,
    hint: job.hint,
    priority: job.priority,
    dueAt: job.dueAt,
    // a first attempt has no journal to read, so this one counts as made
    attempt: history.reduce((most, attempt) => Math.max(most, attempt.number), journal.length > 0 ? 1 : 0),
    flags:
      (job.largeInput ? LARGE_INPUT : 0) |
      (job.claims === null ? 0 : HAS_KEY) |
      (past.largeResult ? LARGE_RESULT : 0) |
      (history.length > 0 ? HAS_HISTORY : 0) |
      // whether any of it is to be undone only its code knows
      (journal.length > 0 ? HAS_RUN | HAS_UNDO : 0),
  }
  if (journal.length > 0) writePast(view, id, journal)
  if (isReplaced) view.jobs.put({ ...row, ...REPLACED, finishedAt: now })
  else view.jobs.put(withState(view, row, past, route, now))
}

/**
 * Writes what a run has done. As a restart does, it leaves a number out: not all that came before what is written from here on
 * need have come along. Locks that it has there are another's: they are got again where they were first got.
 */
function writePast(view: EnqueueTables, id: number, journal: readonly PastEntry[]): void {
  const held = heldLocks(journal)
  const got = new Set<number>()
  view.runs.begin(id)
  view.runs.put(blankRun(id))
  let isGap = false
  for (const { isBehindGap, ...entry } of journal) {
    const { kind, state, position, at } = entry
    const isHeld = kind === LOCK && held.has(position)
    isGap ||= isBehindGap
    if (isHeld && got.has(position)) continue
    if (isHeld && state === DONE) got.add(position)
    if (isGap) leaveOut(view, id)
    isGap = false
    append(view, runOf(view, id), isHeld ? { ...entry, value: null } : entry, at)
  }
  leaveOut(view, id)
}

/** A number of the journal is given to no row. */
function leaveOut(view: EnqueueTables, id: number): void {
  const run = runOf(view, id)
  view.runs.put({ ...run, length: run.length + 1, start: run.length + 1 })
}

function withState(view: EnqueueTables, row: JobRow, past: PastJob, route: RouteRow, now: number): JobRow {
  if (past.state === HELD) return { ...row, state: HELD, expireAt: expiryOf(view, row, route, Infinity) }
  if (!isTerminal(past.state)) {
    // A group has nothing to run, and an imported one nothing to wait for.
    return route.kind === 0 ? { ...row, state: SUCCEEDED, finishedAt: now } : place(view, row, route, now)
  }
  const result = past.largeResult ? null : past.result
  return { ...row, state: past.state, finishedAt: endOf(past), result, error: past.error }
}

/** When a job of the past ended: as it says, else with its last attempt. Retention counts from there. */
function endOf({ finishedAt, createdAt, history }: PastJob): number {
  if (finishedAt !== 0) return finishedAt
  return history.reduce((last, attempt) => Math.max(last, attempt.endedAt), createdAt)
}
