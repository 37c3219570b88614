/**
 * Waits: what the code of a run waits for, by position, and how rows of the journal settle it.
 *
 * Owns: which positions are open, and what is left of those that were let go of. Never does: asking for anything.
 */
import { type JournalRow, OPEN, SIGNAL, STEP, TIMER } from '../core/model/journal.ts'
import { type Pending, settle } from './pending.ts'
import { Retries } from './retries.ts'
import type { Undo } from './undo.ts'

/** What followed from a row. */
export interface Taken {
  /** What would undo the step that has settled. */
  readonly undo?: Undo | undefined
  /** A signal of this name came for a wait that had been let go of. */
  readonly passOn?: string
}

export class Waits {
  readonly #waiting = new Map<number, Pending>()
  readonly #retries = new Retries()
  /** Signals that are waited for no more, by position: one may have come before the engine has heard of that. */
  readonly #lostSignals = new Map<number, string>()
  /** Children that have to end before the run does. */
  readonly mustEnd = new Set<number>()
  /** Positions that are asked for anew amid others that are on record. */
  readonly gaps = new Set<number>()

  get size(): number {
    return this.#waiting.size
  }

  has(position: number): boolean {
    return this.#waiting.has(position)
  }

  /** The promise of what a position gives. */
  add(position: number, how: Omit<Pending, 'resolve' | 'reject'>): Promise<unknown> {
    const promise = new Promise((resolve, reject) => {
      this.#waiting.set(position, { resolve, reject, ...how })
    })
    // What nobody awaits must not end the process when it fails.
    promise.catch(() => {})
    return promise
  }

  /** Nothing comes of a position any more. */
  drop(position: number): void {
    this.#waiting.delete(position)
  }

  /** The job of a position, once it is made; undefined where the position is not open. */
  idOf(position: number): Promise<number> | undefined {
    const pending = this.#waiting.get(position)
    if (pending === undefined) return undefined
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    promise.catch(() => {})
    this.#waiting.set(position, {
      ...pending,
      opened: ({ value }) => resolve(Number(value)),
      reject: (error) => {
        pending.reject(error)
        reject(error)
      },
    })
    return promise
  }

  /** Takes a row that has its turn. Undefined: the code hears nothing of it. */
  take(row: JournalRow): Taken | undefined {
    const { position, kind, state } = row
    const pending = this.#waiting.get(position)
    if (state === OPEN) {
      if (kind === STEP && pending !== undefined) this.#retries.open(row)
      pending?.opened?.(row)
      return pending?.opened === undefined ? undefined : {}
    }
    if (kind === TIMER && pending?.again !== undefined) {
      this.#retries.fire(position)
      return undefined
    }
    this.#retries.forget(position)
    this.mustEnd.delete(position)
    this.gaps.delete(position)
    if (pending === undefined) return this.#takeLost(row)
    this.#waiting.delete(position)
    settle(pending, row)
    return kind === STEP ? { undo: pending.undo } : {}
  }

  #takeLost({ position, kind, value }: JournalRow): Taken | undefined {
    const name = this.#lostSignals.get(position)
    if (name === undefined || kind !== SIGNAL) return undefined
    this.#lostSignals.delete(position)
    return value === '[]' ? undefined : { passOn: name }
  }

  /** Tries steps again whose time has come. Answers whether there were any. */
  tryAgain(): boolean {
    const due = this.#retries.takeDue()
    for (const [position, retry] of due) this.#waiting.get(position)?.again?.(position, retry)
    return due.length > 0
  }

  /**
   * The code waits for a position no more, and whoever does is told so.
   *
   * @param mayEnd it is a step of which the end may still come, and may have to be undone.
   */
  letGo(position: number, error: unknown, mayEnd: boolean): void {
    const { reject, undo, signal } = this.#waiting.get(position) as Pending
    reject(error)
    this.#retries.forget(position)
    if (signal !== undefined) this.#lostSignals.set(position, signal)
    if (mayEnd) this.#silence(position, undo)
    else this.#waiting.delete(position)
  }

  /** The code gets no more answers, but for the one that is given. A step that is under way may still have to be undone. */
  silence(reason?: unknown): void {
    for (const [position, { reject, undo }] of this.#waiting) {
      if (reason !== undefined) reject(reason)
      this.#silence(position, undo)
    }
  }

  #silence(position: number, undo: Undo | undefined): void {
    if (undo === undefined) this.#waiting.delete(position)
    else this.#waiting.set(position, { resolve: () => {}, reject: () => {}, undo })
  }
}
