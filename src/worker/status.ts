/**
 * What a worker tells about itself: how many attempts ended how, and what went wrong last.
 *
 * Owns: the counts, and when it is time to tell. Never decides anything by them.
 */
import type { WorkerSession } from '../client/client.ts'
import type { WorkerStatus } from '../client/types.ts'

/** Operators look with eyes; more often than this helps none of them. Ms. */
const TELL_EVERY_MS = 5_000
/** An error is told in so many characters. */
const MOST_ERROR = 500

/** What does not change in the life of a worker, except at a resize. */
export type Fixed = Pick<WorkerStatus, 'startedAt' | 'kinds' | 'queues' | 'supervisor' | 'attributes'>

/** The status of one worker. */
export class Status {
  readonly #fixed: Fixed
  readonly #ended: Record<string, number> = {}
  #lastError: string | undefined
  #paths: Readonly<Record<string, boolean>> | undefined
  #isChanged = true
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(fixed: Fixed) {
    this.#fixed = fixed
  }

  /** An attempt has ended. */
  count(outcome: string): void {
    this.#ended[outcome] = (this.#ended[outcome] ?? 0) + 1
    this.#isChanged = true
  }

  /** Something went wrong that no job can be blamed for. */
  note(error: Error): void {
    this.#lastError = error.message.slice(0, MOST_ERROR)
    this.#isChanged = true
  }

  /** It was looked for paths; jobs wait for the answer, so it is told next. */
  found(paths: Readonly<Record<string, boolean>>): void {
    this.#paths = paths
    this.touch()
  }

  /** Makes the next `tell` tell. */
  touch(): void {
    this.#isChanged = true
    this.#toldAt = Number.NEGATIVE_INFINITY
  }

  /** Tells what has changed, not too often. */
  tell(session: WorkerSession, state: WorkerStatus['state'], slots: number, now: number): void {
    if (!this.#isChanged || now - this.#toldAt < TELL_EVERY_MS) return
    this.#isChanged = false
    this.#toldAt = now
    const error = this.#lastError === undefined ? {} : { lastError: this.#lastError }
    const paths = this.#paths === undefined ? {} : { paths: this.#paths }
    session.tell({ ...this.#fixed, state, slots, ended: { ...this.#ended }, ...error, ...paths })
  }
}
