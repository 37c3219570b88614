/**
 * Polling: at most one question per group of queues is out, and it parks until there is work.
 *
 * Owns: questions that are out, and when to ask again after a failure. Never starts anything: leases go to
 * the callback, in order of arrival.
 */
import type { Lease, WorkerSession } from '../client/client.ts'
import type { Clock } from '../runtime/clock.ts'
import { asError, Backoff, isRetryable } from './backoff.ts'
import type { SlotGroup, Slots } from './slots.ts'

/** What a poller needs of its worker. */
export interface PollerHost {
  /** Leases that came; called in the turn in which they arrive. */
  onLeases(group: SlotGroup, leases: readonly Lease[]): void
  onPollError(error: Error): void
  /** Asks to be called again (`ask`) at the given moment, monotonic ms. */
  wakeBy(at: number): void
  /** Something came back; there may be more to ask for. */
  onSettled(): void
}

interface Question {
  readonly controller: AbortController
  readonly backoff: Backoff
  out: boolean
}

/** An answer of nothing that comes sooner than this was no parking; asking again at once would spin. */
const PARKED_MS = 5
const SPIN_PAUSE_MS = 50
/** After an error that trying again does not help: the longest pause, for an operator may mend it. */
const HOPELESS_PAUSE_MS = 30_000

/** The questions of one worker. */
export class Poller {
  readonly #session: WorkerSession
  readonly #slots: Slots
  readonly #kinds: readonly string[]
  readonly #clock: Clock
  readonly #host: PollerHost
  readonly #questions = new Map<SlotGroup, Question>()
  #out = 0
  #isClosed = false

  constructor(
    session: WorkerSession,
    slots: Slots,
    kinds: readonly string[],
    clock: Clock,
    host: PollerHost,
  ) {
    this.#session = session
    this.#slots = slots
    this.#kinds = kinds
    this.#clock = clock
    this.#host = host
  }

  /** Questions that are out. */
  get out(): number {
    return this.#out
  }

  /** Asks for as much as there is room for. */
  ask(): void {
    if (this.#isClosed) return
    const now = this.#clock.monotonic()
    const { asks, recall, lookAgainAt } = this.#slots.plan(now)
    for (const { group, slots } of asks) this.#poll(group, slots, now)
    if (recall !== undefined) {
      recall.modest = true
      this.#questions.get(recall)?.controller.abort()
    }
    if (lookAgainAt < Number.POSITIVE_INFINITY) this.#host.wakeBy(lookAgainAt)
  }

  #poll(group: SlotGroup, slots: number, now: number): void {
    const backoff = this.#questions.get(group)?.backoff ?? new Backoff(100, 10_000)
    const question: Question = { controller: new AbortController(), backoff, out: true }
    this.#questions.set(group, question)
    group.asked = slots
    group.askedAt = now
    this.#out++
    const request = { queues: group.queues, kinds: this.#kinds, slots }
    this.#session.poll(request, question.controller.signal).then(
      (leases) => {
        this.#onAnswer(group, question, leases)
      },
      (error: unknown) => {
        this.#onFailure(group, question, error)
      },
    )
  }

  #onAnswer(group: SlotGroup, question: Question, leases: readonly Lease[]): void {
    const askedAt = group.askedAt
    this.#settle(group, question)
    question.backoff.reset()
    if (leases.length > 0) {
      group.modest = false
      this.#host.onLeases(group, leases)
    } else if (!question.controller.signal.aborted) {
      const now = this.#clock.monotonic()
      if (now - askedAt < PARKED_MS) group.notBefore = now + SPIN_PAUSE_MS
    }
    this.#host.onSettled()
  }

  #onFailure(group: SlotGroup, question: Question, error: unknown): void {
    this.#settle(group, question)
    if (!question.controller.signal.aborted) {
      const pause = question.backoff.next(error)
      group.notBefore = this.#clock.monotonic() + (isRetryable(error) ? pause : HOPELESS_PAUSE_MS)
      this.#host.onPollError(asError(error))
    }
    this.#host.onSettled()
  }

  #settle(group: SlotGroup, question: Question): void {
    question.out = false
    group.asked = 0
    this.#out--
  }

  /** Calls back what is out; it is asked for anew, with the slots that there are then. */
  recall(): void {
    for (const question of this.#questions.values()) if (question.out) question.controller.abort()
  }

  /** Calls back what is out and asks nothing more. Answers that still come are handed on as ever. */
  close(): void {
    this.#isClosed = true
    this.recall()
  }
}
