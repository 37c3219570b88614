/** Policies: what holds for any numbers, not only for those of an example. */

import { describe, expect, it } from 'vitest'
import { fc, times } from '../../std/testdata/properties.ts'
import { DEFAULT_PROFILE, type RetryPolicy } from '../model/profile.ts'
import { findCycle } from './graph.ts'
import { backoffMs, mayRetry } from './retry.ts'

const policy: fc.Arbitrary<RetryPolicy> = fc.record({
  attempts: fc.integer({ min: 1, max: 50 }),
  minMs: fc.integer({ min: 0, max: 1e7 }),
  maxMs: fc.integer({ min: 0, max: 1e9 }),
  factor: fc.double({ min: 1, max: 100, noNaN: true }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  on: fc.constantFrom('any' as const, 'lost' as const),
})
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('back-off', () => {
  it('is a whole number from none to the longest, however many tries there were', () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 1e6 }), random, (retry, tries, dice) => {
        const delay = backoffMs(retry, tries, dice)
        expect(Number.isSafeInteger(delay)).toBe(true)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThanOrEqual(Math.max(retry.maxMs, 0))
      }),
    )
  })

  it('stays within its jitter, and never shrinks without one', () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 100 }), random, (retry, tries, dice) => {
        const plain = { ...retry, jitter: 0 }
        const nominal = Math.min(retry.maxMs, retry.minMs * retry.factor ** (tries - 1))
        const delay = backoffMs(retry, tries, dice)
        expect(delay).toBeGreaterThanOrEqual(Math.floor(nominal * (1 - retry.jitter)))
        expect(delay).toBeLessThanOrEqual(Math.ceil(nominal * (1 + retry.jitter)))
        expect(backoffMs(plain, tries + 1, dice)).toBeGreaterThanOrEqual(backoffMs(plain, tries, dice))
      }),
    )
  })

  it('grows by the factor from the first delay', () => {
    const retry = { ...DEFAULT_PROFILE.retry, jitter: 0 }
    expect([1, 2, 3, 4, 20].map((tries) => backoffMs(retry, tries, 0.9))).toEqual([
      1_000, 2_000, 4_000, 8_000, 600_000,
    ])
  })
})

describe('trying again', () => {
  it('is over with the last attempt, whatever failed', () => {
    fc.assert(
      fc.property(policy, fc.boolean(), (retry, lost) => {
        expect(mayRetry(retry, retry.attempts, lost)).toBe(false)
        if (retry.attempts > 1) expect(mayRetry(retry, retry.attempts - 1, true)).toBe(true)
        expect(mayRetry({ ...retry, on: 'lost' }, 0, false)).toBe(false)
      }),
    )
  })
})

describe('cycles', () => {
  const graph = fc
    .integer({ min: 1, max: 12 })
    .chain((size) =>
      fc.array(fc.array(fc.nat(size - 1), { maxLength: 3 }), { minLength: size, maxLength: size }),
    )

  it('are found exactly where no order exists, and are told as they are', () => {
    fc.assert(
      fc.property(graph, (dependsOn) => {
        const cycle = findCycle(dependsOn)
        expect(cycle === undefined).toBe(canBeOrdered(dependsOn))
        if (cycle === undefined) return
        expect(cycle.length).toBeGreaterThan(1)
        expect(cycle[0]).toBe(cycle.at(-1))
        for (let i = 1; i < cycle.length; i++) expect(dependsOn[cycle[i - 1] as number]).toContain(cycle[i])
      }),
      times(1_000),
    )
  })

  it('are looked for without recursion: 100,000 in a row', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => (i === 0 ? [] : [i - 1]))
    expect(findCycle(chain)).toBeUndefined()
    chain[0] = [99_999]
    expect(findCycle(chain)).toHaveLength(100_001)
  })
})

/** Takes away what depends on nothing that is left, as long as there is any. */
function canBeOrdered(dependsOn: readonly (readonly number[])[]): boolean {
  const left = new Set(dependsOn.keys())
  for (let before = -1; before !== left.size; ) {
    before = left.size
    for (const at of left) if (!dependsOn[at]?.some((target) => left.has(target))) left.delete(at)
  }
  return left.size === 0
}
