/**
 * Histories: whatever is committed in whatever order, many commits in flight and restarts between them, the
 * store answers as plain maps would.
 */

import { describe, expect, it } from 'vitest'
import type { JobRow } from '../../core/model/job.ts'
import { fairId, type KeyRow, keyId } from '../../core/model/rows.ts'
import type { StateCode } from '../../core/model/states.ts'
import { fc, times } from '../../std/testdata/properties.ts'
import type { Batch, CountChange, JobChange, MemberChange } from '../store.ts'
import { type MakeStore, type StoreTraits, Subject } from './subject.suite.ts'
import { ALL, byId, ELSEWHERE, job, MAIL, VIDEO, WORLD } from './world.suite.ts'

/** Of every batch: keys whose window ends by then go with their job. */
const TIME = 9
const JOBS = 12
const LIMITS = [10, 11]
const LINES = [1, 2, 30, 31]
const BEFORE_ALL = { rank: -Infinity, turn: -Infinity, id: -Infinity }

/** One change of one row, in a form that fits whatever is there. */
const change = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('put' as const),
      id: fc.integer({ min: 1, max: JOBS }),
      state: fc.integer({ min: 0, max: 9 }) as fc.Arbitrary<StateCode>,
      line: fc.constantFrom(0, ...LINES),
      rank: fc.integer({ min: -2, max: 2 }),
      expireAt: fc.nat(3),
      route: fc.constantFrom(MAIL.id, VIDEO.id, ELSEWHERE.id),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('purge' as const), id: fc.integer({ min: 1, max: JOBS }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('hold' as const),
      owner: fc.constantFrom(...LIMITS),
      member: fc.integer({ min: 1, max: JOBS }),
      value: fc.integer({ min: -1, max: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('key' as const),
      key: fc.constantFrom('k:a', 'k:b', 'u:a'),
      job: fc.integer({ min: 1, max: JOBS }),
      until: fc.constantFrom(0, TIME, TIME + 1, Number.MAX_SAFE_INTEGER),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('fair' as const),
      key: fc.integer({ min: 1, max: 3 }),
      turn: fc.integer({ min: 0, max: 5 }),
    }),
  },
)
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

/** A batch of changes; then nothing, a look at everything, or a restart. */
const step = fc.record({
  changes: fc.array(change, { maxLength: 8 }),
  // Restarts are rare: they are slow where a store starts threads.
  next: fc.constantFrom(...Array<string>(10).fill('go on'), ...Array<string>(5).fill('look'), 'restart'),
})

/** The plain maps, which also make the batches. */
class Model {
  readonly jobs = new Map<number, JobRow>()
  readonly keys = new Map<string, KeyRow>()
  readonly holders = new Map<string, [number, number, number]>()
  readonly fair = new Map<string, { queue: number; key: number; turn: number }>()
  nextJobId = 1

  batch(changes: readonly Change[]): Partial<Batch> {
    const before = new Map(this.jobs)
    const members = new Map<string, MemberChange>()
    const keys = new Map<string, KeyRow>()
    const fair = new Map<string, { row: { queue: number; key: number; turn: number }; isGone: boolean }>()
    const purged: number[] = []
    const done = new Set<number>()
    for (const one of changes) {
      if (one.type === 'put' && !purged.includes(one.id)) this.#put(one)
      if (one.type === 'hold') members.set(`${one.owner}:${one.member}`, one)
      if (one.type === 'key')
        keys.set(keyId(1, one.key), {
          namespace: 1,
          key: one.key,
          job: one.job,
          digest: 'd',
          until: one.until,
        })
      if (one.type === 'fair')
        fair.set(fairId(3, one.key), {
          row: { queue: 3, key: one.key, turn: one.turn },
          isGone: one.turn === 0,
        })
      if (one.type === 'purge' && !done.has(one.id)) {
        done.add(one.id)
        this.jobs.delete(one.id)
        purged.push(one.id)
      }
    }
    for (const [key, { owner, member, value }] of members) {
      if (value < 0) this.holders.delete(key)
      else this.holders.set(key, [owner, member, value])
    }
    for (const [key, row] of keys) this.keys.set(key, row)
    for (const [key, { row, isGone }] of fair) {
      if (isGone) this.fair.delete(key)
      else this.fair.set(key, row)
    }
    for (const id of purged) this.#purge(id)
    this.nextJobId++
    const rows = [...fair.values()]
    return {
      nextJobId: this.nextJobId,
      time: TIME,
      jobs: this.#changesSince(before),
      counts: this.#countsSince(before),
      holders: [...members.values()],
      keys: [...keys.values()],
      fair: rows.flatMap(({ row, isGone }) => (isGone ? [] : [row])),
      fairGone: rows.flatMap(({ row, isGone }) => (isGone ? [row] : [])),
      purged,
    }
  }

