/**
 * record: what a run did is written into its journal together with all effects of it (W8): children are enqueued, timers
 * set, signals waited for and sent. A stale token changes nothing (L2).
 */
import { PerdureError, perdureError } from '../../errors.ts'
import { HAS_CANCEL, HAS_DEPENDENTS, HAS_RUN, HAS_UNDO, type JobRow, LOCAL_LEASE } from '../model/job.ts'
import {
  BROKEN,
  CHILD,
  DONE,
  type EntryKind,
  type EntryState,
  type JournalRow,
  LOCK,
  OPEN,
  type Retry,
  SEND,
  SIGNAL,
  STEP,
  TIMER,
  WITHDRAW,
} from '../model/journal.ts'
import { noSuchJob, wrongState } from '../model/refusal.ts'
import { isTerminal } from '../model/states.ts'
import { waitersOf } from '../policy/circle.ts'
import { childEnd, EDGE_CLOSE, EDGE_ENTRY, link } from '../policy/finish.ts'
import { append, cancelEntry, fireTimers, runOf, waitFor } from '../policy/journal.ts'
import { lock, needLocks } from '../policy/lock.ts'
import { withdraw } from '../policy/withdraw.ts'
import type { View } from '../view.ts'
import { type EnqueueTables, enqueue, type NewJob } from './enqueue.ts'
import { holdsLease } from './report.ts'
import { deliver } from './signal.ts'

interface Place {
  /** Given by the code, in the order of its calls. */
  readonly position: number
  readonly name: string
}

/** What a run did, or asks for. */
export type NewEntry = Place &
  (
    | {
        /** Done already: a step, a mark, or what was refused when it was asked for. */
        readonly type: 'settled'
        readonly kind: EntryKind
        readonly state: typeof DONE | typeof BROKEN
        readonly value: string | null
        /** It has to be undone when the run fails or is cancelled. */
        readonly undo: boolean
      }
    /** `delayMs` from now, or at a moment (epoch ms) where that is not 0. */
    | { readonly type: 'timer'; readonly delayMs: number; readonly dueAt: number }
    /** Waits for ever where `delayMs` is 0. */
    | { readonly type: 'signal'; readonly delayMs: number }
    | {
        readonly type: 'child'
        readonly job: NewJob
        /** The job is cancelled when the run ends before it. */
        readonly closes: boolean
        /** False where the run only starts it. */
        readonly awaits: boolean
      }
    | { readonly type: 'send'; readonly to: number; readonly signal: string; readonly value: string | null }
    /** A step that failed is to be tried again so long from now; `value` is a Retry without its `dueAt`. */
    | { readonly type: 'retry'; readonly delayMs: number; readonly value: string }
    /** The run wants the lock of this name: it is its own from the row in which this settles. */
    | { readonly type: 'lock' }
    | {
        /** Lets go of timers and signals, by position, and of children and locks, by their jobs. */
        readonly type: 'withdraw'
        readonly positions: readonly number[]
        readonly jobs: readonly number[]
      }
  )

type Child = NewEntry & { readonly type: 'child' }

export interface RecordCommand {
  readonly type: 'record'
  readonly job: number
  readonly attempt: number
  readonly nonce: string
  /** How many rows of the journal the worker has written or read. */
  readonly seen: number
  /** In order of positions as far as they belong to one turn of the code. May be empty: timers are looked at. */
  readonly entries: readonly NewEntry[]
}

/** The rows that were written, one after another; timers whose time had come are among them. */
export interface RecordReply {
  readonly rows: readonly JournalRow[]
}

type Tables = EnqueueTables & Pick<View, 'runs'>

