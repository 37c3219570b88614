/**
 * What happens to the journal of a run: rows are appended, what the run waits for settles, and a run that waits for
 * nothing else is woken. Every change of a journal goes through here.
 */
import { assert } from '../../std/assert.ts'
import { HAS_RUN, type JobRow } from '../model/job.ts'
import {
  blankRun,
  CANCEL,
  DONE,
  type EntryKind,
  type EntryState,
  inboxOf,
  type JournalRow,
  listText,
  type RunRow,
  SIGNAL,
  TIMER,
  type Wait,
  waitsOf,
} from '../model/journal.ts'
import { NO_LINE } from '../model/line.ts'
import { SUSPENDED } from '../model/states.ts'
import type { View } from '../view.ts'
import { type AdmitTables, admit } from './admit.ts'

export type JournalTables = AdmitTables & Pick<View, 'runs' | 'append'>

/** What a row says beside its place. */
export interface Entry {
  readonly position: number
  readonly kind: EntryKind
  readonly state: EntryState
  readonly name: string
  readonly value: string | null
  readonly copyOf?: number
}

/** The row of a run. Throws Absent. */
export function runOf(view: Pick<View, 'runs'>, job: number): RunRow {
  return view.runs.get(job) ?? blankRun(job)
}

/** Appends a row and puts the run. Answers the row. */
export function append(
  view: Pick<View, 'runs' | 'append'>,
  run: RunRow,
  entry: Entry,
  now: number,
): JournalRow {
  const { position, kind, state, name, value, copyOf = 0 } = entry
  const row: JournalRow = {
    run: run.job,
    sequence: run.length,
    position,
    kind,
    state,
    name,
    value,
    at: now,
    copyOf,
  }
  view.append.journal(row)
  view.runs.put({ ...run, length: run.length + 1 })
  return row
}

/** Settles what a run waits for, from outside: its worker, if it has one, is told; if it sleeps, it wakes. */
export function settleFromOutside(view: JournalTables, job: JobRow, entry: Entry, now: number): void {
  append(view, runOf(view, job.id), entry, now)
  const run = runOf(view, job.id)
  view.runs.put({ ...run, news: run.news + 1 })
  wake(view, job, now)
}

/** What a journal says of a cancel, and why there was one: the text of an ErrorRecord. */
export function cancelEntry(error: string): Entry {
  return { position: -1, kind: CANCEL, state: DONE, name: '', value: error }
}

/** Makes a suspended run ready, through its limits. Any other goes on as it is, and finds the news by itself. */
export function wake(view: AdmitTables, job: JobRow, now: number): void {
  if (job.state !== SUSPENDED) return
  assert(job.taken === 0, 'a suspended run holds no limit')
  const row: JobRow = { ...job, line: NO_LINE, rank: 0, dueAt: now }
  view.jobs.put(admit(view, row, view.routeById(job.route), now))
}

/** When the next of a run's timers and deadlines ends; Infinity for never. */
export function nextDueAt(run: RunRow): number {
  let next = Infinity
  for (const { dueAt } of waitsOf(run)) if (dueAt !== 0 && dueAt < next) next = dueAt
  return next
}

/** Settles the timers and deadlines of a run whose time has come, in order of their times. Answers the new rows. */
export function fireTimers(view: Pick<View, 'runs' | 'append'>, job: number, now: number): JournalRow[] {
  const run = runOf(view, job)
  if (run.waits === null) return []
  const due = waitsOf(run).filter(({ dueAt }) => dueAt !== 0 && dueAt <= now)
  if (due.length === 0) return []
  const rest = waitsOf(run).filter((wait) => !due.some(({ position }) => position === wait.position))
  view.runs.put({ ...run, waits: listText(rest) })
  const inOrder = due.toSorted((a, b) => a.dueAt - b.dueAt || a.position - b.position)
  return inOrder.map(({ position, kind }) =>
    append(view, runOf(view, job), { position, kind, state: DONE, name: '', value: endOfWait(kind) }, now),
  )
}

/** A signal that did not come in time is told from one without a value. */
function endOfWait(kind: EntryKind): string | null {
  return kind === TIMER ? null : TIMED_OUT
}

/** The value of a wait for a signal that did not come in time; any other is an array of one. */
const TIMED_OUT = '[]'

/** The value of a wait for a signal that came. */
export function arrived(value: string | null): string {
  return `[${value ?? 'null'}]`
}

/** Adds something to wait for. A signal that came before is there at once: answers the row of it. */
export function waitFor(
  view: Pick<View, 'runs' | 'append' | 'jobs'>,
  job: JobRow,
  wait: Wait,
  now: number,
): JournalRow | undefined {
  const run = runOf(view, job.id)
  if (wait.kind === SIGNAL) {
    const inbox = inboxOf(run)
    const at = inbox.findIndex(({ name }) => name === wait.name)
    if (at >= 0) {
      const { value } = inbox[at] as { value: string | null }
      const rest = { ...run, inbox: listText(inbox.toSpliced(at, 1)) }
      const { position } = wait
      return append(view, rest, { position, kind: SIGNAL, state: DONE, name: '', value: arrived(value) }, now)
    }
  }
  view.runs.put({ ...run, waits: listText([...waitsOf(run), wait]) })
  markRun(view, job.id)
  return undefined
}

/** Notes in the job's row that its run has a row of its own. */
export function markRun(view: Pick<View, 'jobs'>, id: number): void {
  const job = view.jobs.get(id) as JobRow
  if ((job.flags & HAS_RUN) === 0) view.jobs.put({ ...job, flags: job.flags | HAS_RUN })
}
