/**
 * lease: gives ready jobs to a worker, in order of (priority, turn, id) over all the lines it serves.
 */
import { type JobRow, LOCAL_LEASE } from '../model/job.ts'
import { RUNNING_LINE } from '../model/line.ts'
import type { Mount, Share } from '../model/requirements.ts'
import { nameId } from '../model/rows.ts'
import { READY, RUNNING } from '../model/states.ts'
import { fairKeyOf, queueOf, ServedTurns } from '../policy/fairness.ts'
import { needHead } from '../policy/heads.ts'
import { BLOCK, isEqual, isPreferred } from '../policy/hints.ts'
import { NO_BOUNDS, Room } from '../policy/room.ts'
import { intern, type View } from '../view.ts'

/** A ready line that a worker serves: its queue, and what each of its jobs reserves. */
export interface LeaseLine extends Share {
  readonly line: number
  readonly queue: number
}

export interface LeaseCommand {
  readonly type: 'lease'
  /** Ready lines that the worker serves. */
  readonly lines: readonly LeaseLine[]
  readonly worker: string
  /** The worker lives in the owner's process and dies with it. */
  readonly local: boolean
  /** Only jobs of a smaller priority. Default: any. */
  readonly below?: number
  /** Most leases to grant. */
  readonly slots: number
  /** What the worker's jobs may reserve together. Default: nobody asked, as none of these lines reserves anything. */
  readonly capacity?: Share
  /** Mounts of the worker's host: among equals, jobs whose files are there go first. Default: not known. */
  readonly mounts?: readonly Mount[]
  /** Lines for whose first job, which does not fit now, the worker keeps what is given back. */
  readonly keeps?: readonly number[]
  /** The random part of their tokens: one for all, since all go to the same worker. */
  readonly nonce: string
}

/** What a lease adds to a ready job. */
export interface Grant {
  /** Interned name of the worker. */
  readonly worker: number
  readonly nonce: string
  readonly local: boolean
  /** Epoch ms. */
  readonly startedAt: number
}

type Tables = Pick<
  View,
  | 'jobs'
  | 'queues'
  | 'fair'
  | 'names'
  | 'nextNameId'
  | 'lineAt'
  | 'headSize'
  | 'routeById'
  | 'profileById'
  | 'reservedBy'
>

interface Head {
  readonly line: number
  /** What a job of the line reserves. */
  readonly share: Share
  /** The queue's turn as the command found it: tags of two queues compare by how far they are ahead of theirs. */
  readonly turn: number
  position: number
  job: JobRow | undefined
}

/** Answers the rows of the granted jobs, now running. */
export function lease(view: Tables, command: LeaseCommand, now: number): JobRow[] {
  const heads: Head[] = []
  const room = roomOf(view, command)
  for (const served of command.lines) {
    const { line, queue } = served
    const { paused, turn } = queueOf(view, queue)
    if (paused !== 0) continue
    needHead(view, line, Math.ceil((2 * command.slots) / command.lines.length))
    const head: Head = { line, share: served, turn, position: 0, job: undefined }
    settle(view, head)
    if (head.job !== undefined) heads.push(head)
  }
  for (const head of heads) if (command.keeps?.includes(head.line)) room.keepFor(placeOf(head))
  const { below = Number.POSITIVE_INFINITY } = command
  if (foremost(heads, below, room) === undefined) return []
  const worker = intern(view, 'worker', command.worker)
  const grant: Grant = { worker, nonce: command.nonce, local: command.local, startedAt: now }
  const granted: JobRow[] = []
  const turns = new ServedTurns()
  while (granted.length < command.slots) {
    const head = foremost(heads, below, room)
    if (head === undefined) break
    const first = head.job as JobRow
    const job = first.hint === null ? first : choose(view, head, first, command.mounts)
    const route = view.routeById(job.route)
    // Read here so that the engine has the time limits of every lease at hand.
    view.profileById(route.profile)
    // whoever is chosen among equals goes on the turn of the first of them
    turns.serve(view, route.queue, fairKeyOf(job, route), first.turn)
    const row = leasedRow(job, grant)
    view.jobs.put(row)
    granted.push(row)
    room.take(head.share)
    if (job === first) head.position++
    settle(view, head)
  }
  turns.write(view)
  return granted
}

/**
 * The row of a ready job once it is leased. A store may keep what a lease adds apart from the row, and put the two
 * together with this.
 */
export function leasedRow(job: JobRow, { worker, nonce, local, startedAt }: Grant): JobRow {
  return {
    ...job,
    state: RUNNING,
    line: RUNNING_LINE,
    rank: 0,
    turn: 0,
    expireAt: 0,
    attempt: job.attempt + 1,
    tries: job.tries + 1,
    flags: local ? job.flags | LOCAL_LEASE : job.flags & ~LOCAL_LEASE,
    worker,
    startedAt,
    logSize: 0,
    nonce,
  }
}

/** Moves a head to the next job that is still in its line. */
function settle(view: Tables, head: Head): void {
  for (; ; head.position++) {
    const id = view.lineAt(head.line, head.position)
    if (id === undefined) {
      head.job = undefined
      return
    }
    const job = view.jobs.get(id)
    if (job !== undefined && job.state === READY && job.line === head.line) {
      head.job = job
      return
    }
  }
}

/** The best of those that are equal to the first of a line, as far as the next few places of it tell. */
function choose(view: Tables, head: Head, first: JobRow, mounts: readonly Mount[] = []): JobRow {
  const ids: number[] = []
  // whether they are in memory must make no difference (D5): what is not is read
  for (let at = head.position + 1; at < head.position + BLOCK; at++) {
    const id = view.lineAt(head.line, at)
    if (id === undefined) break
    ids.push(id)
  }
  view.jobs.need(ids)
  let best = first
  for (const id of ids) {
    const job = view.jobs.get(id)
    if (job?.state !== READY || job.line !== head.line || !isEqual(first, job)) continue
    if (isPreferred(job, best, mounts)) best = job
  }
  return best
}

/** What the worker still has to give; without bounds where nothing of it is asked for. */
function roomOf(view: Tables, { capacity, worker }: LeaseCommand): Room {
  if (capacity === undefined) return NO_BOUNDS
  const known = view.names.get(nameId('worker', worker))
  return new Room(capacity, known === undefined ? undefined : view.reservedBy(known.id))
}

/** Where the job at a head stands: its urgency, and how far it is ahead of its queue. */
function placeOf({ job, turn }: Head): { readonly rank: number; readonly ahead: number } {
  const { rank, turn: own } = job as JobRow
  return { rank, ahead: own - turn }
}

function foremost(heads: readonly Head[], below: number, room: Room): Head | undefined {
  let best: Head | undefined
  for (const head of heads) {
    if (head.job === undefined || head.job.rank >= below) continue
    if (room !== NO_BOUNDS && !room.admits(head.share, placeOf(head))) continue
    if (best === undefined || before(head, best)) best = head
  }
  return best
}

function before(head: Head, other: Head): boolean {
  const a = head.job as JobRow
  const b = other.job as JobRow
  if (a.rank !== b.rank) return a.rank < b.rank
  const ahead = a.turn - head.turn - (b.turn - other.turn)
  return ahead === 0 ? a.id < b.id : ahead < 0
}
