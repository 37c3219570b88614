/**
 * So many a second: a bucket that leaks, without a timer.
 *
 * Owns: the arithmetic. How many a second there may be is told with each question, so that it can change while the bucket
 * is in use.
 */

/** What may come at once before the rate counts, in seconds of it. */
const BURST_S = 1

/** What has been taken lately of one rate. */
export class Rate {
  /** What was in the bucket at that moment, in calls or jobs. */
  #owed = 0
  /** Monotonic ms. */
  #at = Number.NEGATIVE_INFINITY

  /** How long until there is room, ms; 0 when there is some now. Whoever comes after that finds it. A rate of 0 bounds nothing. */
  waitMs(perSecond: number, now: number): number {
    if (perSecond === 0) return 0
    const over = this.#owedAt(perSecond, now) - perSecond * BURST_S
    return over < 0 ? 0 : Math.floor((over * 1_000) / perSecond) + 1
  }

  /** Takes some. It may be more than there is room for: what is larger than a burst could never be taken otherwise. */
  take(some: number, perSecond: number, now: number): void {
    if (perSecond === 0) return
    this.#owed = this.#owedAt(perSecond, now) + some
    this.#at = now
  }

  /** Whether nothing is left of what was taken: it is as good as a new one. */
  isIdle(perSecond: number, now: number): boolean {
    return perSecond === 0 || this.#owedAt(perSecond, now) === 0
  }

  #owedAt(perSecond: number, now: number): number {
    return this.#owed === 0 ? 0 : Math.max(0, this.#owed - ((now - this.#at) * perSecond) / 1_000)
  }
}
