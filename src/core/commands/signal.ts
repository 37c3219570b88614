/**
 * signal: tells a live run something. A wait for it settles; without one it is kept until somebody waits (W7).
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import type { JobRow } from '../model/job.ts'
import { DONE, inboxOf, listText, SIGNAL, waitsOf } from '../model/journal.ts'
import { noSuchJob, wrongState } from '../model/refusal.ts'
import { isTerminal } from '../model/states.ts'
import { arrived, type JournalTables, markRun, runOf, settleFromOutside } from '../policy/journal.ts'
import { MOST_INBOX } from '../policy/sizes.ts'

export interface SignalCommand {
  readonly type: 'signal'
  readonly job: number
  readonly name: string
  /** JSON text. */
  readonly value: string | null
}

/** Whether somebody waited for it. */
export interface SignalReply {
  readonly isAwaited: boolean
}

export function signal(
  view: JournalTables,
  { job: id, name, value }: SignalCommand,
  now: number,
): SignalReply | PerdureError {
  const job = view.jobs.get(id)
  if (job === undefined) return noSuchJob(id)
  if (isTerminal(job.state)) return wrongState('signal', job, 'live', 'Nobody is there to hear it')
  return deliver(view, job, name, value, now)
}

/** Delivers a signal to a live job, or keeps it. */
export function deliver(
  view: JournalTables,
  job: JobRow,
  name: string,
  value: string | null,
  now: number,
): SignalReply | PerdureError {
  const run = runOf(view, job.id)
  const waits = waitsOf(run)
  const wait = waits.find((other) => other.kind === SIGNAL && other.name === name)
  if (wait === undefined) {
    const inbox = listText([...inboxOf(run), { name, value }]) as string
    if (inbox.length > MOST_INBOX) return fullError(job.id, name)
    view.runs.put({ ...run, inbox })
    markRun(view, job.id)
    return { isAwaited: false }
  }
  view.runs.put({ ...run, waits: listText(waits.filter((other) => other !== wait)) })
  const { position } = wait
  settleFromOutside(view, job, { position, kind: SIGNAL, state: DONE, name: '', value: arrived(value) }, now)
  return { isAwaited: true }
}

function fullError(job: number, name: string): PerdureError {
  return perdureError('TOO_LARGE', {
    expected: `the signals that are kept for job ${job} to have at most ${MOST_INBOX} characters together`,
    found: `more with this one, '${name}'`,
    fix: 'Send less at a time, or let the workflow wait for its signals',
    data: { job, signal: name },
  })
}
