/**
 * Locks: a workflow run is the only one of its namespace between taking a lock and giving it back.
 *
 * Whoever wants a lock gets a *ticket*: a job without a handler that ends once the one before it has ended and its run has
 * given the lock back, or has itself ended. Who has the ticket behind it waits for that. So the line is first come, first
 * served; whoever leaves it in the middle lets nobody past those before; and a wake-up cannot be lost, since it is the
 * change that ends the ticket.
 */
import { blankJob, HAS_DEPENDENCIES, IS_TICKET, type JobRow } from '../model/job.ts'
import { DEFAULT_PROFILE } from '../model/profile.ts'
import { keyId } from '../model/rows.ts'
import { isTerminal } from '../model/states.ts'
import type { View } from '../view.ts'
import { place } from './admit.ts'
import { conclude, EDGE_ENTRY, EDGE_RUN, type FinishTables, link, settleEdge } from './finish.ts'
import { WHILE_LIVE } from './keys.ts'
import { internRouteIn, type RouteTables } from './route.ts'

export type LockTables = FinishTables & RouteTables & Pick<View, 'keys' | 'nextJobId'>

/** How long tickets are there to be looked at after the lock was given back, ms. */
const RETENTION_MS = 60_000
const PROFILE = {
  ...DEFAULT_PROFILE,
  retention: { succeededMs: RETENTION_MS, failedMs: RETENTION_MS, cancelledMs: RETENTION_MS },
}
const ROUTE = { queue: 'perdure.lock', kind: '', profile: JSON.stringify(PROFILE), requires: '' }

/** A run gets in line for a lock, or has it at once. A position of the run settles once it is its turn. */
export function lock(
  view: LockTables,
  run: JobRow,
  key: string,
  position: number,
  now: number,
): { readonly ticket: number; readonly isFree: boolean } {
  const { namespace } = view.routeById(run.route)
  const tail = tailOf(key)
  const last = view.jobs.get(view.keys.get(keyId(namespace, tail))?.job ?? 0)
  const route = internRouteIn(view, namespace, ROUTE)
  const ticket = view.nextJobId()
  const isFree = last === undefined || isTerminal(last.state)
  const row: JobRow = {
    ...blankJob(ticket, route.id, now),
    parent: run.id,
    input: JSON.stringify(key),
    pending: isFree ? 1 : 2,
    flags: IS_TICKET | HAS_DEPENDENCIES,
  }
  view.jobs.put(place(view, row, route, now))
  link(view, run.id, ticket, EDGE_RUN)
  if (!isFree) {
    link(view, last.id, ticket, EDGE_RUN)
    link(view, last.id, run.id, EDGE_ENTRY + position)
  }
  view.keys.put({ namespace, key: tail, job: ticket, digest: '', until: WHILE_LIVE })
  return { ticket, isFree }
}

/** Asks at once for what {@link lock} looks at, for many keys of a namespace. */
export function needLocks(view: LockTables, namespace: number, keys: readonly string[]): void {
  const tails = keys.map((key) => keyId(namespace, tailOf(key)))
  view.keys.need(tails)
  view.jobs.need(tails.flatMap((tail) => view.keys.get(tail)?.job ?? []))
}

/** The key that stands for the last in the line. */
const tailOf = (key: string): string => `l:${key}`

/** A run gives a lock back, or leaves the line for it. */
export function unlock(view: FinishTables, run: JobRow, ticket: JobRow, now: number): void {
  if (!view.dependents.has(run.id, ticket.id)) return
  view.dependents.remove(run.id, ticket.id)
  const ended: JobRow[] = []
  settleEdge(view, run, ticket.id, EDGE_RUN, now, ended)
  conclude(view, ended, [], now)
}
