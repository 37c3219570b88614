/**
 * signal: tells a live run something. A wait for it settles; without one it is kept until somebody waits (W7). One that is
 * told again by the same id is told once.
 */
import { PerdureError, perdureError } from '../../errors.ts'
import type { JobRow } from '../model/job.ts'
import { DONE, inboxOf, listText, SIGNAL, waitsOf } from '../model/journal.ts'
import { noSuchJob, wrongState } from '../model/refusal.ts'
import { isTerminal } from '../model/states.ts'
import { arrived, type JournalTables, markRun, runOf, settleFromOutside } from '../policy/journal.ts'
import { takenBy } from '../policy/keys.ts'
import { MOST_INBOX } from '../policy/sizes.ts'
import type { View } from '../view.ts'

export interface SignalCommand {
  readonly type: 'signal'
  readonly job: number
  readonly name: string
  /** JSON text. */
  readonly value: string | null
  /** The same again, of this name for this job, is the same signal; null for one that is like no other. */
  readonly id: string | null
}

/** How long the id of a signal is remembered: longer than a step is likely to be without a worker that repeats it. */
const ID_WINDOW_MS = 86_400_000

type Tables = JournalTables & Pick<View, 'keys'>

/** Whether somebody waited for it. */
export interface SignalReply {
  readonly isAwaited: boolean
}

export function signal(view: Tables, command: SignalCommand, now: number): SignalReply | PerdureError {
  const { name, value, id } = command
  const job = view.jobs.get(command.job)
  if (job === undefined) return noSuchJob(command.job)
  const { namespace } = view.routeById(job.route)
  const key = `s:${job.id}:${name}:${id}`
  const before = id === null ? undefined : takenBy(view, namespace, key, now)
  if (before !== undefined) return JSON.parse(before.digest) as SignalReply
  if (isTerminal(job.state)) return wrongState('signal', job, 'live', 'Nobody is there to hear it')
  const reply = deliver(view, job, name, value, now)
  if (id === null || reply instanceof PerdureError) return reply
  // It stands for no job: a run without an end would keep the ids of all that it was ever told.
  view.keys.put({ namespace, key, job: 0, digest: JSON.stringify(reply), until: now + ID_WINDOW_MS })
  return reply
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
