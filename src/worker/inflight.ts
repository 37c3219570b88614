/**
 * InFlight: the attempts that a worker has in hand.
 *
 * Kept by job, since numbers are found faster than tokens, which are texts that were just made. Two attempts of one job
 * are in hand at once only when a lease was lost and the job came back.
 */
import { IdMap } from '../std/id-map.ts'
import type { RunningAttempt } from './running.ts'

export class InFlight {
  readonly #byJob = new IdMap<RunningAttempt>()
  #size = 0
  #arrivals = 0

  get size(): number {
    return this.#size
  }

  /** Takes an attempt in hand. Answers false, and does nothing, when its token is in hand already. */
  add(attempt: RunningAttempt): boolean {
    const known = this.#byJob.get(attempt.job)
    for (let other = known; other !== undefined; other = other.earlier) {
      if (other.token === attempt.token) return false
    }
    attempt.earlier = known
    attempt.arrival = this.#arrivals++
    this.#byJob.set(attempt.job, attempt)
    this.#size++
    return true
  }

  /** Looks through all: only what the engine says without being asked needs it. */
  find(token: string): RunningAttempt | undefined {
    return this.all().find((attempt) => attempt.token === token)
  }

  delete(attempt: RunningAttempt): void {
    const latest = this.#byJob.get(attempt.job)
    if (latest === undefined) return
    if (latest === attempt) {
      if (attempt.earlier === undefined) this.#byJob.delete(attempt.job)
      else this.#byJob.set(attempt.job, attempt.earlier)
      this.#size--
      return
    }
    let later = latest
    while (later.earlier !== undefined && later.earlier !== attempt) later = later.earlier
    if (later.earlier !== attempt) return
    later.earlier = attempt.earlier
    this.#size--
  }

  /** All attempts, in order of arrival, as they are now: the list does not change with what is done to them. */
  all(): RunningAttempt[] {
    const attempts: RunningAttempt[] = []
    // an idle worker looks often
    if (this.#size === 0) return attempts
    for (const latest of this.#byJob.values()) {
      for (let attempt: RunningAttempt | undefined = latest; attempt; attempt = attempt.earlier)
        attempts.push(attempt)
    }
    return attempts.sort((a, b) => a.arrival - b.arrival)
  }
}
