/**
 * Dispatcher: polls that wait for work, and which of them a line with new jobs may serve.
 *
 * Never does: choosing jobs (the core's lease command does), or I/O.
 */
import type { LeaseCommand, LeaseLine } from '../core/commands/lease.ts'
import type { JobRow } from '../core/model/job.ts'
import { readyLine } from '../core/model/line.ts'
import { nameId } from '../core/model/rows.ts'
import type { PerdureError } from '../errors.ts'
import { Keepers } from './keepers.ts'
import type { Placement } from './placement.ts'
import { NO_SHARE } from './reservations.ts'
import type { WorkingSet } from './workingset.ts'

/** A worker's request for work. */
export interface Poll {
  readonly queues: readonly string[]
  readonly kinds: readonly string[]
  readonly slots: number
  readonly worker: string
  readonly isLocal: boolean
  /** Only jobs of a smaller priority. Default: any. */
  readonly below?: number
  /** What the worker can take. Default: only jobs that need nothing. */
  readonly placement?: Placement
  /**
   * Called in the moment in which jobs are granted, before that is durable: all that belongs to them is in memory now,
   * and may not be later. Nothing of it may be told before `deliver`; what is granted may be lost, and granted anew.
   */
  granted(jobs: readonly JobRow[]): void
  /** Called once, with the granted jobs, when they are durable. */
  deliver(jobs: readonly JobRow[]): void
  /** Called instead, once, when the engine has ended and will serve nobody any more. */
  fail(error: PerdureError): void
}

interface Parked extends Poll {
  lines: readonly LeaseLine[]
  /** Whether jobs of any of them reserve something. */
  isReserving: boolean
  /** Number of known classes when `lines` was made. */
  classes: number
  /** A lease command of it is on its way. */
  isBusy: boolean
  /** Nobody waits for it any more, but a lease command of it was on its way: it is delivered whatever it got. */
  isCalledOff: boolean
}

export class Dispatcher {
  readonly #parked = new Set<Poll>()
  readonly #byLine = new Map<number, Set<Parked>>()
  /** Polls for which it matters what their workers have left. */
  readonly #reserving = new Set<Parked>()
  readonly #keepers = new Keepers()
  #fresh: Parked[] = []
  /** Number of classes that all parked polls know. */
  #classes = 0

  /** Adds a poll; it is tried in the turn that follows. */
  park(poll: Poll): void {
    const parked = poll as Parked
    parked.lines = []
    parked.isReserving = false
    parked.classes = -1
    parked.isBusy = false
    parked.isCalledOff = false
    this.#parked.add(poll)
    this.#fresh.push(parked)
  }

