/**
 * Lines: windows of the store are the parts of a sorted array, wherever they begin and however long they are.
 */

import { describe, expect, it } from 'vitest'
import type { JobRow } from '../../core/model/job.ts'
import { fc, times } from '../../std/testdata/properties.ts'
import { EXPIRY_LINE, type WindowRequest } from '../store.ts'
import { type MakeStore, Subject } from './subject.suite.ts'
import { added, changed, job, removed } from './world.suite.ts'

interface Place {
  readonly rank: number
  readonly turn: number
  readonly id: number
}

const BEFORE_ALL: Place = { rank: -Infinity, turn: -Infinity, id: -Infinity }
const LINE = 18

/** Few different values, so that ties are common; and some that are far out. */
const rank = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.maxSafeInteger())
const turn = fc
  .oneof(fc.constantFrom(0, 0.1, 0.1 + 0.2, 0.3, 1 / 3, -1), fc.double({ noNaN: true }))
  .map((x) => {
    return Number.isFinite(x) ? x + 0 : 7
  })
const places = fc.array(fc.record({ rank, turn }), { maxLength: 40 })

const placeOf = ({ rank, turn, id }: JobRow): Place => ({ rank, turn, id })
const expiryOf = ({ expireAt, id }: JobRow): Place => ({ rank: expireAt, turn: 0, id })

function compare(a: Place, b: Place): number {
  for (const part of ['rank', 'turn', 'id'] as const)
    if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1
  return 0
}

/** Reads a whole line, page by page. */
async function page(subject: Subject, line: number, count: number, from = BEFORE_ALL): Promise<JobRow[]> {
  const toPlace = line === EXPIRY_LINE ? expiryOf : placeOf
  const jobs: JobRow[] = []
  for (let after = from; ; ) {
    const { windows } = await subject.load({ windows: [{ line, after, count }] })
    const window = windows[0] as (typeof windows)[number]
    expect(window.jobs.length).toBeLessThanOrEqual(count)
    jobs.push(...window.jobs)
    if (window.exhausted) return jobs
    // Only a full window may say that there is more; a short one is the end.
    expect(window.jobs).toHaveLength(count)
    after = toPlace(window.jobs.at(-1) as JobRow)
  }
}

