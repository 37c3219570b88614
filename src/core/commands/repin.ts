/**
 * repin: moves a job that does not run to workers of another version of its workflow. What it did stands, and so does its
 * place in line. The version is a label among its requirements, so what changes is its route.
 */
import type { PerdureError } from '../../errors.ts'
import { wrongUse } from '../../std/options.ts'
import type { JobRow } from '../model/job.ts'
import { readyLine } from '../model/line.ts'
import type { Profile } from '../model/profile.ts'
import { wrongState } from '../model/refusal.ts'
import { atVersion } from '../model/requirements.ts'
import { isTerminal, READY, RUNNING } from '../model/states.ts'
import { internProfiled, type RouteTables } from '../policy/route.ts'
import type { View } from '../view.ts'
import type { ControlReply } from './control.ts'

export type RepinTables = RouteTables & Pick<View, 'jobs' | 'nameOf' | 'routeById' | 'profileById'>

/** @param version Undefined for any. */
export function repin(
  view: RepinTables,
  job: JobRow,
  version: string | undefined,
): ControlReply | PerdureError {
  const old = view.routeById(job.route)
  // a group has nothing to run, so there is nothing of which there could be versions
  if (old.kind === 0) return wrongUse(`job ${job.id}`, 'a workflow run', 'a group', 'Name a run')
  if (job.state === RUNNING) {
    return wrongState(
      'repin',
      job,
      'live and not running',
      'Wait until it waits: a worker has its code in hand',
    )
  }
  if (isTerminal(job.state)) {
    return wrongState('repin', job, 'live and not running', 'Restart it first, or fork it with a version')
  }
  const { requires, ...rest } = view.profileById(old.profile)
  const wanted = atVersion(requires, view.nameOf(old.kind), version)
  const profile: Profile = wanted === undefined ? rest : { ...rest, requires: wanted }
  const route = internProfiled(view, old, profile)
  if (route.id === old.id) return { state: job.state, changed: false }
  const line = job.state === READY ? readyLine(route.class) : job.line
  view.jobs.put({ ...job, route: route.id, line })
  return { state: job.state, changed: true }
}
