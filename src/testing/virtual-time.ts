/**
 * Virtual time: clocks that move only when they are told to, and chance that is the same in every run.
 *
 * Owns: which timer is next. Turns of the event loop stay real, so that whatever stands on them works. Never does:
 * deciding when time passes (see driver.ts).
 */
import type { Surroundings } from '../runtime/services.ts'

interface Waiting {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

/** Where virtual time begins unless it is told otherwise, epoch ms. */
export const BEGINNING = 1_800_000_000_000

/** What the monotonic clock shows at first, ms: as after a while of work, since 0 often stands for nothing. */
const START = 1_000

/** Surroundings whose time stands still. */
export class VirtualTime implements Surroundings {
  readonly #beginning: number
  readonly #waiting = new Set<Waiting>()
  #passed = START
  #wallAhead = 0
  #order = 0
  #seed = 1
  #nonces = 0
  #changes = 0

  /** @param beginning what the clock shows at first, epoch ms. */
  constructor(beginning = BEGINNING) {
    this.#beginning = beginning
  }

  readonly now = (): number => this.#beginning + Math.floor(this.#passed) - START + this.#wallAhead
  readonly monotonic = (): number => this.#passed
  readonly defer = (fn: () => void): void => {
    this.#changes++
    setImmediate(fn)
  }

  readonly after = (ms: number, act: () => void): (() => void) => {
    this.#changes++
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

  /** Grows with everything that was asked for: two readings tell whether anybody was busy in between. */
  get changes(): number {
    return this.#changes
  }

  /** When the next timer goes off, by the monotonic clock; Infinity for none. */
  get nextAt(): number {
    return this.#next()?.at ?? Infinity
  }

  /** Lets time pass until the next timer, and calls it. */
  fireNext(): void {
    const next = this.#next()
    if (next === undefined) return
    this.#passed = Math.max(this.#passed, next.at)
    this.#waiting.delete(next)
    next.act()
  }

  /** Lets time pass without calling anything: what is overdue then goes off late. Never goes back. */
  jumpTo(passed: number): void {
    this.#passed = Math.max(this.#passed, passed)
  }

  /** Sets the wall clock, as an operator or a time server does. No timer notices. */
  step(ms: number): void {
    this.#wallAhead += ms
  }

  #next(): Waiting | undefined {
    let first: Waiting | undefined
    for (const waiting of this.#waiting) {
      const isEarlier =
        first === undefined ||
        waiting.at < first.at ||
        (waiting.at === first.at && waiting.order < first.order)
      if (isEarlier) first = waiting
    }
    return first
  }
}
