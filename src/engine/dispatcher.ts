/**
 * Dispatcher: polls that wait for work, and which of them a line with new jobs may serve.
 *
 * Never does: choosing jobs (the core's lease command does), or I/O.
 */
import type { LeaseCommand } from '../core/commands/lease.ts'
import type { JobRow } from '../core/model/job.ts'
import { readyLine } from '../core/model/line.ts'
import type { PerdureError } from '../errors.ts'
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

/** A line that a poll serves, and the queue it belongs to. */
interface Served {
  readonly line: number
  readonly queue: number
}

interface Parked extends Poll {
  lines: readonly Served[]
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
  #fresh: Parked[] = []
  /** Number of classes that all parked polls know. */
  #classes = 0

  /** Adds a poll; it is tried in the turn that follows. */
  park(poll: Poll): void {
    const parked = poll as Parked
    parked.lines = []
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
    this.#fresh = []
    return polls
  }

  /** Makes every poll be tried again: a queue was opened, or a shard reloaded. */
  retryAll(): void {
    this.#fresh = [...this.#parked] as Parked[]
  }

  /**
   * The polls to try now: new ones, and those whose lines got jobs, each line only as long as it has some.
   * A generator, since every lease that is applied between two steps takes jobs away.
   */
  *candidates(workingSet: WorkingSet): Generator<Poll> {
    const touched = workingSet.lines.takeTouched()
    if (this.#parked.size === 0) return
    const fresh = this.#fresh
    this.#fresh = []
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
        if (!poll.isBusy) yield poll
      }
    }
  }

  /** How many more jobs parked polls could take than their lines have in memory; counts no further than `most`. */
  demand(workingSet: WorkingSet, most: number): number {
    let demand = 0
    for (const poll of this.#parked as Set<Parked>) {
      if (poll.isBusy) continue
      if (poll.classes !== workingSet.classes) this.#index(poll, workingSet)
      const ready = poll.lines.reduce((sum, { line }) => sum + (workingSet.lines.get(line)?.size ?? 0), 0)
      demand += Math.max(0, poll.slots - ready)
      if (demand >= most) return most
    }
    return demand
  }

  /** The command that asks for leases for a poll. */
  command(poll: Poll, nonce: () => string): LeaseCommand {
    const parked = poll as Parked
    parked.isBusy = true
    const { lines, slots, worker, isLocal, below } = parked
    const command: LeaseCommand = { type: 'lease', lines, worker, local: isLocal, slots, nonce: nonce() }
    return below === undefined ? command : { ...command, below }
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
    if (this.#classes === workingSet.classes) return
    this.#classes = workingSet.classes
    for (const poll of this.#parked as Set<Parked>) {
      if (poll.classes !== workingSet.classes) this.#index(poll, workingSet)
    }
  }

  #index(poll: Parked, workingSet: WorkingSet): void {
    this.#forget(poll)
    poll.lines = linesOf(poll, workingSet)
    poll.classes = workingSet.classes
    for (const { line } of poll.lines) {
      const polls = this.#byLine.get(line)
      if (polls === undefined) this.#byLine.set(line, new Set([poll]))
      else polls.add(poll)
    }
  }

  #forget(poll: Parked): void {
    for (const { line } of poll.lines) {
      const polls = this.#byLine.get(line)
      polls?.delete(poll)
      if (polls?.size === 0) this.#byLine.delete(line)
    }
    poll.lines = []
  }
}

function linesOf(poll: Poll, { names }: WorkingSet): Served[] {
  const lines: Served[] = []
  for (const queueText of poll.queues) {
    const queue = names.peek(`queue:${queueText}`)
    if (queue === undefined) continue
    for (const kindText of poll.kinds) {
      const kind = names.peek(`kind:${kindText}`)
      const found = kind === undefined ? undefined : names.peek(`class:${queue.id}:${kind.id}`)
      if (found !== undefined) lines.push({ line: readyLine(found.id), queue: queue.id })
    }
  }
  return lines
}

/** Whether a line of an open queue may have work. One that is not in memory may: trying it makes it be read. */
function hasWork({ lines, queues }: WorkingSet, { line, queue }: Served): boolean {
  if (queues.peek(queue)?.paused === 1) return false
  const index = lines.get(line)
  return index === undefined || !index.empty
}