  #put({ id, state, line, rank, expireAt, route }: Extract<Change, { type: 'put' }>): void {
    const made = this.jobs.get(id)
    this.jobs.set(
      id,
      job(id, {
        state,
        line,
        rank,
        expireAt,
        route: made?.route ?? route,
        attempt: (made?.attempt ?? 0) + 1,
      }),
    )
  }

  #purge(id: number): void {
    for (const [key, [, member]] of this.holders) if (member === id) this.holders.delete(key)
    for (const [key, row] of this.keys) {
      if (row.job === id && row.until <= TIME) this.keys.delete(key)
    }
  }

  #changesSince(earlier: ReadonlyMap<number, JobRow>): JobChange[] {
    const changes: JobChange[] = []
    for (const id of new Set([...earlier.keys(), ...this.jobs.keys()])) {
      const [before, after] = [earlier.get(id), this.jobs.get(id)]
      if (before !== after) changes.push({ before, after })
    }
    return changes
  }

  #countsSince(earlier: ReadonlyMap<number, JobRow>): CountChange[] {
    const counts: CountChange[] = []
    for (const { before, after } of this.#changesSince(earlier)) {
      if (before !== undefined) counts.push({ route: before.route, state: before.state, delta: -1 })
      if (after !== undefined) counts.push({ route: after.route, state: after.state, delta: 1 })
    }
    return counts
  }

  line(line: number): JobRow[] {
    const jobs = [...this.jobs.values()].filter((row) => row.line === line)
    return jobs.sort((a, b) => a.rank - b.rank || a.turn - b.turn || a.id - b.id)
  }

  expiring(): JobRow[] {
    const jobs = [...this.jobs.values()].filter(({ expireAt }) => expireAt > 0)
    return jobs.sort((a, b) => a.expireAt - b.expireAt || a.id - b.id)
  }

  /** Jobs by namespace, queue and state. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { route, state } of this.jobs.values()) {
      const place = route === ELSEWHERE.id ? 'other mail' : route === VIDEO.id ? 'acme video' : 'acme mail'
      counts.set(`${place} ${state}`, (counts.get(`${place} ${state}`) ?? 0) + 1)
    }
    return counts
  }
}

/** Compares everything that can be asked for with the model. */
async function look(subject: Subject, model: Model): Promise<void> {
  const lines = [...LINES, -1]
  const loaded = await subject.load({
    jobs: Array.from({ length: JOBS }, (_, index) => index + 1),
    keys: ['1:k:a', '1:k:b', '1:u:a'],
    holders: LIMITS,
    fair: [1, 2, 3].map((key) => fairId(3, key)),
    windows: lines.map((line) => ({ line, after: BEFORE_ALL, count: JOBS + 1 })),
  })
  const jobs = [...model.jobs.values()].sort(byId)
  expect(loaded.jobs.toSorted(byId)).toEqual(jobs)
  expect(new Map(loaded.keys.map((row) => [keyId(row.namespace, row.key), row]))).toEqual(model.keys)
  expect(new Map(loaded.holders.map((row) => [`${row[0]}:${row[1]}`, [...row]]))).toEqual(model.holders)
  expect(new Map(loaded.fair.map((row) => [fairId(row.queue, row.key), row]))).toEqual(model.fair)
  for (const [index, line] of lines.entries()) {
    const expected = line === -1 ? model.expiring() : model.line(line)
    expect(loaded.windows[index]).toEqual({ jobs: expected, exhausted: true })
  }
  const { reads } = subject
  expect((await reads.list(ALL)).jobs.map(({ row }) => row)).toEqual(jobs)
  const counts = (await reads.counts(null)).filter(({ count }) => count !== 0)
  const found = counts.map(({ namespace, queue, state, count }): [string, number] => {
    return [`${namespace === 'acme' ? 'acme' : 'other'} ${queue} ${state}`, count]
  })
  expect(new Map(found)).toEqual(model.counts())
}

export function historiesSuite(make: MakeStore, { keepsData = true }: StoreTraits): void {
  describe('any history', () => {
    it('leaves what plain maps would hold, with many commits in flight', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      const model = new Model()
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          let inFlight: Promise<void>[] = []
          for (const { changes, next } of steps) {
            inFlight.push(subject.commit(model.batch(changes)))
            if (next === 'go on') continue
            if (next === 'restart' && keepsData) {
              const opening = await subject.restart()
              expect(opening.nextJobId).toBe(model.nextJobId)
              expect(opening.running.toSorted(byId)).toEqual(model.line(2).toSorted(byId))
            } else {
              // A look does not wait for the commits before it; the reads in it see what is acknowledged.
              const loaded = await subject.load({ jobs: [1] })
              expect(loaded.jobs).toEqual([model.jobs.get(1)].filter((row) => row !== undefined))
            }
            await Promise.all(inFlight)
            inFlight = []
            await look(subject, model)
          }
          await Promise.all(inFlight)
          await look(subject, model)
        }),
        // Not shrunk: a history goes on where the one before it ended.
        { ...times(30), endOnFailure: true },
      )
    })
  })
}
