/**
 * terminate: ends a job at once, whatever it does. A running attempt loses its lease; a workflow run undoes nothing.
 */
import type { ErrorRecord, PerdureError } from '../../errors.ts'
import type { JobRow } from '../model/job.ts'
import { wrongState } from '../model/refusal.ts'
import { CANCELLED, isTerminal, RUNNING } from '../model/states.ts'
import { type FinishTables, finish } from '../policy/finish.ts'
import type { ControlReply } from './control.ts'
import { forced } from './report.ts'

/** @param error Why, as JSON text of an ErrorRecord. */
export function terminate(
  view: FinishTables,
  job: JobRow,
  error: string,
  now: number,
): ControlReply | PerdureError {
  if (job.state === CANCELLED) return { state: CANCELLED, changed: false }
  if (isTerminal(job.state))
    return wrongState('terminate', job, 'live', 'Nothing is left to end; read its result instead')
  // what its worker reports afterwards is told from an end that it had reported before
  const reason = job.state === RUNNING ? JSON.stringify(forced(JSON.parse(error) as ErrorRecord)) : error
  const asked = { ...job, cancelAt: job.cancelAt === 0 ? now : job.cancelAt }
  finish(view, asked, { state: CANCELLED, result: null, error: reason }, now)
  return { state: CANCELLED, changed: true }
}
