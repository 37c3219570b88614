/**
 * Cascade: goes on with ends that follow from others, step by step, until nobody's edges wait (K2). What is left to
 * do stands in a line of the store, so a crash between two steps loses nothing.
 *
 * Never does: deciding how anything ends.
 */
import { SETTLE_LINE } from '../core/model/line.ts'
import { MOST_EDGES } from '../core/policy/finish.ts'
import { PerdureError } from '../errors.ts'
import type { Engine } from './engine.ts'

/** Before a step that failed is tried again, ms. */
const PAUSE_MS = 500

export class Cascade {
  readonly #engine: Engine
  #isBusy = false

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Takes the next step if there is one, and none is under way. */
  next(): void {
    const line = this.#engine.workingSet.lines.get(SETTLE_LINE)
    if (this.#isBusy || line === undefined || line.size === 0) return
    this.#isBusy = true
    const jobs: number[] = []
    for (let at = 0; at < Math.min(line.size, MOST_EDGES); at++) jobs.push(line.at(at)?.id as number)
    const again = (): void => {
      this.#isBusy = false
      this.#engine.wake()
    }
    this.#step(jobs).then(again, (error: unknown) => {
      // Whoever owns the shard next goes on.
      if (error instanceof PerdureError && error.code === 'CLOSED') return
      this.#engine.surroundings.after(PAUSE_MS, again)
    })
  }

  async #step(jobs: readonly number[]): Promise<void> {
    const { reads } = this.#engine
    // Only so that what will be needed is read at once: without it the step is shorter, not wrong.
    const ahead = await reads.dependents(jobs, MOST_EDGES).catch(() => [])
    await this.#engine.submit({ type: 'settle', jobs, ahead })
  }
}
