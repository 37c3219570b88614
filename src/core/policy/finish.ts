/**
 * The end of a job, and what follows from it: its limits are handed on, its edges settle, and dependents that end
 * because of it end too. A few levels and edges are settled in the same change; of more than that, a mark is left
 * with the jobs that have edges to settle, and further commands go on with them.
 */
import type { ErrorRecord } from '../../errors.ts'
import { HAS_CANCEL, HAS_DEPENDENTS, HAS_UNDO, IS_TICKET, type JobRow, LARGE_RESULT } from '../model/job.ts'
import { BROKEN, CHILD, childName, DONE, LOCK } from '../model/journal.ts'
import { NO_LINE, SETTLE_LINE } from '../model/line.ts'
import {
  BLOCKED,
  CANCELLED,
  FAILED,
  isTerminal,
  RUNNING,
  type StateCode,
  SUCCEEDED,
  stateName,
} from '../model/states.ts'
import type { View } from '../view.ts'
import { dropLimits, grantAll, leaveLine, place } from './admit.ts'
import { cancelEntry, type Entry, type JournalTables, settleFromOutside } from './journal.ts'

export type FinishTables = JournalTables & Pick<View, 'dependents'>

/** What an edge does when its dependency does not succeed; the numbers are stored. */
export const EDGE_FAIL = 0
export const EDGE_CANCEL = 1
export const EDGE_RUN = 2
/** The member was made by the owner, a workflow run, and is cancelled when that ends. */
export const EDGE_CLOSE = 3
/** From here on: the member is a run that waits for the owner, at the position that is added to this. */
export const EDGE_ENTRY = 16

/**
 * Edges that one command settles at most, and levels of jobs that end in it because of others: bounds what is in
 * memory, and how often it is applied anew because something has to be read.
 */
export const MOST_EDGES = 2_000
const MOST_LEVELS = 3

/** How a job ends. */
export interface Ending {
  readonly state: typeof SUCCEEDED | typeof FAILED | typeof CANCELLED
  readonly result: string | null
  readonly error: string | null
}

/** Ends a job and everything that ends with it. */
export function finish(view: FinishTables, job: JobRow, ending: Ending, now: number): void {
  // Most jobs hold no limit and have nobody who waits for them.
  if (job.taken === 0 && (job.flags & HAS_DEPENDENTS) === 0) {
    end(view, job, ending, now, NO_LIMITS)
    return
  }
  const freed: number[] = []
  const row = end(view, job, ending, now, freed)
  conclude(view, [row], freed, now)
}

/** What follows from ends: limits that became free are handed on, then edges settle. */
export function conclude(
  view: FinishTables,
  ended: readonly JobRow[],
  freed: readonly number[],
  now: number,
): void {
  grantAll(view, freed)
  settle(view, ended, now, MOST_LEVELS, MOST_EDGES)
}

/** Ends one job: a terminal row that holds nothing (C3). The caller has to {@link conclude}. */
export function end(view: FinishTables, job: JobRow, ending: Ending, now: number, freed: number[]): JobRow {
  leaveLine(view, job)
  const row: JobRow = {
    ...job,
    state: ending.state,
    line: NO_LINE,
    rank: 0,
    turn: 0,
    taken: 0,
    expireAt: 0,
    finishedAt: now,
    nonce: null,
    result: ending.result,
    error: ending.error,
  }
  view.jobs.put(row)
  dropLimits(view, job, freed)
  return row
}

/**
 * Settles the edges of ended jobs, and of those that end because of them, nearest first. Whoever has edges left
 * at a bound stands in the line of those whose edges wait, where {@link resume} finds them (K2).
 *
 * @param levels How far it goes: 1 for the edges of these jobs only.
 * @param most Edges to settle.
 */
