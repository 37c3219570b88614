/**
 * Live: what must hold after every command that an engine applies, on a copy of the rows that is kept apart
 * from the engine's own.
 */
import type { Command } from '../../src/core/apply.ts'
import type { ImportCommand } from '../../src/core/commands/import.ts'
import { type JobRow, LOCAL_LEASE, limitsOf } from '../../src/core/model/job.ts'
import type { Profile } from '../../src/core/model/profile.ts'
import type { Share } from '../../src/core/model/requirements.ts'
import { READY, RUNNING, SCHEDULED, stateName, WAITING } from '../../src/core/model/states.ts'
import { BLOCK } from '../../src/core/policy/hints.ts'
import type { WorkingSet } from '../../src/engine/workingset.ts'
import { PerdureError } from '../../src/errors.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import type { Batch } from '../../src/store/store.ts'
import { must } from '../violation.ts'
import { attributesOf } from '../world/worker.ts'
import { checkMove, checkRow, isSameRow } from './rows.ts'

/** What only the history of calls can tell. */
export interface Knowledge {
  /** Whether anybody asked for the job to run before its time. */
  mayBeEarly(job: number): boolean
}

/** A lease as it was renewed last, shard time, and for how long. */
interface Lease {
  renewedAt: number
  readonly termMs: number
}

/** The process whose engine is checked. */
interface Owner {
  readonly name: string
  /** When it was away last: a pause, or a clock that was set forward. */
  readonly clock: { readonly absence: { readonly from: number; readonly to: number } }
}

export class LiveChecker {
  readonly #owner: Owner
  readonly #tables: Tables
  readonly #knowledge: Knowledge
  readonly #rows = new Map<number, JobRow>()
  /** Jobs changed since the last commit was issued. */
  #dirty = new Set<number>()
  /** Jobs changed by the command that is being applied, as they were before it. */
  #touched = new Map<number, JobRow | undefined>()
  #holders = new Map<number, Set<number>>()
  #waiters = new Map<number, Set<number>>()
  #ready = new Map<number, Set<number>>()
  #isSuperseded = false
  /** The lease of each job that runs. */
  readonly #leases = new Map<number, Lease>()
  /** Holders of each limit after the last command that touched it. */
  readonly #before = new Map<number, number>()

  constructor(owner: Owner, tables: Tables, knowledge: Knowledge) {
    this.#owner = owner
    this.#tables = tables
    this.#knowledge = knowledge
  }

  /** An engine reads the shard anew: what it goes on from is what the disk has. */
  reset(now: number): void {
    this.#rows.clear()
    this.#before.clear()
    this.#dirty = new Set()
    this.#touched = new Map()
    this.#holders = new Map()
    this.#waiters = new Map()
    this.#ready = new Map()
    this.#leases.clear()
    for (const row of this.#tables.jobs.values()) {
      this.#rows.set(row.id, row)
      this.#index(row, 1)
      if (row.nonce === null) continue
      const route = this.#tables.routesById.get(row.route)
      const profile = this.#tables.profilesById.get(route?.profile ?? 0)
      const { timeouts } = JSON.parse(profile?.text ?? '') as Profile
      this.#leases.set(row.id, { renewedAt: now, termMs: timeouts.heartbeatMs })
    }
  }

