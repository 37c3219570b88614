/**
 * import: takes over jobs from another system with their past: times, end, earlier attempts.
 */
import type { PerdureError } from '../../errors.ts'
import { blankJob, HAS_HISTORY, type JobRow, LARGE_INPUT, LARGE_RESULT } from '../model/job.ts'
import type { RouteRow } from '../model/rows.ts'
import { HELD, isTerminal, type StateCode } from '../model/states.ts'
import { place } from '../policy/admit.ts'
import { remember, tryClaim } from '../policy/keys.ts'
import { internRoute } from '../policy/route.ts'
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
  const ids: number[] = []
  const created: boolean[] = []
  for (const past of command.jobs) {
    const route = internRoute(view, past.job.route)
    let existing: number | undefined
    for (const claim of past.job.claims ?? []) {
      const outcome = tryClaim(view, route.namespace, claim, now)
      if (outcome === undefined) continue
      if ('refusal' in outcome) return outcome.refusal
      existing ??= outcome.existing
    }
    created.push(existing === undefined)
    ids.push(existing ?? importOne(view, past, route, now))
  }
  return { ids, created }
}

function importOne(view: EnqueueTables, past: PastJob, route: RouteRow, now: number): number {
  const id = view.nextJobId()
  const { job, history } = past
  for (const claim of job.claims ?? []) remember(view, route.namespace, claim, id)
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
    fairKey: job.fairKey === null ? 0 : intern(view, 'fair', job.fairKey),
    parent: job.parent,
    metadata: job.metadata === null ? null : JSON.stringify(job.metadata),
    input: job.largeInput ? null : job.input,
    priority: job.priority,
    dueAt: job.dueAt,
    attempt: history.reduce((most, attempt) => Math.max(most, attempt.number), 0),
    flags:
      (job.largeInput ? LARGE_INPUT : 0) |
      (past.largeResult ? LARGE_RESULT : 0) |
      (history.length > 0 ? HAS_HISTORY : 0),
  }
  view.jobs.put(withState(view, row, past, route, now))
  return id
}

function withState(view: EnqueueTables, row: JobRow, past: PastJob, route: RouteRow, now: number): JobRow {
  if (past.state === HELD) return { ...row, state: HELD }
  if (!isTerminal(past.state)) return place(view, row, route, now)
  const result = past.largeResult ? null : past.result
  return { ...row, state: past.state, finishedAt: past.finishedAt, result, error: past.error }
}
