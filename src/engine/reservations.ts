/**
 * Reservations: which running jobs have processors and memory of their worker to themselves.
 *
 * Derived from the rows of running jobs and nothing else: a share begins and ends with the lease, in the same change,
 * and is there again after an opening. A worker's total is the sum over its jobs, never a counter that could drift.
 */
import type { JobRow } from '../core/model/job.ts'
import type { Share } from '../core/model/requirements.ts'
import { RUNNING } from '../core/model/states.ts'

/** Nothing at all. */
export const NO_SHARE: Share = { cpus: 0, memory: 0 }

export class Reservations {
  /** By interned name of the worker, then by job. */
  readonly #byWorker = new Map<number, Map<number, Share>>()
  #freed = new Set<number>()

  /** Follows a changed row. `shareOf` says what a job reserves; it is asked when the job begins to run. */
  follow(before: JobRow | undefined, after: JobRow | undefined, shareOf: (job: JobRow) => Share): void {
    const wasRunning = before?.state === RUNNING
    const isRunning = after?.state === RUNNING
    if (wasRunning && isRunning && before.worker === after.worker) return
    if (wasRunning) this.#release(before)
    if (isRunning) this.#take(after, shareOf(after))
  }

  /** What the jobs of a worker reserve together. */
  of(worker: number): Share {
    const shares = this.#byWorker.get(worker)
    if (shares === undefined) return NO_SHARE
    let cpus = 0
    let memory = 0
    for (const share of shares.values()) {
      cpus += share.cpus
      memory += share.memory
    }
    return { cpus, memory }
  }

  /** Workers of which something was given back since the last call. */
  takeFreed(): ReadonlySet<number> {
    const freed = this.#freed
    if (freed.size > 0) this.#freed = new Set()
    return freed
  }

  #take({ id, worker }: JobRow, share: Share): void {
    if (share.cpus === 0 && share.memory === 0) return
    const shares = this.#byWorker.get(worker)
    if (shares === undefined) this.#byWorker.set(worker, new Map([[id, share]]))
    else shares.set(id, share)
  }

  #release({ id, worker }: JobRow): void {
    const shares = this.#byWorker.get(worker)
    if (shares?.delete(id) !== true) return
    this.#freed.add(worker)
    if (shares.size === 0) this.#byWorker.delete(worker)
  }
}
