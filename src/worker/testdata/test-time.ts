/** Time that moves only when a test says so. */
import type { Clock } from '../../runtime/clock.ts'
import type { Timer, Timers } from '../../runtime/timers.ts'

interface Waiting {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

/** A clock and its timers, in one. */
export class TestTime implements Clock, Timers {
  readonly #waiting = new Set<Waiting>()
  #passed = 0
  #wallAhead = 0
  #order = 0

  now(): number {
    return 1_700_000_000_000 + Math.floor(this.#passed + this.#wallAhead)
  }

  monotonic(): number {
    return this.#passed
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  after(ms: number, act: () => void): Timer {
    const waiting = { at: this.#passed + ms, order: this.#order++, act }
    this.#waiting.add(waiting)
    return { cancel: () => this.#waiting.delete(waiting) }
  }

  /** Lets time pass, timer by timer, with everything that follows from each. */
  async advance(ms: number): Promise<void> {
    const end = this.#passed + ms
    await settle()
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#waiting.delete(next)
      this.#passed = Math.max(this.#passed, next.at)
      next.act()
      await settle()
    }
    this.#passed = Math.max(this.#passed, end)
  }

  /** Time passes while this process does nothing: no timer fires meanwhile. */
  block(ms: number): void {
    this.#passed += ms
  }

  /** The machine sleeps: the monotonic clock stands still, the other does not. */
  suspend(ms: number): void {
    this.#wallAhead += ms
  }

  #next(end: number): Waiting | undefined {
    let next: Waiting | undefined
    for (const waiting of this.#waiting) {
      if (waiting.at > end) continue
      if (
        next === undefined ||
        waiting.at < next.at ||
        (waiting.at === next.at && waiting.order < next.order)
      ) {
        next = waiting
      }
    }
    return next
  }
}

/** Lets everything happen that is due without time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve))
}