/** Answers false where the lease was lost; refuses as a whole what a child's enqueue refuses. */
export function record(
  view: Tables,
  command: RecordCommand,
  now: number,
): RecordReply | false | PerdureError {
  const { job: id, attempt, nonce, seen, entries } = command
  const job = view.jobs.get(id)
  if (!holdsLease(job, attempt, nonce)) return false
  if (seen === 0 && attempt === 1 && (job.flags & (LOCAL_LEASE | HAS_RUN)) === LOCAL_LEASE) {
    // Nobody else writes this journal, and its writer has written nothing. One in another process may have, and not know.
    view.runs.begin(id)
  }
  needEach(view, job, entries)
  const rows = fireTimers(view, id, now)
  rows.push(...tellCancel(view, job, now))
  const made = enqueueAll(view, id, entries, now)
  if (made instanceof PerdureError) return made
  let child = 0
  for (const entry of entries) {
    switch (entry.type) {
      case 'settled':
        rows.push(write(view, id, entry, entry.kind, entry.state, entry.value, now))
        if (entry.undo) markUndo(view, id)
        break
      case 'send':
        rows.push(sendTo(view, id, entry, now))
        break
      case 'child':
        rows.push(...follow(view, id, entry, made[child++] as number, now))
        break
      case 'timer':
      case 'signal':
        rows.push(...open(view, id, entry, now))
        break
      case 'retry':
        rows.push(tryLater(view, id, entry, now))
        break
      case 'lock':
        rows.push(...takeLock(view, id, entry, now))
        break
      case 'withdraw':
        withdraw(view, id, entry, now)
        rows.push(write(view, id, entry, WITHDRAW, DONE, JSON.stringify(entry.positions), now))
    }
  }
  return { rows }
}

/** Asks at once for what is told something, and for the lines for locks: one that is found missing alone begins the command anew. */
function needEach(view: Tables, job: JobRow, entries: readonly NewEntry[]): void {
  const told: number[] = []
  const locks: string[] = []
  for (const entry of entries) {
    if (entry.type === 'send') told.push(entry.to)
    else if (entry.type === 'lock') locks.push(entry.name)
  }
  if (told.length > 0) {
    view.jobs.need(told)
    view.runs.need(told.filter((id) => isLive(view.jobs.get(id))))
  }
  if (locks.length > 0) needLocks(view, view.routeById(job.route).namespace, locks)
}

const isLive = (job: JobRow | undefined): boolean => job !== undefined && !isTerminal(job.state)

/** The ids of the jobs that the entries ask for. */
function enqueueAll(
  view: Tables,
  run: number,
  entries: readonly NewEntry[],
  now: number,
): readonly number[] | PerdureError {
  const children = entries.filter((entry): entry is Child => entry.type === 'child')
  if (children.length === 0) return NONE
  const jobs = children.map(({ job }) => ({ ...job, parent: run }))
  const reply = enqueue(view, { type: 'enqueue', jobs, request: null }, now)
  if (reply instanceof PerdureError) return reply
  const awaited = new Set<number>()
  let waiters: ReadonlySet<number> | undefined
  for (const [index, id] of reply.ids.entries()) {
    const { name, job, closes, awaits } = children[index] as Child
    const mayWait = job.after !== null || !reply.created[index]
    if ((closes || awaits) && mayWait) {
      waiters ??= waitersOf(view, run)
      if (waiters.has(id)) return circleError(run, name, id)
    }
    if (!awaits) continue
    const isKnown = ((view.jobs.get(id) as JobRow).flags & HAS_DEPENDENTS) !== 0
    if (awaited.has(id) || (isKnown && view.dependents.has(id, run))) return twiceError(run, id)
    awaited.add(id)
  }
  return reply.ids
}

const NONE: readonly number[] = []

function circleError(run: number, name: string, job: number): PerdureError {
  return perdureError('CYCLE', {
    expected: `'${name}' of workflow run ${run} to lead to a job that can end before the run`,
    found:
      job === run
        ? 'that its own key leads to itself'
        : `job ${job}, which waits for the run, if only because of others`,
    fix: 'Give the job another key, or take the run out of what it comes after',
    data: { job, step: name },
  })
}

function twiceError(run: number, job: number): PerdureError {
  return perdureError('DUPLICATE', {
    expected: `workflow run ${run} to wait for a job once`,
    found: `a second wait for job ${job}, to which a key led`,
    fix: 'Keep what the first call gave, and await that',
    data: { job },
  })
}

function write(
  view: Tables,
  run: number,
  { position, name }: Place,
  kind: EntryKind,
  state: EntryState,
  value: string | null,
  now: number,
): JournalRow {
  return append(view, runOf(view, run), { position, kind, state, name, value }, now)
}

