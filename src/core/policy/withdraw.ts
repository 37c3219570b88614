/**
 * Withdrawal: what a workflow run waits for no more, because its code does not. Nothing of it wakes the run again, and
 * jobs that were made for it alone are cancelled.
 */
import type { ErrorRecord } from '../../errors.ts'
import { IS_TICKET, type JobRow } from '../model/job.ts'
import { listText, waitsOf } from '../model/journal.ts'
import { isTerminal } from '../model/states.ts'
import { conclude, type FinishTables, stop } from './finish.ts'
import { runOf } from './journal.ts'
import { unlock } from './lock.ts'

/** What is let go of. */
export interface Withdrawn {
  /** Of timers, signals and steps that are to be tried again. Others have nothing to be taken back. */
  readonly positions: readonly number[]
  /** Children, and tickets of locks. Those that are none of the run's are left as they are. */
  readonly jobs: readonly number[]
}

export function withdraw(view: FinishTables, id: number, { positions, jobs }: Withdrawn, now: number): void {
  const run = runOf(view, id)
  const rest = waitsOf(run).filter(({ position }) => !positions.includes(position))
  if (rest.length < waitsOf(run).length) view.runs.put({ ...run, waits: listText(rest) })
  view.jobs.need(jobs)
  const ended: JobRow[] = []
  const freed: number[] = []
  for (const jobId of jobs) {
    const job = view.jobs.get(jobId)
    if (job === undefined || isTerminal(job.state)) continue
    if ((job.flags & IS_TICKET) !== 0) {
      unlock(view, view.jobs.get(id) as JobRow, job, now)
      continue
    }
    view.dependents.remove(jobId, id)
    if (!view.dependents.has(id, jobId)) continue
    view.dependents.remove(id, jobId)
    const after = stop(view, job, JSON.stringify(reasonOf(id)), now, freed)
    if (after !== undefined) ended.push(after)
  }
  conclude(view, ended, freed, now)
}

function reasonOf(run: number): ErrorRecord {
  return {
    code: 'CANCELLED',
    message: `The job was cancelled: job ${run}, which had started it, went on without it.`,
    data: { parent: run },
  }
}
