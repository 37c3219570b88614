/**
 * lease: gives ready jobs to a worker, in order of (priority, turn, id) over all the lines it serves.
 */
import { type JobRow, LOCAL_LEASE } from '../model/job.ts'
import { RUNNING_LINE } from '../model/line.ts'
import { READY, RUNNING } from '../model/states.ts'
import { fairKeyOf, queueOf, ServedTurns } from '../policy/fairness.ts'
import { needHead } from '../policy/heads.ts'
import { intern, type View } from '../view.ts'

export interface LeaseCommand {
  readonly type: 'lease'
  /** Ready lines that the worker serves, with the queue of each. */
  readonly lines: readonly { readonly line: number; readonly queue: number }[]
  readonly worker: string
  /** The worker lives in the owner's process and dies with it. */
  readonly local: boolean
  /** Only jobs of a smaller priority. Default: any. */
  readonly below?: number
  /** Most leases to grant. */
  readonly slots: number
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
  'jobs' | 'queues' | 'fair' | 'names' | 'nextNameId' | 'lineAt' | 'headSize' | 'routeById' | 'profileById'
>

interface Head {
  readonly line: number
  /** The queue's turn as the command found it: tags of two queues compare by how far they are ahead of theirs. */
  readonly turn: number
  position: number
  job: JobRow | undefined
}

/** Answers the rows of the granted jobs, now running. */
export function lease(view: Tables, command: LeaseCommand, now: number): JobRow[] {
  const heads: Head[] = []
  for (const { line, queue } of command.lines) {
    const { paused, turn } = queueOf(view, queue)
    if (paused !== 0) continue
    needHead(view, line, Math.ceil((2 * command.slots) / command.lines.length))
    const head: Head = { line, turn, position: 0, job: undefined }
    settle(view, head)
    if (head.job !== undefined) heads.push(head)
  }
  const { below = Number.POSITIVE_INFINITY } = command
  if (first(heads, below) === undefined) return []
  const worker = intern(view, 'worker', command.worker)
  const grant: Grant = { worker, nonce: command.nonce, local: command.local, startedAt: now }
  const granted: JobRow[] = []
  const turns = new ServedTurns()
  while (granted.length < command.slots) {
    const head = first(heads, below)
    if (head === undefined) break
    const job = head.job as JobRow
    const route = view.routeById(job.route)
    // Read here so that the engine has the time limits of every lease at hand.
    view.profileById(route.profile)
    turns.serve(view, route.queue, fairKeyOf(job, route), job.turn)
    const row = leasedRow(job, grant)
    view.jobs.put(row)
    granted.push(row)
    head.position++
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

function first(heads: readonly Head[], below: number): Head | undefined {
  let best: Head | undefined
  for (const head of heads) {
    if (head.job === undefined || head.job.rank >= below) continue
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
