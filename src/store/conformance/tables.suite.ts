/**
 * Tables beside the jobs: what is interned, keys, fairness, limits, and ranges of members.
 */

import { describe, expect, it } from 'vitest'
import { fairId, type KeyRow, keyId, type NameSpace, nameId, routeKey } from '../../core/model/rows.ts'
import { fc, times } from '../../std/testdata/properties.ts'
import type { MemberChange } from '../store.ts'
import { type MakeStore, Subject } from './subject.suite.ts'
import { anyText, byId, MAIL, NAMES, PROFILES, ROUTES, WORLD } from './world.suite.ts'

export function tablesSuite(make: MakeStore): void {
  describe('interned rows', () => {
    it('are found by their text, and by their number where there is a load for it', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      const loaded = await subject.load({
        names: NAMES.map(({ space, text }) => nameId(space, text)),
        profiles: PROFILES.map(({ text }) => text),
        routes: ROUTES.map(routeKey),
        limits: [10, 11],
      })
      expect(loaded.names.toSorted(byId)).toEqual(NAMES)
      expect(loaded.profiles.toSorted(byId)).toEqual(PROFILES)
      expect(loaded.routes.toSorted(byId)).toEqual(ROUTES)
      expect(loaded.limits.toSorted(byId)).toEqual(WORLD.limits)
      const byNumber = await subject.load({ profilesById: [15, 14], routesById: [22, 20] })
      expect(byNumber.profiles.toSorted(byId)).toEqual(PROFILES)
      expect(byNumber.routes.map(({ id }) => id).sort()).toEqual([20, 22])
    })

    it('are not answered where they do not exist', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      const { namespace, queue, kind, profile } = MAIL
      const loaded = await subject.load({
        jobs: [1],
        // The text of another space.
        names: ['namespace:mail', 'queue:acme', 'kind:', 'limit:GPU', 'worker:w-1 '],
        profiles: ['', '{}'],
        profilesById: [1, 99],
        routes: [
          routeKey({ namespace: 9, queue, kind, profile }),
          routeKey({ namespace, queue, kind, profile: 15 }),
        ],
        routesById: [1, 99],
        queues: [3],
        fair: ['3:13'],
        keys: ['1:k:x'],
        limits: [12],
        holders: [10],
        dependents: [1],
      })
      for (const rows of Object.values(loaded)) expect(rows).toEqual([])
    })

    it('tell apart any two texts', async () => {
      const subject = await Subject.open(make)
      const spaces: NameSpace[] = ['namespace', 'limit', 'fair', 'worker']
      let id = 1
      const known = new Map<string, number>()
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...spaces), anyText, anyText, async (space, a, b) => {
          const names = []
          for (const text of [a, `${a}:${b}`, `limit:${b}`]) {
            if (known.has(nameId(space, text))) continue
            known.set(nameId(space, text), id)
            names.push({ id: id++, space, text })
          }
          await subject.commit({
            names,
            profiles: names.map((row) => ({ id: row.id, text: nameId(row.space, row.text) })),
          })
          const wanted = [nameId(space, a), nameId(space, `${a}:${b}`), nameId('kind', a)]
          const loaded = await subject.load({ names: wanted, profiles: wanted })
          for (const rows of [
            loaded.names.map((row) => [nameId(row.space, row.text), row.id]),
            loaded.profiles.map((row) => [row.text, row.id]),
          ]) {
            const expected = wanted.flatMap((key) => (known.has(key) ? [[key, known.get(key)]] : []))
            expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(expected))
          }
        }),
        times(40),
      )
    })
  })

  describe('rows that change', () => {
    it('are answered as they were last written: queues and limits', async () => {
      const subject = await Subject.open(make)
      const queues = [
        { id: 3, paused: 0, turn: 0 },
        { id: 4, paused: 1, turn: 0.1 + 0.2 },
      ]
      await subject.commit({ queues, limits: [{ id: 10, max: 1 }] })
      expect((await subject.load({ queues: [3, 4, 5] })).queues.toSorted(byId)).toEqual(queues)
      const after = { id: 3, paused: 1, turn: 1e300 }
      await subject.commit({ queues: [after], limits: [{ id: 10, max: 0 }] })
      const loaded = await subject.load({ queues: [4, 3], limits: [10] })
      expect(loaded.queues.toSorted(byId)).toEqual([after, queues[1]])
      expect(loaded.limits).toEqual([{ id: 10, max: 0 }])
    })

    it('are answered as they were last written, or are gone: fairness', async () => {
      const subject = await Subject.open(make)
      const steps = fc.array(
        fc.record({
          queue: fc.constantFrom(3, 33),
          key: fc.constantFrom(1, 3, 31),
          turn: fc.integer(),
          gone: fc.boolean(),
        }),
        { maxLength: 20 },
      )
      const rows = new Map<string, unknown>()
      await fc.assert(
        fc.asyncProperty(steps, async (changes) => {
          for (const { gone, ...row } of changes) {
            const id = fairId(row.queue, row.key)
            if (gone) rows.delete(id)
            else rows.set(id, { ...row, turn: row.turn / 3 + 0 })
            if (gone) void subject.commit({ fairGone: [row] })
            else void subject.commit({ fair: [{ ...row, turn: row.turn / 3 + 0 }] })
          }
          const ids = [3, 33].flatMap((queue) => [1, 3, 31].map((key) => fairId(queue, key)))
          const loaded = await subject.load({ fair: ids })
          const found = new Map(loaded.fair.map((row) => [fairId(row.queue, row.key), row]))
          expect(found).toEqual(rows)
        }),
        times(20),
      )
    })

    it('are answered as they were last written: keys', async () => {
      const subject = await Subject.open(make)
      const row: fc.Arbitrary<KeyRow> = fc.record({
        namespace: fc.constantFrom(1, 2, 11),
        key: fc.oneof(anyText, fc.constantFrom('k:a', '1:k:a', 'u:a')),
        job: fc.integer({ min: 1, max: 5 }),
        digest: anyText,
        until: fc.oneof(fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER)),
      })
      const known = new Map<string, KeyRow>()
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(row, { selector: (r) => keyId(r.namespace, r.key), maxLength: 8 }),
          async (keys) => {
            await subject.commit({ keys })
            for (const key of keys) known.set(keyId(key.namespace, key.key), key)
            const loaded = await subject.load({ keys: [...known.keys()] })
            const found = new Map(loaded.keys.map((key) => [keyId(key.namespace, key.key), key]))
            expect(found).toEqual(known)
          },
        ),
        times(40),
      )
    })
  })

  describe.each(['holders', 'dependents'] as const)('ranges of %s', (table) => {
    it('are answered whole, member by member with its value', async () => {
      const subject = await Subject.open(make)
      const changes: MemberChange[] = [
        { owner: 10, member: 7, value: 2 },
        { owner: 10, member: 3, value: 0 },
        { owner: 11, member: 7, value: 1 },
      ]
      await subject.commit({ [table]: changes })
      const read = async (owners: number[]) => sorted((await subject.load({ [table]: owners }))[table])
      expect(await read([10])).toEqual([
        [10, 3, 0],
        [10, 7, 2],
      ])
      expect(await read([12, 11])).toEqual([[11, 7, 1]])
      // Each table is its own.
      const other = table === 'holders' ? 'dependents' : 'holders'
      expect((await subject.load({ [other]: [10, 11] }))[other]).toEqual([])
    })

    it('equal sets of members through any history', async () => {
      const subject = await Subject.open(make)
      const change = fc.record({
        owner: fc.integer({ min: 1, max: 3 }),
        member: fc.integer({ min: 1, max: 6 }),
        value: fc.integer({ min: -1, max: 2 }),
      })
      const model = new Map<string, [number, number, number]>()
      const batch = fc.uniqueArray(change, {
        selector: ({ owner, member }) => owner * 10 + member,
        maxLength: 6,
      })
      await fc.assert(
        fc.asyncProperty(fc.array(batch, { maxLength: 6 }), async (batches) => {
          for (const changes of batches) {
            void subject.commit({ [table]: changes })
            for (const { owner, member, value } of changes) {
              if (value < 0) model.delete(`${owner}:${member}`)
              else model.set(`${owner}:${member}`, [owner, member, value])
            }
          }
          const loaded = await subject.load({ [table]: [1, 2, 3] })
          expect(sorted(loaded[table])).toEqual(sorted([...model.values()]))
        }),
        times(25),
      )
    })
  })
}

function sorted(
  members: readonly (readonly [number, number, number])[],
): (readonly [number, number, number])[] {
  return members.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])
}
