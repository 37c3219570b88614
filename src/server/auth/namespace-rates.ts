/**
 * How much of a node all callers of one namespace may take together.
 *
 * Owns: two rates for each namespace, so that a tenant with many tokens takes no more than one with a few: calls, and jobs
 * that come in. Calls of workers are not counted: they take what is there already, and serve namespaces alike.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import type { MethodName } from '../../protocol/methods.ts'
import { formatDuration } from '../../std/duration.ts'
import { jobsByNamespace, jobsOf, namespaceAsked } from './bill.ts'
import type { Caller } from './caller.ts'
import { Rate } from './rate.ts'
import { NEEDED } from './rights.ts'

/** The bounds of each namespace. */
export interface NamespaceLimits {
  /** Calls a second: enqueues into it, and whatever those ask who are bound to it. 0 bounds nothing. Default 0. */
  readonly calls?: number
  /** Jobs a second that are enqueued or imported into it. 0 bounds nothing. Default 0. */
  readonly jobs?: number
}

/** Those of one namespace. */
interface Rates {
  readonly calls: Rate
  readonly jobs: Rate
}

/** The namespace of jobs that name none. */
const USUAL = 'default'
/** Namespaces that are known before idle ones are looked for. */
const FEW = 1_000

/** What each namespace has left. */
export class NamespaceRates {
  readonly #limits: () => NamespaceLimits
  readonly #now: () => number
  readonly #byName = new Map<string, Rates>()
  #sweepAt = FEW

  /** @param limits asked with each call: they may change. @param now milliseconds of a clock that never goes back. */
  constructor(limits: () => NamespaceLimits, now = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  /** Namespaces that are kept in mind. */
  get size(): number {
    return this.#byName.size
  }

  /** Pays for a call; nothing is taken for one that is refused. @throws OVERLOADED, with `retryAfterMs`. */
  pay(caller: Caller, method: MethodName, values: readonly unknown[]): void {
    const { calls = 0, jobs = 0 } = this.#limits()
    if ((calls === 0 && jobs === 0) || NEEDED[method] === 'work') return
    const bill = billOf(caller, method, values)
    const now = this.#now()
    for (const [namespace, count] of bill) {
      const rates = this.#byName.get(namespace)
      if (rates === undefined) continue
      const callsWaitMs = rates.calls.waitMs(calls, now)
      if (callsWaitMs > 0) throw tooOften(namespace, 'calls', calls, callsWaitMs)
      const jobsWaitMs = count === 0 ? 0 : rates.jobs.waitMs(jobs, now)
      if (jobsWaitMs > 0) throw tooOften(namespace, 'jobs', jobs, jobsWaitMs)
    }
    for (const [namespace, count] of bill) {
      const rates = this.#of(namespace, now)
      rates.calls.take(1, calls, now)
      rates.jobs.take(count, jobs, now)
    }
  }

  #of(namespace: string, now: number): Rates {
    const known = this.#byName.get(namespace)
    if (known !== undefined) return known
    if (this.#byName.size >= this.#sweepAt) this.#sweep(now)
    const rates = { calls: new Rate(), jobs: new Rate() }
    this.#byName.set(namespace, rates)
    return rates
  }

  /** Forgets those that are as good as new: names may come without end. */
  #sweep(now: number): void {
    const { calls = 0, jobs = 0 } = this.#limits()
    for (const [namespace, rates] of this.#byName)
      if (rates.calls.isIdle(calls, now) && rates.jobs.isIdle(jobs, now)) this.#byName.delete(namespace)
    this.#sweepAt = Math.max(FEW, 2 * this.#byName.size)
  }
}

/**
 * The namespaces that pay for a call, with the jobs that it brings to each. Jobs are paid for where they go; whatever else
 * is asked, by the one namespace that its caller is bound to, or the one that it names. A caller that names another's is
 * refused in a moment, and takes nothing of it.
 */
function billOf(
  { namespaces }: Caller,
  method: MethodName,
  values: readonly unknown[],
): readonly (readonly [string, number])[] {
  const only = namespaces?.size === 1 ? [...namespaces][0] : undefined
  const jobs = jobsOf(method, values)
  if (jobs.length > 0) {
    const bill = [...jobsByNamespace(jobs, only ?? USUAL)]
    return namespaces === undefined ? bill : bill.filter(([namespace]) => namespaces.has(namespace))
  }
  if (namespaces === undefined) return NOBODY
  const about = namespaceAsked(method, values) ?? only
  return about !== undefined && namespaces.has(about) ? [[about, 0]] : NOBODY
}

const NOBODY: readonly (readonly [string, number])[] = []

function tooOften(
  namespace: string,
  what: 'calls' | 'jobs',
  most: number,
  retryAfterMs: number,
): PerdureError {
  return perdureError('OVERLOADED', {
    expected: `at most ${most} ${what} a second of the namespace ${namespace}`,
    found: 'more',
    fix: `Try again in ${formatDuration(retryAfterMs)}, or raise node.limits.namespace.${what}`,
    data: { namespace, retryAfterMs },
  })
}
