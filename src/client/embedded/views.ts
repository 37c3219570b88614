/**
 * Views: stored rows as what callers see.
 */

import type { JobRow } from '../../core/model/job.ts'
import { dueAtOf } from '../../core/model/job.ts'
import type { Profile } from '../../core/model/profile.ts'
import type { Requirements } from '../../core/model/requirements.ts'
import { CANCELLED, isTerminal, READY, RUNNING, SUCCEEDED, stateName } from '../../core/model/states.ts'
import { type ErrorRecord, perdureError } from '../../errors.ts'
import type { StoredJob, StoredJobDetails } from '../../store/store.ts'
import type { AttemptView, JobDetails, JobEnd, JobView } from '../types.ts'

const orNull = (number: number): number | null => (number === 0 ? null : number)
const decode = (text: string | null): unknown => (text === null ? undefined : parse(text))
const decodeError = (text: string | null): ErrorRecord | null =>
  text === null ? null : (parse(text) as ErrorRecord)

/** What was stored was JSON; what is none was damaged on the disk. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw perdureError('STORE_CORRUPT', {
      expected: 'a stored value to be the JSON text that was written',
      found: 'other text',
      fix: "Restore the store from a backup; 'perdure doctor' names the rows that are damaged",
      cause,
    })
  }
}

/** Says why a ready job with requirements finds no worker; null where one can take it. */
export type Explain = (job: StoredJob, requires: Requirements) => string | null

/** A job as lists show it. */
export function viewOf(job: StoredJob, why: Explain): JobView {
  const { row } = job
  const profile = parse(job.profile) as Profile
  const { requires } = profile
  return {
    id: row.id,
    kind: job.kind === '' ? null : job.kind,
    queue: job.queue,
    namespace: job.namespace,
    state: stateName(row.state),
    priority: row.priority,
    parent: orNull(row.parent),
    key: job.key,
    metadata: row.metadata === null ? {} : (parse(row.metadata) as Record<string, string>),
    limits: job.limits,
    createdAt: row.createdAt,
    dueAt: dueAtOf(row),
    startedAt: orNull(row.startedAt),
    finishedAt: orNull(row.finishedAt),
    attempts: row.attempt,
    attemptsSinceRestart: row.tries,
    maxAttempts: profile.retry.attempts,
    worker: job.worker,
    cancelRequested: row.cancelAt !== 0,
    unplaced: requires !== undefined && row.state === READY ? why(job, requires) : null,
    pendingDependencies: row.pending,
    progress:
      job.progress === null ? null : { fraction: job.progress.fraction, message: job.progress.message },
    input: decode(job.input),
    result: decode(job.result),
    error: decodeError(row.error),
  }
}

/** A job with its past, as a single read shows it. */
export function detailsOf(job: StoredJobDetails, why: Explain): JobDetails {
  const history: AttemptView[] = job.attempts.map((attempt) => ({
    number: attempt.number,
    worker: attempt.worker,
    startedAt: attempt.startedAt,
    endedAt: attempt.endedAt,
    outcome: attempt.outcome as AttemptView['outcome'],
    error: decodeError(attempt.error),
  }))
  const latest = latestAttempt(job)
  return {
    ...viewOf(job, why),
    history: latest === undefined ? history : [...history, latest],
    dependsOn: job.dependsOn,
    dependents: job.dependents,
    options: parse(job.profile) as Profile,
  }
}

/** The attempt that the job row itself stands for, if it has begun. */
function latestAttempt({ row, worker }: StoredJob): AttemptView | undefined {
  if (row.startedAt === 0) return undefined
  const error = decodeError(row.error)
  return {
    number: row.attempt,
    worker: worker ?? '',
    startedAt: row.startedAt,
    endedAt: orNull(row.finishedAt),
    outcome: outcomeOf(row, error),
    error: row.state === RUNNING ? null : error,
  }
}

function outcomeOf(row: JobRow, error: ErrorRecord | null): AttemptView['outcome'] {
  if (row.state === RUNNING) return 'running'
  if (row.state === SUCCEEDED) return 'succeeded'
  if (row.state === CANCELLED) return 'cancelled'
  return error?.code === 'WORKER_LOST' ? 'lost' : error?.code === 'TIMEOUT' ? 'timeout' : 'failed'
}

/** The end of a job, or undefined where it has not ended. `result` is the JSON text. */
export function endOf(row: JobRow, result: string | null): JobEnd | undefined {
  if (!isTerminal(row.state)) return undefined
  return {
    id: row.id,
    state: stateName(row.state) as JobEnd['state'],
    result: decode(result),
    error: decodeError(row.error),
  }
}
