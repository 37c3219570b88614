/**
 * Reloads: how soon a shard is opened anew after a failure. What fails again and again is not tried as fast as it can
 * fail.
 */
import type { Surroundings } from '../runtime/services.ts'

/** Before a reload that follows another soon, ms: the first comes at once, each further one after twice as long. */
const PAUSE_MS = { first: 20, most: 2_000 }
/** A shard that has been open for so long, ms, had recovered. */
const RECOVERED_MS = 10_000

/** The reloads of one engine. */
export class Reloads {
  readonly #surroundings: Surroundings
  /** Those that followed one another without a calm time between them. */
  #inARow = 0
  /** When the last one was through, monotonic ms. */
  #doneAt = -Infinity

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  /** Waits until the next reload may begin; the first waits for nothing. */
  async pause(): Promise<void> {
    const surroundings = this.#surroundings
    if (surroundings.monotonic() - this.#doneAt >= RECOVERED_MS) this.#inARow = 0
    const before = this.#inARow++
    if (before === 0) return
    const pause = Math.min(PAUSE_MS.most, PAUSE_MS.first * 2 ** (before - 1))
    await new Promise<void>((resolve) => {
      surroundings.after(pause, resolve)
    })
  }

  /** The shard is open again. */
  noteDone(): void {
    this.#doneAt = this.#surroundings.monotonic()
  }
}