  /** The engine works from here on: its time may have begun before that of the reading, where a clock was set back meanwhile. */
  begin(now: number): void {
    for (const lease of this.#leases.values()) lease.renewedAt = Math.min(lease.renewedAt, now)
  }

  /** A heartbeat was accepted. */
  onRenewed(job: number, attempt: number, nonce: string, now: number): void {
    this.#checkToken('a heartbeat', job, attempt, nonce, this.#rows.get(job))
    const lease = this.#leases.get(job)
    if (lease !== undefined) lease.renewedAt = now
  }

  get isSuperseded(): boolean {
    return this.#isSuperseded
  }

  /** Another owner has the shard: what this one still does is fenced off, and may mix the rows of both. */
  supersede(): void {
    this.#isSuperseded = true
  }

  /** One job's way through one command. */
  onJob(before: JobRow | undefined, after: JobRow | undefined, at: number, workingSet: WorkingSet): void {
    const row = after ?? before
    if (row === undefined || this.#isSuperseded) return
    const known = this.#rows.get(row.id)
    must(
      'D4',
      isSameRow(before, known),
      () => `${this.#owner.name} changes job ${row.id} from a row it never had`,
    )
    this.#touched.set(row.id, before)
    this.#dirty.add(row.id)
    if (before !== undefined) this.#index(before, -1)
    if (after === undefined) this.#rows.delete(row.id)
    else {
      this.#rows.set(after.id, after)
      this.#index(after, 1)
      checkRow(after)
    }
    checkMove(before, after, true)
    if (after !== undefined) this.#checkTime(before, after, at, workingSet)
  }

  #checkTime(before: JobRow | undefined, after: JobRow, at: number, workingSet: WorkingSet): void {
    if (before?.state === SCHEDULED && (after.state === READY || after.state === WAITING)) {
      const isEarly = at < before.rank && !this.#knowledge.mayBeEarly(after.id)
      must('T1', !isEarly, () => `job ${after.id}, due at ${before.rank}, moved on at ${at}`)
    }
    if (after.state === RUNNING && before?.state !== RUNNING) {
      // the command that grants a lease has looked at these: later they may not be in memory
      const { retry, timeouts } = workingSet.profileById(workingSet.routeById(after.route).profile)
      this.#leases.set(after.id, { renewedAt: at, termMs: timeouts.heartbeatMs })
      must(
        'L7',
        after.tries <= retry.attempts,
        () => `job ${after.id} begins try ${after.tries} of ${retry.attempts}`,
      )
    }
  }

  /** An attempt was ended because nothing was heard of its worker. */
  #checkReaped(before: JobRow, at: number): void {
    const { absence } = this.#owner.clock
    const { renewedAt: heardAt, termMs } = this.#leases.get(before.id) as Lease
    if ((before.flags & LOCAL_LEASE) !== 0) return
    // an owner that was away could not hear of renewals; a clock that was set back again saw no absence
    const wasAway = absence.from < heardAt + termMs && absence.to <= at
    const renewedAt = wasAway ? Math.max(absence.to, heardAt) : heardAt
    const isEarly = at < renewedAt + termMs
    must(
      'L5',
      !isEarly,
      () => `the lease of job ${before.id}, renewed at ${renewedAt} for ${termMs}, reaped at ${at}`,
    )
  }

  #checkToken(what: string, job: number, attempt: number, nonce: string, row: JobRow | undefined): void {
    if (this.#isSuperseded) return
    must(
      what === 'lose' ? 'L6' : 'L2',
      row?.attempt === attempt && row.nonce === nonce,
      () => `${what} of ${job}.${attempt}.${nonce} was accepted; the lease is ${row?.attempt}.${row?.nonce}`,
    )
  }

  /** All changes of a command have been seen. */
  onCommand(command: Command, reply: unknown, at: number, workingSet: WorkingSet): void {
    if (this.#isSuperseded) return
    const touched = this.#touched
    this.#touched = new Map()
    const isAccepted = reply === true || (command.type === 'record' && reply !== false && !isRefusal(reply))
    if ('nonce' in command && 'job' in command && isAccepted) {
      const { type, job, attempt, nonce } = command
      // a report that is told again changes nothing, and is answered as the first time
      const row = touched.has(job) ? touched.get(job) : this.#rows.get(job)
      if (type !== 'report' || touched.size > 0) this.#checkToken(type, job, attempt, nonce, row)
    }
    if (command.type === 'import') checkApart(command, touched)
    const lost = command.type === 'lose' && command.cause === 'lost' ? touched.get(command.job) : undefined
    if (lost !== undefined) this.#checkReaped(lost, at)
    const limits = new Set<number>()
    for (const [id, before] of touched) {
      const after = this.#rows.get(id)
      if (after?.state !== RUNNING) this.#leases.delete(id)
      for (const row of [before, after])
        if (row !== undefined) for (const limit of limitsOf(row)) limits.add(limit)
      if (before?.state === READY && after?.state === RUNNING) this.#checkOrder(before)
    }
    for (const limit of limits) this.#checkLimit(limit, workingSet)
    if (workingSet.classes.isReserving) this.#checkShares(touched, workingSet)
    if (command.type === 'lease') this.#checkRoom(command.worker, reply as readonly JobRow[], workingSet)
  }

  /** What is reserved of workers is what their leases say. */
  #checkShares(touched: ReadonlyMap<number, JobRow | undefined>, workingSet: WorkingSet): void {
    const workers = new Set<number>()
    for (const [id, before] of touched)
      for (const row of [before, this.#rows.get(id)]) if (row?.state === RUNNING) workers.add(row.worker)
    for (const worker of workers) {
      const sum: { cpus: number; memory: number } = { cpus: 0, memory: 0 }
      for (const row of this.#rows.values()) {
        if (row.state !== RUNNING || row.worker !== worker) continue
        const { cpus, memory } = this.#shareOf(row, workingSet)
        sum.cpus += cpus
        sum.memory += memory
      }
      const known = workingSet.reservations.of(worker)
      const isEqual = known.cpus === sum.cpus && known.memory === sum.memory
      const told = (): string =>
        `worker ${worker} reserves ${JSON.stringify(known)}, its jobs ${JSON.stringify(sum)}`
      must('C9', isEqual, told)
    }
  }

  /** No worker gives more than it has. */
  #checkRoom(name: string, [granted]: readonly JobRow[], workingSet: WorkingSet): void {
    if (granted === undefined) return
    const { cpus, memory } = workingSet.reservations.of(granted.worker)
    const most = attributesOf(name)
    const told = (): string => `the jobs of ${name} reserve ${cpus} cpus and ${memory} bytes`
    must('C10', cpus <= most.cpus && memory <= most.memory, told)
  }

  #shareOf(row: JobRow, workingSet: WorkingSet): Share {
    const route = workingSet.routes.peekById(row.route) ?? this.#tables.routesById.get(row.route)
    return workingSet.classes.get(route?.class ?? 0)?.share ?? { cpus: 0, memory: 0 }
  }