function settle(
  view: FinishTables,
  ended: readonly JobRow[],
  now: number,
  levels: number,
  most: number,
): void {
  let level = ended.filter(hasDependents)
  let left = most
  const freed: number[] = []
  for (let depth = 0; depth < levels && left > 0 && level.length > 0; depth++) {
    const next: JobRow[] = []
    const edges = edgesOf(view, level, left)
    for (const [at, job] of level.entries()) {
      const own = edges[at] as Edges
      for (const [dependent, policy] of own) {
        view.dependents.remove(job.id, dependent)
        if (policy >= EDGE_ENTRY) settleEntry(view, job, dependent, policy - EDGE_ENTRY, now)
        else if (policy === EDGE_CLOSE) closeChild(view, job, dependent, now, next, freed)
        else settleEdge(view, job, dependent, policy, now, next)
      }
      left -= own.length
      if (view.dependents.size(job.id) > 0) next.push(job)
    }
    level = next
  }
  grantAll(view, freed)
  for (const { id } of level) {
    // Another edge to it may have settled since it ended.
    const job = view.jobs.get(id) as JobRow
    view.jobs.put({ ...job, line: SETTLE_LINE, rank: now })
  }
}

type Edges = readonly (readonly [dependent: number, policy: number])[]

/** The first edges of each job, `most` together. Everything that they lead to is asked for at once. */
function edgesOf(view: FinishTables, level: readonly JobRow[], most: number): Edges[] {
  if (level.length > 1) view.dependents.need(level.map((job) => job.id))
  const wanted: number[] = []
  const runs: number[] = []
  const edges = level.map((job) => {
    const own = view.dependents.members(job.id, most - wanted.length)
    for (const [dependent, policy] of own) {
      wanted.push(dependent)
      if (policy >= EDGE_CLOSE) runs.push(dependent)
    }
    return own
  })
  view.jobs.need(wanted)
  if (runs.length > 0) view.runs.need(runs)
  return edges
}

/** Makes `member` follow from the end of `owner`, in the way that `value` says. */
export function link(view: FinishTables, ownerId: number, member: number, value: number): void {
  const owner = view.jobs.get(ownerId) as JobRow
  if ((owner.flags & HAS_DEPENDENTS) === 0) {
    view.dependents.begin(ownerId)
    view.jobs.put({ ...owner, flags: owner.flags | HAS_DEPENDENTS })
  }
  view.dependents.add(ownerId, member, value)
}

const hasDependents = (job: JobRow): boolean => (job.flags & HAS_DEPENDENTS) !== 0

/** One edge of an ended job, which the caller has taken out. Notes the dependent where it ends too. */
export function settleEdge(
  view: FinishTables,
  dependency: JobRow,
  dependent: number,
  policy: number,
  now: number,
  ended: JobRow[],
): void {
  const job = view.jobs.get(dependent)
  if (job === undefined) return
  const row = { ...job, pending: job.pending - 1 }
  if (isTerminal(job.state)) {
    view.jobs.put(row)
    return
  }
  const after =
    dependency.state === SUCCEEDED || policy === EDGE_RUN
      ? moveOn(view, row, now)
      : end(view, row, endingBecauseOf(dependency, policy), now, NO_LIMITS)
  if (after !== undefined && hasDependents(after)) ended.push(after)
}

/** A job that a run waits for has ended: the run's journal says how. */
function settleEntry(view: FinishTables, child: JobRow, id: number, position: number, now: number): void {
  const run = view.jobs.get(id)
  if (run === undefined) return
  if ((child.flags & IS_TICKET) !== 0) {
    if (hasLeftLine(view, child.id, id)) return
    settleFromOutside(view, run, { position, kind: LOCK, state: DONE, name: '', value: null }, now)
    return
  }
  // The run's end need not look for this one any more.
  view.dependents.remove(id, child.id)
  settleFromOutside(view, run, childEnd(child, position), now)
}

/**
 * Whether a run wants the lock no more that it got in line for behind a ticket. It may have begun anew since, and its positions
 * then stand for other things.
 */
function hasLeftLine(view: FinishTables, before: number, run: number): boolean {
  return view.dependents.members(before).some(([own]) => {
    const job = view.jobs.get(own)
    const isItsTicket = job !== undefined && (job.flags & IS_TICKET) !== 0 && job.parent === run
    return isItsTicket && !view.dependents.has(run, own)
  })
}

/** What a journal says of the end of a job that its run waits for. */
export function childEnd(child: JobRow, position: number): Entry {
  const isDone = child.state === SUCCEEDED
  return {
    position,
    kind: CHILD,
    state: isDone ? DONE : BROKEN,
    // Tells it from another job that the run asks for at this position after it began anew.
    name: childName(child.id),
    value: isDone ? child.result : child.error,
    copyOf: isDone && (child.flags & LARGE_RESULT) !== 0 ? child.id : 0,
  }
}

