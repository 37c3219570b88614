/**
 * Giving way: a long handler lends its slot, at a point that it chooses, to a job that is more urgent.
 *
 * Owns: which attempts have lent their slots, and when each gets one back. The attempt stays what it is: leased, renewed,
 * in memory, not started again. Nothing is leased before a slot is there for it.
 */
import type { Lease, WorkerSession } from '../client/client.ts'
import type { Clock } from '../runtime/clock.ts'
import { RUNNING, type RunningAttempt } from './running.ts'
import type { SlotGroup, Slots } from './slots.ts'

/** What this needs of its worker. */
export interface YieldHost {
  readonly slots: Slots
  readonly kinds: readonly string[]
  readonly clock: Clock
  session(): WorkerSession | undefined
  onLeases(group: SlotGroup, leases: readonly Lease[]): void
  onYieldError(error: unknown): void
}

/** Handlers may come by here in every turn of a loop; more often than this nobody is asked for them. Ms. */
const ASK_EVERY_MS = 50

/** The attempts of one worker that give way. */
export class Yielding {
  readonly #host: YieldHost
  readonly #waiting = new Map<RunningAttempt, () => void>()
  readonly #askedAt = new Map<SlotGroup, number>()

  constructor(host: YieldHost) {
    this.#host = host
  }

  /** Attempts that wait for a slot. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves at once where nothing more urgent waits; otherwise when there is a slot again, or a stop. */
  async giveWay(attempt: RunningAttempt): Promise<void> {
    const { group } = attempt
    const session = this.#host.session()
    if (session === undefined || !this.#mayLend(attempt)) return
    const now = this.#host.clock.monotonic()
    if (now - (this.#askedAt.get(group) ?? Number.NEGATIVE_INFINITY) < ASK_EVERY_MS) return
    this.#askedAt.set(group, now)
    const { queues } = group
    const request = { queues, kinds: this.#host.kinds, slots: 1, below: attempt.lease.priority, once: true }
    let leases: Lease[]
    // lent before it is asked for, and counted as asked, so that what comes never runs beside its lender
    attempt.hasLent = true
    group.taken--
    group.asked = 1
    try {
      leases = await session.poll(request)
    } catch (error) {
      this.#host.onYieldError(error)
      leases = []
    }
    group.asked = 0
    if (leases.length === 0) this.#giveBack(attempt)
    else this.#host.onLeases(group, leases)
    if (!attempt.hasLent) return
    await new Promise<void>((resolve) => {
      this.#waiting.set(attempt, resolve)
    })
  }

  /** Only a full worker has anything to give: elsewhere the urgent job has a slot of its own. */
  #mayLend(attempt: RunningAttempt): boolean {
    const { group } = attempt
    const { slots } = this.#host
    if (attempt.phase !== RUNNING || attempt.stopReason !== undefined || attempt.hasLent) return false
    return group.asked === 0 && (group.taken >= group.limit || slots.free === 0)
  }

  #giveBack(attempt: RunningAttempt): void {
    if (!attempt.hasLent) return
    attempt.hasLent = false
    attempt.group.taken++
    this.#waiting.get(attempt)?.()
    this.#waiting.delete(attempt)
  }

  /** Slots have become free: those that lent theirs come before all new work, the longest waiting first. */
  resume(): void {
    for (const attempt of [...this.#waiting.keys()]) {
      const { group } = attempt
      if (group.taken + group.asked < group.limit && this.#host.slots.free > 0) this.#giveBack(attempt)
    }
  }

  /** An attempt is asked to stop: it has to hear of it, slot or not. */
  release(attempt: RunningAttempt): void {
    if (attempt.hasLent) this.#giveBack(attempt)
  }

  /** An attempt has ended while it had no slot. */
  forget(attempt: RunningAttempt): void {
    attempt.hasLent = false
    this.#waiting.get(attempt)?.()
    this.#waiting.delete(attempt)
  }
}
