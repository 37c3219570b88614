/**
 * Arrivals: who waits for rows that runs write, and is told once they are durable.
 */
import type { JournalRow } from '../../core/model/journal.ts'

type Listener = (rows: readonly JournalRow[]) => void

export class Arrivals {
  readonly #listeners = new Map<number, Set<Listener>>()

  /** Calls back with what a run writes from now on. Answers how to call it off. */
  onRows(run: number, listener: Listener): () => void {
    const listeners = this.#listeners.get(run) ?? new Set()
    this.#listeners.set(run, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(run) === listeners) this.#listeners.delete(run)
    }
  }

  /** A run has written something. */
  tell(run: number, rows: readonly JournalRow[]): void {
    if (this.#listeners.size === 0) return
    for (const listener of this.#listeners.get(run) ?? []) listener(rows)
  }
}
