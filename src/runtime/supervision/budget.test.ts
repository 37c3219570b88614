import { expect, it } from 'vitest'
import { fc } from '../../std/testdata/properties.ts'
import { RestartBudget } from './budget.ts'

const gaps = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 60 })

it('forgives what is rare, and ends what is frequent', () => {
  const rare = new RestartBudget({ most: 2, halfLifeMs: 1_000 })
  for (let day = 1; day < 100; day++) expect(rare.spend(day * 86_400_000, 0.5)).toBeDefined()
  const burst = new RestartBudget({ most: 3 })
  expect([0, 0, 0, 0].map(() => burst.spend(7, 0) !== undefined)).toEqual([true, true, true, false])
})

it('waits twice as long each time, up to the longest, of which a share is random', () => {
  const options = { most: 9, firstMs: 100, longestMs: 1_000, jitter: 0.5 }
  const least = new RestartBudget(options)
  expect([1, 2, 3, 4, 5].map(() => least.spend(0, 0))).toEqual([50, 100, 200, 400, 500])
  const full = new RestartBudget({ ...options, jitter: 0 })
  expect([1, 2, 3, 4, 5].map(() => full.spend(0, 0.9))).toEqual([100, 200, 400, 800, 1_000])
})

it('never lets more through than the bound says, and never waits longer than the longest', () => {
  fc.assert(
    fc.property(
      gaps,
      fc.integer({ min: 1, max: 10 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (steps, most, random) => {
        const halfLifeMs = 10_000
        const budget = new RestartBudget({ most, halfLifeMs, firstMs: 10, longestMs: 500 })
        const passed: number[] = []
        let now = 0
        for (const step of steps) {
          now += step
          const delay = budget.spend(now, random)
          if (delay === undefined) break
          expect(delay).toBeGreaterThan(0)
          expect(delay).toBeLessThanOrEqual(500)
          passed.push(now)
        }
        // within one half-life no failure counts for less than a half
        for (const at of passed) {
          expect(passed.filter((other) => other >= at && other < at + halfLifeMs).length).toBeLessThanOrEqual(
            2 * most,
          )
        }
      },
    ),
  )
})

it('a clock that goes back makes no failure weigh more', () => {
  const budget = new RestartBudget({ most: 5, halfLifeMs: 1_000 })
  budget.spend(10_000, 0)
  expect(budget.scoreAt(0)).toBe(1)
  expect(budget.scoreAt(11_000)).toBe(0.5)
})
