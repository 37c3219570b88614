/** Tables and ranges against plain maps: staged writes, discards, commits, loads on their way, evictions. */

import { expect, it } from 'vitest'
import { Absent } from '../core/view.ts'
import { fc, times } from '../std/testdata/properties.ts'
import { RangeTable } from './ranges.ts'
import { Table } from './table.ts'

interface Row {
  readonly id: number
  readonly value: number
}

const command = fc.record({
  writes: fc.array(fc.record({ id: fc.nat(9), value: fc.integer({ min: -1, max: 5 }) }), { maxLength: 4 }),
  isKept: fc.boolean(),
  commits: fc.boolean(),
  acknowledges: fc.boolean(),
})

it('shows in a table what plain maps would hold, and hands over exactly what changed', () => {
  fc.assert(
    fc.property(
      fc.array(command, { maxLength: 40 }),
      fc.integer({ min: 0, max: 4 }),
      (commands, capacity) => {
        const table = new Table<number, Row>({ name: 'jobs', keyOf: ({ id }) => id, capacity })
        const [truth, stored] = [new Map<number, Row>(), new Map<number, Row>()]
        let [commit, durable] = [0, 0]
        const read = (id: number): Row | undefined => {
          try {
            return table.get(id)
          } catch (absent) {
            expect(absent).toBeInstanceOf(Absent)
            table.load(id, stored.get(id))
            return table.get(id)
          }
        }
        for (const { writes, isKept, commits, acknowledges } of commands) {
          const staged = new Map(truth)
          for (const { id } of writes) read(id)
          for (const { id, value } of writes) {
            if (value < 0) staged.delete(id)
            else staged.set(id, { id, value })
            if (value < 0) table.remove(id)
            else table.put(staged.get(id) as Row)
            expect(table.get(id)).toEqual(staged.get(id))
          }
          if (isKept) {
            table.settle()
            truth.clear()
            for (const [id, row] of staged) truth.set(id, row)
          } else table.discard()
          if (commits) {
            for (const { before, after } of table.take(++commit)) {
              const id = (after ?? before)?.id as number
              expect(before).toEqual(stored.get(id))
              if (after === undefined) stored.delete(id)
              else stored.set(id, after)
            }
            expect(stored).toEqual(truth)
          }
          if (acknowledges) {
            durable = commit
            table.durable(durable)
          }
          for (let id = 0; id < 10; id++) expect(read(id)).toEqual(truth.get(id))
        }
      },
    ),
    times(500),
  )
})

const change = fc.record({
  type: fc.constantFrom('add', 'add', 'remove', 'discard', 'commit', 'ask', 'arrive'),
  owner: fc.nat(2),
  member: fc.nat(5),
  value: fc.nat(2),
})

it('shows in a range, once it is resident, what is applied, stored or not', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.integer({ min: 0, max: 2 }), (changes, capacity) => {
      const ranges = new RangeTable('holders', capacity)
      const owners = () => [0, 1, 2].map(() => new Map<number, number>())
      const [truth, stored] = [owners(), owners()]
      const onTheWay = new Map<number, [number, number][]>()
      let commit = 0
      for (const { type, owner, member, value } of changes) {
        const [now, there] = [truth[owner] as Map<number, number>, stored[owner] as Map<number, number>]
        if (type === 'add' || type === 'remove') {
          if (type === 'add') ranges.add(owner, member, value)
          else ranges.remove(owner, member)
          ranges.settle()
          if (type === 'add') now.set(member, value)
          else now.delete(member)
        } else if (type === 'discard') {
          ranges.remove(owner, member)
          ranges.add(owner, member, value)
          ranges.discard()
        } else if (type === 'commit' || (type === 'ask' && !onTheWay.has(owner))) {
          for (const { owner: of, member: who, value: what } of ranges.take(++commit)) {
            if (what < 0) stored[of]?.delete(who)
            else stored[of]?.set(who, what)
          }
          expect(stored).toEqual(truth)
          if (type === 'commit') ranges.durable(commit)
          else {
            ranges.beginLoad(owner)
            onTheWay.set(owner, [...there])
          }
        } else if (type === 'arrive' && onTheWay.has(owner)) {
          ranges.endLoad(owner, onTheWay.get(owner) as [number, number][])
          onTheWay.delete(owner)
        }
        for (const [at, members] of truth.entries()) {
          try {
            const sorted = [...members].sort(([a], [b]) => a - b)
            expect(ranges.members(at)).toEqual(sorted)
            expect(ranges.size(at)).toBe(sorted.length)
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(Absent)
          }
        }
      }
    }),
    times(1_000),
  )
})
