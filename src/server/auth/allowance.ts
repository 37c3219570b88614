/**
 * How much of a node one caller may take.
 *
 * Owns: two bounds, so that nobody's mistake is everybody's outage: requests under way (polls, waits and exchanges among
 * them), and calls and jobs a second. The rate is a GCRA: one number, no timers, a burst of one second.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import type { MethodName } from '../../protocol/methods.ts'

/** The bounds of each caller. */
export interface CallerLimits {
  /** Requests under way. Default 10,000. */
  readonly requests?: number
  /** Calls a second, each job of an enqueue or import counting as one; 0 bounds nothing. Default 0. */
  readonly rate?: number
}

const MOST_REQUESTS = 10_000
/** What may come at once before the rate counts, ms of it. */
const BURST_MS = 1_000

/** What one caller has left. */
export class Allowance {
  readonly #most: number
  readonly #rate: number
  readonly #now: () => number
  #underWay = 0
  /** When the caller will have paid for all its calls, ms. */
  #paidAt = Number.NEGATIVE_INFINITY

  /** @param now Milliseconds of a clock that never goes back. */
  constructor({ requests = MOST_REQUESTS, rate = 0 }: CallerLimits = {}, now = () => performance.now()) {
    this.#most = requests
    this.#rate = rate
    this.#now = now
  }

  /** Begins a request; the answer ends it. @throws OVERLOADED. */
  begin(): () => void {
    if (this.#underWay >= this.#most) throw tooMany(this.#most)
    this.#underWay += 1
    return () => {
      this.#underWay -= 1
    }
  }

  /** Pays for a call. @throws OVERLOADED, with `retryAfterMs`. */
  pay(method: MethodName, values: readonly unknown[]): void {
    if (this.#rate === 0) return
    const now = this.#now()
    const due = Math.max(now, this.#paidAt)
    // a call that finds room may take more than there is: what is larger than a burst could never be made
    if (due - now >= BURST_MS) throw tooOften(this.#rate, Math.ceil(due - now - BURST_MS) || 1)
    this.#paidAt = due + (costOf(method, values) * 1_000) / this.#rate
  }
}

function costOf(method: MethodName, [first]: readonly unknown[]): number {
  if (method === 'import') return Math.max(1, lengthOf(first))
  if (method === 'enqueue') return Math.max(1, lengthOf((first as { jobs?: unknown } | undefined)?.jobs))
  return 1
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0
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
    fix: `Try again in ${retryAfterMs} ms, or raise node.limits.rate`,
    data: { retryAfterMs },
  })
}