function markUndo(view: Tables, id: number): void {
  const job = view.jobs.get(id) as JobRow
  view.jobs.put({ ...job, flags: job.flags | HAS_UNDO })
}

/** Nobody writes down the cancel of a run that has nothing to undo. Its next words do: what it does then comes behind it, on every replay. */
function tellCancel(view: Tables, job: JobRow, now: number): JournalRow[] {
  if (job.cancelAt === 0 || (job.flags & HAS_CANCEL) !== 0) return []
  view.jobs.put({ ...job, flags: job.flags | HAS_CANCEL })
  return [append(view, runOf(view, job.id), cancelEntry(job.error as string), now)]
}

function open(
  view: Tables,
  id: number,
  entry: NewEntry & { readonly type: 'timer' | 'signal' },
  now: number,
): JournalRow[] {
  const { position, name, delayMs } = entry
  const kind = entry.type === 'timer' ? TIMER : SIGNAL
  const at = entry.type === 'timer' ? entry.dueAt : 0
  const dueAt = at !== 0 ? at : kind === SIGNAL && delayMs === 0 ? 0 : now + delayMs
  const opened = write(view, id, entry, kind, OPEN, String(dueAt), now)
  const settled = waitFor(view, view.jobs.get(id) as JobRow, { position, kind, dueAt, name }, now)
  // A sleep of no time is over at once.
  return settled === undefined ? [opened, ...fireTimers(view, id, now)] : [opened, settled]
}

/** The step stays open until its time has come, which a row of the same position tells. */
function tryLater(view: Tables, id: number, entry: NewEntry & { readonly type: 'retry' }, now: number) {
  const { position, delayMs, value } = entry
  const dueAt = now + delayMs
  const retry = { dueAt, ...(JSON.parse(value) as Omit<Retry, 'dueAt'>) } satisfies Retry
  const row = write(view, id, entry, STEP, OPEN, JSON.stringify(retry), now)
  waitFor(view, view.jobs.get(id) as JobRow, { position, kind: TIMER, dueAt, name: '' }, now)
  return row
}

function takeLock(view: Tables, id: number, entry: Place, now: number): JournalRow[] {
  const { position, name } = entry
  const { ticket, isFree } = lock(view, view.jobs.get(id) as JobRow, name, position, now)
  const opened = write(view, id, entry, LOCK, OPEN, String(ticket), now)
  if (!isFree) return [opened]
  return [opened, write(view, id, { position, name: '' }, LOCK, DONE, null, now)]
}

/** The run waits for a job, which may be one that a key stands for, and may have ended. */
function follow(
  view: Tables,
  id: number,
  { position, name, closes, awaits }: Child,
  childId: number,
  now: number,
): JournalRow[] {
  const opened = write(view, id, { position, name }, CHILD, awaits ? OPEN : DONE, String(childId), now)
  const child = view.jobs.get(childId) as JobRow
  if (isTerminal(child.state) && awaits)
    return [opened, append(view, runOf(view, id), childEnd(child, position), now)]
  if (closes && !isTerminal(child.state)) link(view, id, childId, EDGE_CLOSE)
  if (awaits) link(view, childId, id, EDGE_ENTRY + position)
  return [opened]
}

/** Runs know nothing of jobs of other namespaces than their own. */
function isNeighbour(view: Tables, id: number, { route }: JobRow): boolean {
  const own = (view.jobs.get(id) as JobRow).route
  return own === route || view.routeById(own).namespace === view.routeById(route).namespace
}

function sendTo(
  view: Tables,
  id: number,
  entry: NewEntry & { readonly type: 'send' },
  now: number,
): JournalRow {
  const target = view.jobs.get(entry.to)
  const reply =
    target === undefined || !isNeighbour(view, id, target)
      ? noSuchJob(entry.to)
      : isTerminal(target.state)
        ? wrongState('signal', target, 'live', 'Nobody is there to hear it')
        : deliver(view, target, entry.signal, entry.value, now)
  if (!(reply instanceof PerdureError)) return write(view, id, entry, SEND, DONE, null, now)
  const { code, message, data } = reply
  return write(view, id, entry, SEND, BROKEN, JSON.stringify({ code, message, data }), now)
}
