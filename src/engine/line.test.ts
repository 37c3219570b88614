/** OrderedIndex against a plain sorted array: whatever is pushed, removed and read, and whenever. */

import { expect, it } from 'vitest'
import { fc, times } from '../std/testdata/properties.ts'
import { OrderedIndex, type Place } from './line.ts'

const comparePlaces = (a: Place, b: Place): number => a.rank - b.rank || a.turn - b.turn || a.id - b.id

/** A line as the store has it: all entries, sorted. Changes reach it with the next commit. */
class Model {
  readonly places = new Map<number, Place>()
  stored: Place[] = []
  readonly index: OrderedIndex
  #load: { after: Place; window: Place[]; exhausted: boolean } | undefined

  constructor(stored: Place[]) {
    for (const place of stored) this.places.set(place.id, place)
    this.stored = stored.toSorted(comparePlaces)
    this.index = new OrderedIndex(stored.length === 0)
  }

  put(place: Place): void {
    this.remove(place.id)
    this.places.set(place.id, place)
    this.index.push(place)
  }

  remove(id: number): void {
    const place = this.places.get(id)
    if (place === undefined) return
    this.places.delete(id)
    this.index.remove(place)
  }

  commit(): void {
    this.stored = [...this.places.values()].sort(comparePlaces)
  }

  /** Issues a read behind a commit; what it brings is what the store has at that moment. */
  read(count: number): void {
    if (this.#load !== undefined || this.index.complete) return
    this.commit()
    const after = this.index.beginLoad()
    const behind = this.stored.filter((place) => comparePlaces(place, after) > 0)
    this.#load = { after, window: behind.slice(0, count), exhausted: behind.length < count }
  }

  arrive(): void {
    if (this.#load === undefined) return
    this.index.endLoad(this.#load.window, this.#load.exhausted)
    this.#load = undefined
  }

  /** What is in memory is the beginning of the line, and says whether it is all of it. */
  check(): void {
    const sorted = [...this.places.values()].sort(comparePlaces)
    const head = Array.from({ length: this.index.size }, (_, position) => this.index.at(position))
    expect(head).toEqual(sorted.slice(0, head.length))
    if (this.index.complete) expect(head).toHaveLength(sorted.length)
    expect(this.index.empty).toBe(this.index.complete && sorted.length === 0)
    expect(this.index.at(head.length)).toBeUndefined()
  }
}

const place = fc.record({
  id: fc.integer({ min: 1, max: 40 }),
  rank: fc.integer({ min: -3, max: 3 }),
  turn: fc.constantFrom(0, 0.5, 1, 2),
})
const step = fc.oneof(
  { weight: 5, arbitrary: place.map((at) => (model: Model) => model.put(at)) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 40 }).map((id) => (model: Model) => model.remove(id)) },
  { weight: 1, arbitrary: fc.constant((model: Model) => model.commit()) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 12 }).map((count) => (model: Model) => model.read(count)),
  },
  { weight: 2, arbitrary: fc.constant((model: Model) => model.arrive()) },
)

it('shows the beginning of the line, with reads on their way at any time', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(place, { selector: ({ id }) => id, maxLength: 30 }),
      fc.array(step, { maxLength: 60 }),
      (stored, steps) => {
        const model = new Model(stored)
        for (const act of steps) {
          act(model)
          model.check()
        }
        while (!model.index.complete) {
          model.arrive()
          model.read(7)
          model.arrive()
          model.check()
        }
        expect(model.index.size).toBe(model.places.size)
      },
    ),
    times(2_000),
  )
})

it('keeps a bounded head of a long line, and brings the rest as the head is used up', () => {
  const model = new Model([])
  let most = 0
  for (let id = 1; id <= 100_000; id++) {
    model.put({ id, rank: id % 7, turn: id })
    most = Math.max(most, model.index.size)
  }
  expect(most).toBeLessThan(40_000)
  expect(model.index.complete).toBe(false)
  const sorted = [...model.places.values()].sort(comparePlaces)
  for (const expected of sorted) {
    if (model.index.hungry) {
      model.read(10_000)
      model.arrive()
    }
    expect(model.index.at(0)?.id).toBe(expected.id)
    model.remove(expected.id)
  }
  expect(model.index.empty).toBe(true)
}, 60_000)
