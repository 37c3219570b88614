/**
 * Surroundings whose time moves only when a test says so.
 *
 * Owns: virtual clocks and timers, and seeded randomness. Turns of the event loop stay real, so that stores
 * with threads or sockets work beneath it.
 */
import type { Surroundings } from '../services.ts'

interface Waiting {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

/** Virtual time that begins at a fixed moment. */
export class TestSurroundings implements Surroundings {
  readonly #waiting = new Set<Waiting>()
  /** Ms that have passed by the monotonic clock. */
  #passed = 1_000
  #wallAhead = 0
  #order = 0
  #seed = 1
  #nonces = 0
  /** Waits until what a timer began is through; set by whoever knows how. */
  settle: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve))

  readonly now = (): number => 1_800_000_000_000 + Math.floor(this.#passed) + this.#wallAhead
  readonly monotonic = (): number => this.#passed
  readonly defer = (fn: () => void): void => void setImmediate(fn)

  readonly after = (ms: number, act: () => void): (() => void) => {
    const waiting = { at: this.#passed + ms, order: this.#order++, act }
    this.#waiting.add(waiting)
    return () => void this.#waiting.delete(waiting)
  }

  /** The generator of Park and Miller: the same numbers in every run. */
  readonly random = (): number => {
    this.#seed = (this.#seed * 48_271) % 0x7fff_ffff
    return (this.#seed - 1) / 0x7fff_ffff
  }

  readonly nonce = (): string => (++this.#nonces).toString(16).padStart(32, '0')

  /** Timers that wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Lets time pass, timer by timer, with everything that follows from each. */
  async advance(ms: number): Promise<void> {
    const end = this.#passed + ms
    await this.settle()
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#passed = Math.max(this.#passed, next.at)
      this.#waiting.delete(next)
      next.act()
      await this.settle()
    }
    this.#passed = end
  }

  /** Sets the wall clock, as an operator or a time server does. No timer notices. */
  step(ms: number): void {
    this.#wallAhead += ms
  }

  /** Lets time pass at once, as for a process that was stopped: what is overdue fires late, in order. */
  async sleep(ms: number): Promise<void> {
    this.#passed += ms
    await this.advance(0)
  }

  #next(end: number): Waiting | undefined {
    let first: Waiting | undefined
    for (const waiting of this.#waiting) {
      if (waiting.at > end) continue
      if (
        first === undefined ||
        waiting.at < first.at ||
        (waiting.at === first.at && waiting.order < first.order)
      ) {
        first = waiting
      }
    }
    return first
  }
}
