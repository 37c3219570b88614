/**
 * How much of a node one caller may take.
 *
 * Owns: two bounds, so that nobody's mistake is everybody's outage: requests under way (polls, waits and exchanges among
 * them), and calls and jobs a second. What all callers of a namespace may take together is `namespace-rates.ts`.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import type { MethodName } from '../../protocol/methods.ts'
import { formatDuration } from '../../std/duration.ts'
import { jobsOf } from './bill.ts'
import { Rate } from './rate.ts'

/** The bounds of each caller. */
export interface CallerLimits {
  /** Requests under way. Default 10,000. */
  readonly requests?: number
  /** Calls a second, each job of an enqueue or import counting as one; 0 bounds nothing. Default 0. */
  readonly rate?: number
}

/** Whoever else has a say in a call. Throws OVERLOADED, or takes the call's share. */
export type Payment = (method: MethodName, values: readonly unknown[]) => void

const MOST_REQUESTS = 10_000

/** What one caller has left. */
export class Allowance {
  readonly #limits: () => CallerLimits
  readonly #payElsewhere: Payment | undefined
  readonly #now: () => number
  readonly #rate = new Rate()
  #underWay = 0

  /**
   * @param limits asked with each call: they may change.
   * @param payElsewhere asked for calls that are within the caller's own bounds.
   * @param now milliseconds of a clock that never goes back.
   */
  constructor(limits: () => CallerLimits, payElsewhere?: Payment, now = () => performance.now()) {
    this.#limits = limits
    this.#payElsewhere = payElsewhere
    this.#now = now
  }

  /** Begins a request; the answer ends it. @throws OVERLOADED. */
  begin(): () => void {
    const { requests = MOST_REQUESTS } = this.#limits()
    if (this.#underWay >= requests) throw tooMany(requests)
    this.#underWay += 1
    return () => {
      this.#underWay -= 1
    }
  }

  /** Pays for a call; nothing is taken for one that is refused. @throws OVERLOADED, with `retryAfterMs`. */
  pay(method: MethodName, values: readonly unknown[]): void {
    const { rate = 0 } = this.#limits()
    const now = this.#now()
    const waitMs = this.#rate.waitMs(rate, now)
    if (waitMs > 0) throw tooOften(rate, waitMs)
    this.#payElsewhere?.(method, values)
    this.#rate.take(Math.max(1, jobsOf(method, values).length), rate, now)
  }
}

function tooMany(most: number): PerdureError {
  return perdureError('OVERLOADED', {
    expected: `at most ${most} requests under way of one caller`,
    found: 'one more',
    fix: 'Wait for some of them to be answered, or raise node.limits.requests',
    data: { retryAfterMs: 1_000 },
  })
}

function tooOften(rate: number, retryAfterMs: number): PerdureError {
  return perdureError('OVERLOADED', {
    expected: `at most ${rate} calls and jobs a second of one caller`,
    found: 'more',
    fix: `Try again in ${formatDuration(retryAfterMs)}, or raise node.limits.rate`,
    data: { retryAfterMs },
  })
}
