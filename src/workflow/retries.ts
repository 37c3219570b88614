/**
 * Retries: steps of one run that failed and are to be tried again later, as the journal tells.
 */
import type { JournalRow, Retry } from '../core/model/journal.ts'

export class Retries {
  readonly #waiting = new Map<number, Retry>()
  readonly #due = new Set<number>()

  /** A step failed, and stands open until its time has come. */
  open({ position, value }: JournalRow): void {
    this.#waiting.set(position, JSON.parse(value as string) as Retry)
  }

  /** The time of a step has come. */
  fire(position: number): void {
    if (this.#waiting.has(position)) this.#due.add(position)
  }

  /** A step is to be tried no more. */
  forget(position: number): void {
    this.#waiting.delete(position)
    this.#due.delete(position)
  }

  /** Takes out those whose time has come: nothing that is on record tells any more what became of them. */
  takeDue(): (readonly [position: number, retry: Retry])[] {
    const due = [...this.#due].map((position) => [position, this.#waiting.get(position) as Retry] as const)
    this.#due.clear()
    return due
  }
}
