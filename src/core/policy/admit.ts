/**
 * Admission: what happens to a job that is due and unblocked. It takes its limits in canonical order; the
 * first full one parks it in that limit's line, else it becomes ready.
 *
 * Every path into `ready` and `waiting` goes through here: first admission, retry, restart, grant.
 */

import { assert } from '../../std/assert.ts'
import { beganAtOf, dueAtOf, type JobDraft, type JobRow, limitsOf } from '../model/job.ts'
import { DUE_LINE, limitLine, NO_LINE, readyLine } from '../model/line.ts'
import type { RouteRow } from '../model/rows.ts'
import { BLOCKED, READY, SCHEDULED, WAITING } from '../model/states.ts'
import type { View } from '../view.ts'
import { fairKeyOf, nextTurn, queueOf, returnTurn } from './fairness.ts'

export type AdmitTables = Pick<
  View,
  'jobs' | 'queues' | 'fair' | 'limits' | 'holders' | 'routeById' | 'profileById' | 'lineAt'
>

/**
 * The place a job goes to that is neither running nor ended: blocked, scheduled, waiting or ready.
 * Takes limits as a side effect; the caller puts the row.
 */
export function place(view: AdmitTables, job: JobRow, route: RouteRow, now: number): JobRow {
  return placeDraft(view, { ...job }, route, now)
}

/** {@link place} for a row that is being made: fills it in rather than copy it. */
export function placeDraft(view: AdmitTables, draft: JobDraft, route: RouteRow, now: number): JobRow {
  if (draft.pending > 0) {
    draft.state = BLOCKED
    draft.line = NO_LINE
    draft.rank = 0
    draft.turn = 0
    draft.expireAt = expiryOf(view, draft, route, Infinity)
    return draft
  }
  const due = dueAtOf(draft)
  if (due <= now) return admitDraft(view, draft, route, now)
  draft.state = SCHEDULED
  draft.line = DUE_LINE
  draft.rank = due
  draft.turn = draft.priority
  draft.expireAt = expiryOf(view, draft, route, due)
  return draft
}

/**
 * Admits a due job: {@link place} for one whose time has come, whatever its due time says.
 *
 * @param from The moment from which it counts as due.
 */
export function admit(view: AdmitTables, job: JobRow, route: RouteRow, from: number): JobRow {
  return admitDraft(view, { ...job }, route, from)
}

function admitDraft(view: AdmitTables, draft: JobDraft, route: RouteRow, from: number): JobRow {
  const weight = view.profileById(route.profile).weight
  draft.turn = nextTurn(view, route.queue, fairKeyOf(draft, route), weight)
  draft.expireAt = expiryOf(view, draft, route, from)
  return advance(view, draft, route)
}

/** Takes what limits are free, from `draft.taken` on; keeps the turn that the job has. */
function advance(view: AdmitTables, draft: JobDraft, route: RouteRow): JobRow {
  draft.rank = draft.priority
  for (const limit of limitsOf(draft).slice(draft.taken)) {
    const max = maxOf(view, limit)
    if (view.holders.size(limit) >= max || nextWaiter(view, limitLine(limit), { at: 0 }) !== undefined) {
      draft.state = WAITING
      draft.line = limitLine(limit)
      return draft
    }
    view.holders.add(limit, draft.id, 0)
    draft.taken++
  }
  draft.state = READY
  draft.line = readyLine(route.class)
  return draft
}

/**
 * What a job leaves behind when it goes out of its line and was not leased: the tag that it had. One that the queue's
 * turn has reached is no longer ahead of anybody.
 */
export function leaveLine(view: AdmitTables, job: JobRow): void {
  if (job.state !== READY && job.state !== WAITING) return
  const route = view.routeById(job.route)
  if (job.turn <= queueOf(view, route.queue).turn) return
  returnTurn(view, route.queue, fairKeyOf(job, route), view.profileById(route.profile).weight)
}

/** Most holders of a limit that somebody has named. */
export function maxOf(view: Pick<View, 'limits'>, limit: number): number {
  const row = view.limits.get(limit)
  assert(row !== undefined, 'a limit that has a name has a bound')
  return row.max
}

/** Gives free slots of a limit to those who wait for it, first in line first. */
function grant(view: AdmitTables, limit: number): void {
  const max = maxOf(view, limit)
  const cursor = { at: 0 }
  while (view.holders.size(limit) < max) {
    const waiter = nextWaiter(view, limitLine(limit), cursor)
    if (waiter === undefined) return
    view.holders.add(limit, waiter.id, 0)
    const route = view.routeById(waiter.route)
    view.jobs.put(advance(view, { ...waiter, taken: waiter.taken + 1 }, route))
  }
}

/** Gives back every limit that a job holds and hands the slots on. The caller puts the row with `taken: 0`. */
export function releaseLimits(view: AdmitTables, job: JobRow): void {
  if (job.taken === 0) return
  const freed: number[] = []
  dropLimits(view, job, freed)
  grantAll(view, freed)
}

/** Gives back every limit that a job holds, and notes them in `freed`, whose slots have to be handed on. */
export function dropLimits(view: AdmitTables, job: JobRow, freed: number[]): void {
  if (job.taken === 0) return
  for (const limit of limitsOf(job).slice(0, job.taken)) {
    view.holders.remove(limit, job.id)
    freed.push(limit)
  }
}

/**
 * Hands on the free slots of limits. Last in canonical order first: who is granted one limit may go on to wait for
 * a later one, and a line does not show whom the same command put there. Call it once all slots are free.
 */
export function grantAll(view: AdmitTables, freed: readonly number[]): void {
  for (const limit of freed.toSorted((a, b) => b - a)) grant(view, limit)
}

/** The next job of a line, from the cursor on, that has not been moved on by the same command. */
function nextWaiter(view: AdmitTables, line: number, cursor: { at: number }): JobRow | undefined {
  for (; ; cursor.at++) {
    const id = view.lineAt(line, cursor.at)
    if (id === undefined) return undefined
    const job = view.jobs.get(id)
    if (job !== undefined && job.line === line) return job
  }
}

/**
 * When a time limit ends the job if it has not started; 0 for never.
 *
 * @param from The moment from which its start counts as late; Infinity while it could not start anyway.
 */
export function expiryOf(view: AdmitTables, job: JobRow, route: RouteRow, from: number): number {
  // What undoes what it did takes the time that this takes.
  if (job.cancelAt !== 0) return 0
  const { scheduleToStartMs, scheduleToCloseMs } = view.profileById(route.profile).timeouts
  const start = scheduleToStartMs === 0 ? Infinity : from + scheduleToStartMs
  const close = scheduleToCloseMs === 0 ? Infinity : beganAtOf(job) + scheduleToCloseMs
  const first = Math.min(start, close)
  return first === Infinity ? 0 : first
}
