/**
 * Circles: who cannot end before a job has. A run that waited for one of them would wait for itself.
 */
import { HAS_DEPENDENTS, IS_TICKET, type JobRow } from '../model/job.ts'
import { isTerminal } from '../model/states.ts'
import type { View } from '../view.ts'
import { EDGE_CLOSE } from './finish.ts'

/** How many jobs are looked at: bounds the work of a command. A circle behind so many others is not found. */
const MOST_LOOKED_AT = 10_000

/**
 * The job itself, and all who depend on it or wait for it, directly or because of others. Lines for locks are not followed: who
 * holds a lock may give it back before it has got what it waits for.
 */
export function waitersOf(view: Pick<View, 'jobs' | 'dependents'>, job: number): ReadonlySet<number> {
  const found = new Set([job])
  let level = [job]
  while (level.length > 0 && found.size < MOST_LOOKED_AT) {
    view.jobs.need(level)
    const live = level.flatMap((id) => view.jobs.get(id) ?? []).filter(mayHold)
    level = []
    view.dependents.need(live.map(({ id }) => id))
    for (const { id } of live) {
      for (const [member, edge] of view.dependents.members(id)) {
        if (edge === EDGE_CLOSE || found.has(member)) continue
        found.add(member)
        level.push(member)
      }
    }
  }
  return found
}

/** Whether others may wait for the end of a job. */
function mayHold({ state, flags }: JobRow): boolean {
  return !isTerminal(state) && (flags & HAS_DEPENDENTS) !== 0 && (flags & IS_TICKET) === 0
}
