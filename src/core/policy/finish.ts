/**
 * The end of a job, and what follows from it in the same change: its limits are handed on, its edges settle,
 * and dependents that end because of it end too, however long the chain.
 */
import type { ErrorRecord } from '../../errors.ts'
import { HAS_DEPENDENTS, type JobRow } from '../model/job.ts'
import { NO_LINE } from '../model/line.ts'
import {
  BLOCKED,
  CANCELLED,
  FAILED,
  isTerminal,
  type StateCode,
  SUCCEEDED,
  stateName,
} from '../model/states.ts'
import type { View } from '../view.ts'
import { type AdmitTables, dropLimits, grantAll, place } from './admit.ts'

export type FinishTables = AdmitTables & Pick<View, 'dependents'>

/** What an edge does when its dependency does not succeed; the numbers are stored. */
export const EDGE_FAIL = 0
export const EDGE_CANCEL = 1
export const EDGE_RUN = 2

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
export function conclude(view: FinishTables, ended: JobRow[], freed: readonly number[], now: number): void {
  grantAll(view, freed)
  for (let next = ended.pop(); next !== undefined; next = ended.pop()) {
    if ((next.flags & HAS_DEPENDENTS) !== 0) settleEdges(view, next, now, ended)
  }
}

/** Ends one job: a terminal row that holds nothing (C3). The caller has to {@link conclude}. */
export function end(view: FinishTables, job: JobRow, ending: Ending, now: number, freed: number[]): JobRow {
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

function settleEdges(view: FinishTables, dependency: JobRow, now: number, ended: JobRow[]): void {
  const edges = view.dependents.members(dependency.id)
  view.jobs.need(edges.map(([dependent]) => dependent))
  for (const [id, policy] of edges) {
    view.dependents.remove(dependency.id, id)
    const job = view.jobs.get(id)
    if (job === undefined) continue
    const row = { ...job, pending: job.pending - 1 }
    if (isTerminal(job.state)) {
      view.jobs.put(row)
    } else if (dependency.state === SUCCEEDED || policy === EDGE_RUN) {
      const after = moveOn(view, row, now)
      if (after !== undefined) ended.push(after)
    } else {
      ended.push(end(view, row, endingBecauseOf(dependency, policy), now, NO_LIMITS))
    }
  }
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
