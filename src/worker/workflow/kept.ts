/**
 * Kept: runs that wait, in memory, so that a wake-up goes on instead of replaying. Bounded; those not used for longest go.
 */
import type { FlowRun } from '../../workflow/run.ts'

/** What a run takes in memory beside its values, in characters: its code waits in closures and promises. */
const RUN_SIZE = 4_000

export class Kept {
  readonly #most: number
  readonly #runs = new Map<number, { readonly run: FlowRun; readonly size: number }>()
  #size = 0

  /** @param most Characters, about. */
  constructor(most: number) {
    this.#most = most
  }

  put(run: FlowRun): void {
    const size = RUN_SIZE + run.size
    this.take(run.job)
    if (size > this.#most) return
    this.#runs.set(run.job, { run, size })
    this.#size += size
    for (const job of this.#runs.keys()) {
      if (this.#size <= this.#most) return
      this.take(job)
    }
  }

  /** Looks at a run, which stays. */
  peek(job: number): FlowRun | undefined {
    const run = this.#runs.get(job)?.run
    return run?.isWhole === true ? run : undefined
  }

  /** Takes a run out. One whose code went on without a lease is of no use any more. */
  take(job: number): FlowRun | undefined {
    const kept = this.#runs.get(job)
    if (kept === undefined) return undefined
    this.#runs.delete(job)
    this.#size -= kept.size
    return kept.run.isWhole ? kept.run : undefined
  }

  clear(): void {
    this.#runs.clear()
    this.#size = 0
  }
}