export function linesSuite(make: MakeStore): void {
  describe('a line', () => {
    it('is empty and at its end where nothing stands in it', async () => {
      const subject = await Subject.open(make)
      await subject.commit({ jobs: added([job(1), job(2, { line: 20 })]) })
      const windows: WindowRequest[] = [
        { line: LINE, after: BEFORE_ALL, count: 10 },
        { line: EXPIRY_LINE, after: BEFORE_ALL, count: 10 },
      ]
      const nothing = { jobs: [], exhausted: true }
      expect((await subject.load({ windows })).windows).toEqual([nothing, nothing])
    })

    it('answers each window at its place of the request', async () => {
      const subject = await Subject.open(make)
      const rows = [job(1, { line: 18 }), job(2, { line: 19 }), job(3, { line: 18, expireAt: 5 })]
      await subject.commit({ jobs: added(rows) })
      const lines = [19, EXPIRY_LINE, 18, 17, 18]
      const { windows } = await subject.load({
        windows: lines.map((line) => ({ line, after: BEFORE_ALL, count: 10 })),
      })
      expect(windows.map(({ jobs }) => jobs.map(({ id }) => id))).toEqual([[2], [3], [1, 3], [], [1, 3]])
    })

    it('read page by page equals a sorted array, from any place on', async () => {
      const subject = await Subject.open(make)
      let nextId = 1
      let line = 16
      const count = fc.integer({ min: 1, max: 45 })
      await fc.assert(
        fc.asyncProperty(places, count, fc.record({ rank, turn }), async (randoms, size, start) => {
          line++
          const rows = randoms.map((place) => job(nextId++, { line, ...place }))
          await subject.commit({ jobs: added(rows) })
          const sorted = rows.toSorted((a, b) => compare(placeOf(a), placeOf(b)))
          expect(await page(subject, line, size)).toEqual(sorted)
          const froms = [{ ...start, id: nextId - 3 }, ...sorted.slice(0, 3).map(placeOf)]
          for (const from of froms) {
            const behind = sorted.filter((row) => compare(placeOf(row), from) > 0)
            expect(await page(subject, line, size, from)).toEqual(behind)
          }
        }),
        times(40),
      )
    })

    it('is followed by a job that moves, within it and to another', async () => {
      const subject = await Subject.open(make)
      const moves = fc.array(
        fc.record({
          which: fc.nat(9),
          line: fc.constantFrom(0, 1, 2, 18, 19),
          rank,
          turn,
          gone: fc.boolean(),
        }),
        { minLength: 1, maxLength: 30 },
      )
      let base = 0
      await fc.assert(
        fc.asyncProperty(moves, async (steps) => {
          base += 10
          const rows = new Map<number, JobRow>()
          for (const { which, gone, ...place } of steps) {
            const before = rows.get(base + which)
            if (gone && before !== undefined) {
              void subject.commit({ jobs: [removed(before)] })
              rows.delete(before.id)
            } else {
              const after = job(base + which, place)
              void subject.commit({ jobs: [{ before, after }] })
              rows.set(after.id, after)
            }
          }
          for (const line of [1, 2, 18, 19]) {
            const expected = [...rows.values()].filter((row) => row.line === line)
            expected.sort((a, b) => compare(placeOf(a), placeOf(b)))
            expect(await page(subject, line, 3)).toEqual(expected)
          }
          await subject.commit({ jobs: [...rows.values()].map(removed) })
        }),
        times(25),
      )
    })

    it('is read in large windows', async () => {
      const subject = await Subject.open(make)
      const rows = Array.from({ length: 10_000 }, (_, index) =>
        job(index + 1, { line: LINE, rank: 3 - (index % 7) }),
      )
      await subject.commit({ jobs: added(rows) })
      const sorted = rows.toSorted((a, b) => compare(placeOf(a), placeOf(b)))
      expect(await page(subject, LINE, 4_096)).toEqual(sorted)
    })
  })

  describe('the order of what expires', () => {
    it('holds only jobs that do, by time and id, whatever line they stand in', async () => {
      const subject = await Subject.open(make)
      const random = fc.array(
        fc.record({ expireAt: fc.oneof(fc.nat(3), fc.maxSafeNat()), line: fc.nat(20), rank, turn }),
        { maxLength: 30 },
      )
      let nextId = 1
      await fc.assert(
        fc.asyncProperty(random, fc.integer({ min: 1, max: 35 }), fc.nat(4), async (randoms, size, start) => {
          const rows = randoms.map((columns) => job(nextId++, columns))
          await subject.commit({ jobs: added(rows) })
          const sorted = rows
            .filter(({ expireAt }) => expireAt > 0)
            .sort((a, b) => compare(expiryOf(a), expiryOf(b)))
          expect(await page(subject, EXPIRY_LINE, size)).toEqual(sorted)
          const from = { rank: start, turn: 0, id: nextId - 5 }
          const behind = sorted.filter((row) => compare(expiryOf(row), from) > 0)
          expect(await page(subject, EXPIRY_LINE, size, from)).toEqual(behind)
          await subject.commit({ jobs: rows.map(removed) })
        }),
        times(30),
      )
    })

    it('is followed by a job whose time changes', async () => {
      const subject = await Subject.open(make)
      const [a, b] = [job(1, { expireAt: 10 }), job(2, { expireAt: 20 })]
      await subject.commit({ jobs: added([a, b]) })
      const later = job(1, { expireAt: 30 })
      await subject.commit({ jobs: [changed(a, later)] })
      expect(await page(subject, EXPIRY_LINE, 10)).toEqual([b, later])
      await subject.commit({ jobs: [changed(b, job(2))] })
      expect(await page(subject, EXPIRY_LINE, 10)).toEqual([later])
    })
  })
}
