/**
 * The budget of restarts: how often something may fail, and how long to wait before it is started again.
 *
 * Owns: one number, the score. Every failure adds 1, and time halves it, so that a failure a day never adds up while a
 * burst does. Both answers follow from it: too high is too often, and the higher, the longer the wait. Pure.
 */

/** How failures are counted. */
export interface BudgetOptions {
  /** The score may reach this; one failure more is too many. Default 5. */
  readonly most?: number
  /** The time in which the score halves, ms. Default 60,000. */
  readonly halfLifeMs?: number
  /** The wait after a first failure, ms. Default 100. It doubles with each further one. */
  readonly firstMs?: number
  /** The longest wait, ms. Default 30,000. */
  readonly longestMs?: number
  /** Share of the wait that is random, 0 to 1, so that what failed together does not come back together. Default 0.5. */
  readonly jitter?: number
}

/** The restarts of one supervisor. */
export class RestartBudget {
  readonly #most: number
  readonly #halfLifeMs: number
  readonly #firstMs: number
  readonly #longestMs: number
  readonly #jitter: number
  #score = 0
  #at = 0

  constructor(options: BudgetOptions = {}) {
    this.#most = options.most ?? 5
    this.#halfLifeMs = options.halfLifeMs ?? 60_000
    this.#firstMs = options.firstMs ?? 100
    this.#longestMs = options.longestMs ?? 30_000
    this.#jitter = options.jitter ?? 0.5
  }

  /** The score at a moment. */
  scoreAt(now: number): number {
    // a clock that goes back must not make failures weigh more
    return this.#score * 2 ** (-Math.max(0, now - this.#at) / this.#halfLifeMs)
  }

  /**
   * Counts a failure.
   *
   * @param random in [0, 1).
   * @returns how long to wait before the next start, ms, or undefined when it was one too many.
   */
  spend(now: number, random: number): number | undefined {
    this.#score = this.scoreAt(now) + 1
    this.#at = Math.max(this.#at, now)
    if (this.#score > this.#most) return undefined
    const full = Math.min(this.#longestMs, this.#firstMs * 2 ** (this.#score - 1))
    return full * (1 - this.#jitter + this.#jitter * random)
  }
}