/** The run that made a job has ended, and the job is of no more use. */
function closeChild(
  view: FinishTables,
  run: JobRow,
  id: number,
  now: number,
  ended: JobRow[],
  freed: number[],
): void {
  const child = view.jobs.get(id)
  if (child === undefined || isTerminal(child.state)) return
  const error: ErrorRecord = {
    code: 'CANCELLED',
    message: `The job was cancelled: job ${run.id}, which had started it, ended before it.`,
    data: { parent: run.id },
  }
  const after = stop(view, child, JSON.stringify(error), now, freed)
  if (after !== undefined && hasDependents(after)) ended.push(after)
}

/**
 * Cancels a live job. One that runs is asked to stop, and a run that has something to undo is woken for that; any other
 * ends at once. Answers the row of one that ended; the caller has to {@link conclude}.
 */
export function stop(
  view: FinishTables,
  job: JobRow,
  error: string,
  now: number,
  freed: number[],
): JobRow | undefined {
  const hasUndo = (job.flags & HAS_UNDO) !== 0
  if (job.state !== RUNNING && !hasUndo) {
    return end(view, { ...job, cancelAt: now }, { state: CANCELLED, result: null, error }, now, freed)
  }
  if (job.cancelAt !== 0) return undefined
  const asked: JobRow = {
    ...job,
    cancelAt: now,
    expireAt: 0,
    error,
    flags: hasUndo ? job.flags | HAS_CANCEL : job.flags,
  }
  view.jobs.put(asked)
  if (hasUndo) settleFromOutside(view, asked, cancelEntry(error), now)
  return undefined
}

/**
 * Goes on with edges that were left to wait.
 *
 * @param jobs Some of those that stand in the line.
 * @param levels How far it goes, at least as far as any end goes at once.
 */
export function resume(view: FinishTables, jobs: readonly JobRow[], now: number, levels: number): void {
  settle(
    view,
    jobs.map((job) => takeOut(view, job)),
    now,
    Math.max(levels, MOST_LEVELS),
    MOST_EDGES,
  )
}

/** Settles what waits of a job's own edges, for one that is about to be ended no more. Answers its row. */
export function settleOwn(view: FinishTables, job: JobRow, now: number): JobRow {
  if (job.line !== SETTLE_LINE) return job
  const row = takeOut(view, job)
  settle(view, [row], now, 1, Infinity)
  return row
}

function takeOut(view: FinishTables, job: JobRow): JobRow {
  const row = { ...job, line: NO_LINE, rank: 0 }
  view.jobs.put(row)
  return row
}

/** For jobs that wait for others, which hold no limit. */
const NO_LIMITS: number[] = []

/** The last settled edge moves the dependent on; a group has nothing to run and succeeds. */
function moveOn(view: FinishTables, row: JobRow, now: number): JobRow | undefined {
  if (row.pending > 0 || row.state !== BLOCKED) {
    view.jobs.put(row)
    return undefined
  }
  const route = view.routeById(row.route)
  if (route.kind === 0) return end(view, row, { state: SUCCEEDED, result: null, error: null }, now, NO_LIMITS)
  view.jobs.put(place(view, row, route, now))
  return undefined
}

/** How a dependent ends because a dependency did not succeed, with the cause told. */
export function endingBecauseOf(dependency: JobRow, policy: number): Ending {
  const cause = stateName(dependency.state as StateCode)
  const error: ErrorRecord = {
    code: 'DEPENDENCY_FAILED',
    message:
      `A job that this one depends on did not succeed: expected job ${dependency.id} to succeed; ` +
      `found that it ${cause === 'failed' ? 'failed' : 'was cancelled'}. Restart job ${dependency.id}, then this one.`,
    data: { dependency: dependency.id, cause: codeOf(dependency.error) },
  }
  return { state: policy === EDGE_CANCEL ? CANCELLED : FAILED, result: null, error: JSON.stringify(error) }
}

function codeOf(error: string | null): string | null {
  return error === null ? null : (JSON.parse(error) as ErrorRecord).code
}
