import { expect, it } from 'vitest'
import { fc } from '../../std/testdata/properties.ts'
import { compare, Order, type Place } from './order.ts'

const small = fc.integer({ min: -2, max: 2 })
const place: fc.Arbitrary<Place> = fc.record({ rank: small, turn: small, id: fc.integer({ min: 0, max: 9 }) })
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('put' as const), place }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('remove' as const), place }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('read' as const), place }) },
)

it('equals a sorted array in both directions, through any history', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const order = new Order()
      const model = new Map<number, Place>()
      for (const { type, place: at } of steps) {
        if (type === 'put') {
          order.put(at)
          model.set(at.id, at)
        } else if (type === 'remove') {
          order.remove(at.id)
          model.delete(at.id)
        } else {
          const sorted = [...model.values()].sort(compare)
          const ids = (places: readonly Place[]) => places.map(({ id }) => id)
          expect([...order.from(undefined)]).toEqual(ids(sorted))
          expect([...order.from(undefined, true)]).toEqual(ids(sorted.toReversed()))
          expect([...order.from(at)]).toEqual(ids(sorted.filter((one) => compare(one, at) > 0)))
          const before = sorted.toReversed().filter((one) => compare(one, at) < 0)
          expect([...order.from(at, true)]).toEqual(ids(before))
        }
        expect(order.size).toBe(model.size)
      }
    }),
  )
})

it('is right after more changes than places, none of which was read', () => {
  const order = new Order()
  const model = new Map<number, Place>()
  for (let turn = 0; turn < 50_000; turn++) {
    const at = { rank: (turn * 7_919) % 1_000, turn, id: turn % 10 }
    order.put(at)
    model.set(at.id, at)
    if (turn % 3 === 0) {
      order.remove(at.id)
      model.delete(at.id)
    }
  }
  expect([...order.from(undefined)]).toEqual([...model.values()].sort(compare).map(({ id }) => id))
})