  /** Nobody who stood before this one in its line is left behind. */
  #checkOrder(granted: JobRow): void {
    for (const id of this.#ready.get(granted.line) ?? []) {
      const other = this.#rows.get(id) as JobRow
      const isBehind =
        other.rank !== granted.rank
          ? other.rank > granted.rank
          : other.turn !== granted.turn
            ? other.turn > granted.turn
            : other.id > granted.id
      must(
        'C8',
        isBehind || mayBeChosen(granted, other),
        () => `job ${granted.id} was leased while job ${id} stood before it in its line`,
      )
    }
  }

  #checkLimit(limit: number, workingSet: WorkingSet): void {
    const holders = this.#holders.get(limit)?.size ?? 0
    const waiters = this.#waiters.get(limit)
    const max = (workingSet.limits.peek(limit) ?? this.#tables.limits.get(limit))?.max ?? 0
    const before = this.#before.get(limit) ?? holders
    this.#before.set(limit, holders)
    must('C1', holders <= max || holders <= before, () => `limit ${limit} of ${max} has ${holders} holders`)
    const isFree = holders < max && (waiters?.size ?? 0) > 0
    must('C5', !isFree, () => `limit ${limit} of ${max} has ${holders} holders, and ${waiters?.size} wait`)
    for (const id of waiters ?? []) {
      must(
        'C4',
        this.#holders.get(limit)?.has(id) !== true,
        () => `job ${id} holds limit ${limit} and waits for it`,
      )
    }
  }

  /** What goes into a commit is what has changed, all of it. */
  onIssued(batch: Batch): void {
    if (this.#isSuperseded) return
    const carried = new Set<number>()
    for (const { before, after } of batch.jobs) {
      const id = (after ?? before)?.id ?? 0
      carried.add(id)
      const live = this.#rows.get(id)
      must(
        'D4',
        isSameRow(after, live),
        () => `commit ${batch.sequence} carries another row of job ${id} than the live one`,
      )
    }
    for (const id of this.#dirty) {
      if (carried.has(id)) continue
      const isBack = isSameRow(this.#rows.get(id), this.#tables.jobs.get(id))
      must('D4', isBack, () => `commit ${batch.sequence} leaves out a change of job ${id}`)
    }
    this.#dirty = new Set()
  }

  #index(row: JobRow, sign: 1 | -1): void {
    if (row.state === READY) note(this.#ready, row.line, row.id, sign)
    if (row.limits === null) return
    const limits = limitsOf(row)
    for (let i = 0; i < row.taken; i++) note(this.#holders, limits[i] as number, row.id, sign)
    if (row.state !== WAITING) return
    const limit = limits[row.taken]
    must('C4', limit !== undefined, () => `job ${row.id} is ${stateName(row.state)} for no limit`)
    note(this.#waiters, limit as number, row.id, sign)
  }
}

const isRefusal = (reply: unknown): boolean => reply instanceof PerdureError

/** Among equals a job may be chosen before another, within a block of turns; see core/policy/hints. */
function mayBeChosen(granted: JobRow, other: JobRow): boolean {
  const block = ({ turn }: JobRow): number => Math.floor(turn / BLOCK)
  return granted.hint !== null && granted.rank === other.rank && block(granted) === block(other)
}

function note(sets: Map<number, Set<number>>, key: number, id: number, sign: 1 | -1): void {
  let set = sets.get(key)
  if (set === undefined) {
    set = new Set()
    sets.set(key, set)
  }
  if (sign === 1) set.add(id)
  else set.delete(id)
}

/** A fork begins with the past of another run, and leaves that, and all else, as it is. */
function checkApart({ jobs }: ImportCommand, touched: ReadonlyMap<number, JobRow | undefined>): void {
  if (jobs.every(({ journal }) => journal.length === 0)) return
  for (const [id, before] of touched) {
    must('W8', before === undefined, () => `job ${id} is changed by the making of a fork`)
  }
}
