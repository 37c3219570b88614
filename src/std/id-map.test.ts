/** A map of numbers does what Map does, whatever comes in which order. */

import { expect, it } from 'vitest'
import { IdMap } from './id-map.ts'
import { fc, times } from './testdata/properties.ts'

const key = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  // the same slot again and again
  fc.integer({ min: 0, max: 8 }).map((n) => n * 1_024),
  fc.maxSafeNat(),
)
const step = fc.record({ key, act: fc.constantFrom('set', 'set', 'delete', 'get', 'clear' as const) })

it('holds what a Map would hold', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const map = new IdMap<string>()
      const model = new Map<number, string>()
      steps.forEach(({ key, act }, index) => {
        if (act === 'set') {
          map.set(key, `${index}`)
          model.set(key, `${index}`)
        } else if (act === 'delete') expect(map.delete(key)).toBe(model.delete(key))
        else if (act === 'clear' && index % 10 === 0) {
          map.clear()
          model.clear()
        }
        expect(map.get(key)).toBe(model.get(key))
        expect(map.has(key)).toBe(model.has(key))
        expect(map.size).toBe(model.size)
      })
      for (const [known, value] of model) expect(map.get(known)).toBe(value)
      expect([...map.values()].sort()).toEqual([...model.values()].sort())
    }),
    times(1_000),
  )
})

it('sweeps over every value once, and goes on where it stopped', () => {
  const map = new IdMap<number>()
  for (let id = 1; id <= 100; id++) map.set(id * 7, id)
  expect([...map.sweep()].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  const seen: number[] = []
  for (let round = 0; round < 10; round++) {
    for (const value of map.sweep()) {
      seen.push(value)
      if (seen.length % 10 === 0) break
    }
  }
  expect(new Set(seen).size).toBe(100)
})