  /** Takes a poll out. Answers false when its leases are already on their way. */
  unpark(poll: Poll): boolean {
    const parked = poll as Parked
    if (!this.#parked.delete(poll)) return false
    this.#forget(parked)
    parked.isCalledOff = parked.isBusy
    return !parked.isBusy
  }

  /** Whether a poll was called off while its lease command was on its way. */
  isCalledOff(poll: Poll): boolean {
    return (poll as Parked).isCalledOff
  }

  /** Takes out every poll: the engine has ended. */
  takeAll(): Poll[] {
    const polls = [...this.#parked]
    this.#parked.clear()
    this.#byLine.clear()
    this.#reserving.clear()
    this.#fresh = []
    return polls
  }

  /** Makes every poll be tried again: a queue was opened, or a shard reloaded. */
  retryAll(): void {
    this.#fresh = [...this.#parked] as Parked[]
  }

  /** Makes these polls be looked at anew: their worker can take something else than before. */
  retry(polls: Iterable<Poll>): void {
    for (const poll of polls) if (this.#parked.has(poll)) this.#fresh.push(poll as Parked)
  }

  /**
   * The polls to try now: new ones, and those whose lines got jobs, each line only as long as it has some.
   * A generator, since every lease that is applied between two steps takes jobs away.
   */
  *candidates(workingSet: WorkingSet): Generator<Poll> {
    const touched = workingSet.lines.takeTouched()
    const freed = workingSet.reservations.takeFreed()
    if (this.#parked.size === 0) return
    const fresh = this.#fresh
    this.#fresh = []
    if (freed.size > 0) this.#addFreed(fresh, freed, workingSet)
    for (const poll of fresh) {
      if (!this.#parked.has(poll)) continue
      this.#index(poll, workingSet)
      if (!poll.isBusy && poll.lines.some((served) => hasWork(workingSet, served))) yield poll
    }
    this.#adopt(workingSet)
    for (const line of touched) {
      for (const poll of this.#byLine.get(line) ?? []) {
        const served = poll.lines.find((other) => other.line === line)
        if (served === undefined || !hasWork(workingSet, served)) break
        if (!poll.isBusy && (!poll.isReserving || hasRoom(workingSet, poll, served))) yield poll
      }
    }
  }

  /** How many more jobs parked polls could take than their lines have in memory; counts no further than `most`. */
  demand(workingSet: WorkingSet, most: number): number {
    let demand = 0
    for (const poll of this.#parked as Set<Parked>) {
      if (poll.isBusy) continue
      if (poll.classes !== workingSet.classes.count) this.#index(poll, workingSet)
      const ready = poll.lines.reduce((sum, { line }) => sum + (workingSet.lines.get(line)?.size ?? 0), 0)
      demand += Math.max(0, poll.slots - ready)
      if (demand >= most) return most
    }
    return demand
  }

  /** The command that asks for leases for a poll. */
  command(poll: Poll, workingSet: WorkingSet, nonce: () => string): LeaseCommand {
    const parked = poll as Parked
    parked.isBusy = true
    const { lines, slots, worker, isLocal, below, placement } = parked
    const base: LeaseCommand = { type: 'lease', lines, worker, local: isLocal, slots, nonce: nonce() }
    const command = placement === undefined ? base : { ...base, mounts: placement.mounts }
    const urgent = below === undefined ? command : { ...command, below }
    return parked.isReserving ? this.#withRoom(urgent, parked, workingSet) : urgent
  }

  /** Says what the worker has to give, and for which lines it keeps it: those whose jobs do not fit now. */
  #withRoom(command: LeaseCommand, poll: Parked, workingSet: WorkingSet): LeaseCommand {
    const { capacity } = poll.placement as Placement
    const { reservations } = workingSet
    const isBusy = (worker: number): boolean => reservations.of(worker) !== NO_SHARE
    const id = idOf(workingSet, poll)
    const keeps: number[] = []
    for (const served of poll.lines) {
      if (id === undefined || hasRoom(workingSet, poll, served) || !hasWork(workingSet, served)) continue
      if (this.#keepers.isKeeper(served.line, id, isBusy)) keeps.push(served.line)
    }
    return { ...command, capacity, keeps }
  }

  /** Workers of which something was given back may take what did not fit before. */
  #addFreed(fresh: Parked[], freed: ReadonlySet<number>, workingSet: WorkingSet): void {
    for (const poll of this.#reserving) {
      const id = idOf(workingSet, poll)
      if (id === undefined || freed.has(id)) fresh.push(poll)
    }
  }

  /** A lease command was applied: a poll that got something is done, one that did not stays parked. */
  settled(poll: Poll, granted: number): void {
    const parked = poll as Parked
    parked.isBusy = false
    if (granted > 0) {
      this.#parked.delete(poll)
      this.#forget(parked)
    }
  }

  /** Classes were made since polls were parked: some of them may be theirs. */
  #adopt(workingSet: WorkingSet): void {
    if (this.#classes === workingSet.classes.count) return
    this.#classes = workingSet.classes.count
    for (const poll of this.#parked as Set<Parked>) {
      if (poll.classes !== workingSet.classes.count) this.#index(poll, workingSet)
    }
  }

  #index(poll: Parked, workingSet: WorkingSet): void {
    this.#forget(poll)
    poll.lines = linesOf(poll, workingSet)
    poll.classes = workingSet.classes.count
    poll.isReserving = poll.lines.some(({ cpus, memory }) => cpus > 0 || memory > 0)
    if (poll.isReserving) this.#reserving.add(poll)
    for (const { line } of poll.lines) {
      const polls = this.#byLine.get(line)
      if (polls === undefined) this.#byLine.set(line, new Set([poll]))
      else polls.add(poll)
    }
  }

  #forget(poll: Parked): void {
    if (poll.isReserving) this.#reserving.delete(poll)
    for (const { line } of poll.lines) {
      const polls = this.#byLine.get(line)
      polls?.delete(poll)
      if (polls?.size === 0) this.#byLine.delete(line)
    }
    poll.lines = []
  }
}

function linesOf(poll: Poll, { names, classes }: WorkingSet): LeaseLine[] {
  const lines: LeaseLine[] = []
  for (const queueText of poll.queues) {
    const queue = names.peek(`queue:${queueText}`)
    if (queue === undefined) continue
    for (const kindText of poll.kinds) {
      const kind = names.peek(`kind:${kindText}`)
      if (kind === undefined) continue
      const found = names.peek(`class:${queue.id}:${kind.id}`)
      if (found !== undefined) lines.push({ line: readyLine(found.id), queue: queue.id, cpus: 0, memory: 0 })
      for (const other of classes.of(queue.id, kind.id)) {
        if (poll.placement?.takes(other) !== true) continue
        lines.push({ line: readyLine(other.id), queue: queue.id, ...other.share })
      }
    }
  }
  return lines
}

/** Whether a job of a line fits into what the worker has left. */
function hasRoom(workingSet: WorkingSet, poll: Poll, { cpus, memory }: LeaseLine): boolean {
  if (cpus === 0 && memory === 0) return true
  const { capacity } = poll.placement as Placement
  const id = idOf(workingSet, poll)
  const reserved = id === undefined ? NO_SHARE : workingSet.reservations.of(id)
  return cpus <= capacity.cpus - reserved.cpus && memory <= capacity.memory - reserved.memory
}

/** The interned name of a poll's worker; undefined for one that was never leased anything, or long ago. */
function idOf({ names }: WorkingSet, poll: Poll): number | undefined {
  return names.peek(nameId('worker', poll.worker))?.id
}

/** Whether a line of an open queue may have work. One that is not in memory may: trying it makes it be read. */
function hasWork({ lines, queues }: WorkingSet, { line, queue }: LeaseLine): boolean {
  if (queues.peek(queue)?.paused === 1) return false
  const index = lines.get(line)
  return index === undefined || !index.empty
}
