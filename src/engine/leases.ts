/**
 * Leases: the deadlines of running attempts. In memory only: a renewal writes nothing.
 *
 * After an opening every running attempt gets a full fresh term, which is safe (L5): its worker may be alive
 * and must be heard first. Never does: ending an attempt; it only says which are overdue.
 */
import { beganAtOf, HAS_UNDO, type JobRow, LOCAL_LEASE } from '../core/model/job.ts'
import type { Timeouts } from '../core/model/profile.ts'
import { IdMap } from '../std/id-map.ts'

/** One running attempt. */
interface Running {
  readonly job: number
  readonly attempt: number
  readonly nonce: string
  /** Interned name of the worker. */
  readonly worker: number
  readonly isLocal: boolean
  readonly termMs: number
  readonly graceMs: number
  /** When the lease runs out unless renewed, shard time. Infinity for a worker that lives with this owner. */
  deadline: number
  /** When the attempt's own time limit ends it without its worker; 0 for never. */
  readonly stopAt: number
  /** When a cancel ends it without its worker; 0 for not asked. */
  cancelBy: number
  /** Only an earlier end may take its place. */
  isCancelFixed: boolean
  /** It was found overdue, and the command that ends it is on its way: no heartbeat brings it back (L5). */
  isGivenUp: boolean
}

/** An attempt that nobody should wait for any more. */
export interface Overdue {
  readonly job: number
  readonly attempt: number
  readonly nonce: string
  readonly cause: 'lost' | 'timeout' | 'cancel'
}

export class Leases {
  readonly #running = new IdMap<Running>()

  get size(): number {
    return this.#running.size
  }

  /** Forgets everything: the shard is opened anew. */
  clear(): void {
    this.#running.clear()
  }

  /** Follows a changed row. */
  follow(
    before: JobRow | undefined,
    after: JobRow | undefined,
    timeoutsOf: (job: JobRow) => Timeouts,
    now: number,
  ): void {
    if (after?.nonce == null) {
      if (before?.nonce != null) this.#running.delete(before.id)
      return
    }
    const known = this.#running.get(after.id)
    if (known !== undefined && known.nonce === after.nonce) {
      if (after.cancelAt !== before?.cancelAt && !mustUndo(after)) this.#cancel(known, now)
      return
    }
    this.#running.set(after.id, this.#entry(after, timeoutsOf(after), now))
  }

  /** The first cancel may be given a longer grace than usual; those that follow only shorten it. */
  #cancel(running: Running, now: number): void {
    running.isCancelFixed = running.cancelBy !== 0
    if (running.cancelBy === 0) running.cancelBy = now + 2 * running.graceMs
  }

  #entry(job: JobRow, timeouts: Timeouts, now: number): Running {
    const { heartbeatMs, graceMs, startToCloseMs, scheduleToCloseMs } = timeouts
    const isLocal = (job.flags & LOCAL_LEASE) !== 0
    const byAttempt = startToCloseMs === 0 ? Infinity : job.startedAt + startToCloseMs
    const byJob =
      scheduleToCloseMs === 0 || job.cancelAt !== 0 ? Infinity : beganAtOf(job) + scheduleToCloseMs
    const end = Math.min(byAttempt, byJob)
    return {
      job: job.id,
      attempt: job.attempt,
      nonce: job.nonce as string,
      worker: job.worker,
      isLocal,
      termMs: heartbeatMs,
      graceMs,
      deadline: isLocal ? Infinity : now + heartbeatMs,
      // The worker stops the attempt itself and has its grace to report; this is for one that does not.
      stopAt: end === Infinity ? 0 : end + 2 * graceMs,
      cancelBy: job.cancelAt === 0 || mustUndo(job) ? 0 : now + 2 * graceMs,
      isCancelFixed: job.cancelAt !== 0,
      isGivenUp: false,
    }
  }

  /** Renews a lease. Answers whether it is still the job's. */
  renew(job: number, attempt: number, nonce: string, now: number): boolean {
    const running = this.#valid(job, attempt, nonce)
    if (running === undefined) return false
    if (!running.isLocal) running.deadline = now + running.termMs
    return true
  }

  /** Whether a lease is still the job's. */
  holds(job: number, attempt: number, nonce: string): boolean {
    return this.#valid(job, attempt, nonce) !== undefined
  }

  #valid(job: number, attempt: number, nonce: string): Running | undefined {
    const running = this.#running.get(job)
    if (running === undefined || running.isGivenUp) return undefined
    return running.attempt === attempt && running.nonce === nonce ? running : undefined
  }

  /** How long the running attempt of a job has to stop when it is asked to, ms; 0 where none runs. */
  graceOf(job: number): number {
    return this.#running.get(job)?.graceMs ?? 0
  }

  /** Sets how long a cancelled attempt has to stop. */
  limitCancel(job: number, graceMs: number, now: number): void {
    const running = this.#running.get(job)
    if (running === undefined) return
    const by = now + 2 * graceMs
    running.cancelBy = running.isCancelFixed ? Math.min(running.cancelBy, by) : by
    running.isCancelFixed = true
  }

  /** Gives every lease a full fresh term: the clock jumped, or this owner itself was away. */
  refresh(now: number): void {
    for (const running of this.#running.values()) {
      if (!running.isLocal) running.deadline = now + running.termMs
    }
  }

  /** All leases of workers that lived with an owner. */
  local(): Overdue[] {
    return [...this.#running.values()]
      .filter((running) => running.isLocal)
      .map(({ job, attempt, nonce }) => ({ job, attempt, nonce, cause: 'lost' }))
  }

  /** All leases of a worker that lives with this owner and has gone without giving them back. */
  ofWorker(worker: number): Overdue[] {
    return [...this.#running.values()]
      .filter((running) => running.worker === worker)
      .map(({ job, attempt, nonce }) => ({ job, attempt, nonce, cause: 'lost' }))
  }

  /** The attempts whose time is over; the caller ends them, and nothing renews them any more. */
  overdue(now: number): Overdue[] {
    const overdue: Overdue[] = []
    for (const running of this.#running.values()) {
      const { job, attempt, nonce, deadline, stopAt, cancelBy } = running
      const cause =
        deadline <= now
          ? 'lost'
          : cancelBy !== 0 && cancelBy <= now
            ? 'cancel'
            : stopAt !== 0 && stopAt <= now
              ? 'timeout'
              : undefined
      if (cause === undefined) continue
      running.isGivenUp = true
      overdue.push({ job, attempt, nonce, cause })
    }
    return overdue
  }
}

/** A run that undoes what it did takes the time that this takes. */
function mustUndo(job: JobRow): boolean {
  return (job.flags & HAS_UNDO) !== 0
}
