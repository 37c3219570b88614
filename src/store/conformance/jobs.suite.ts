/**
 * Jobs: every column of every change arrives, batches take effect as a whole, and loads see what was issued
 * before them.
 */

import { describe, expect, it } from 'vitest'
import { HAS_PROGRESS, type JobRow } from '../../core/model/job.ts'
import { SUCCEEDED } from '../../core/model/states.ts'
import { fc, times } from '../../std/testdata/properties.ts'
import type { JobChange } from '../store.ts'
import { type MakeStore, Subject } from './subject.suite.ts'
import {
  ALL,
  added,
  anyColumns,
  byId,
  changed,
  enqueued,
  job,
  jobIn,
  MAIL,
  removed,
  WORLD,
} from './world.suite.ts'

/** A second value for each column, so that a change of it alone can be told. */
const OTHER: Omit<JobRow, 'id'> = {
  route: 1,
  createdAt: 2,
  fairKey: 3,
  parent: 4,
  limits: '[5]',
  metadata: '{"a":"6"}',
  input: '"7"',
  state: 8,
  line: 9,
  rank: -10,
  turn: 11.5,
  priority: -12,
  dueAt: 13,
  expireAt: 14,
  attempt: 15,
  tries: 16,
  taken: 17,
  pending: 18,
  flags: 19,
  worker: 20,
  startedAt: 21,
  finishedAt: 22,
  cancelAt: 23,
  restarts: 24,
  logSize: 25,
  restartedAt: 26,
  nonce: 'nonce',
  result: '"28"',
  error: '{"code":"29"}',
  hint: '30 /a path',
}
const COLUMNS = Object.keys(OTHER) as (keyof typeof OTHER)[]

export function jobsSuite(make: MakeStore): void {
  describe('a job', () => {
    it('is not there before it is made, nor after it is deleted', async () => {
      const subject = await Subject.open(make)
      expect((await subject.load({ jobs: [1] })).jobs).toEqual([])
      await subject.commit({ jobs: added([job(1), job(2)]) })
      expect((await subject.load({ jobs: [1, 2, 3] })).jobs.toSorted(byId)).toEqual([job(1), job(2)])
      await subject.commit({ jobs: [removed(job(1))] })
      expect((await subject.load({ jobs: [1, 2, 3] })).jobs).toEqual([job(2)])
    })

    it('keeps each column: made with it, given it, and losing it again', async () => {
      const subject = await Subject.open(make)
      const plain = COLUMNS.map((_, index) => job(100 + index))
      const special = COLUMNS.map((column, index) => ({ ...job(100 + index), [column]: OTHER[column] }))
      const made = COLUMNS.map((column, index) => ({ ...job(200 + index), [column]: OTHER[column] }))
      const ids = plain.map(({ id }) => id)
      await subject.commit({ jobs: added([...plain, ...made]) })
      expect((await subject.load({ jobs: made.map(({ id }) => id) })).jobs.toSorted(byId)).toEqual(made)
      await subject.commit({ jobs: plain.map((before, index) => changed(before, special[index] as JobRow)) })
      expect((await subject.load({ jobs: ids })).jobs.toSorted(byId)).toEqual(special)
      await subject.commit({ jobs: plain.map((after, index) => changed(special[index] as JobRow, after)) })
      expect((await subject.load({ jobs: ids })).jobs.toSorted(byId)).toEqual(plain)
    })

    it('is answered as it was last written, through any chain of changes', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      let nextId = 1
      const chains = fc.array(fc.array(anyColumns, { minLength: 1, maxLength: 5 }), {
        minLength: 1,
        maxLength: 6,
      })
      await fc.assert(
        fc.asyncProperty(chains, fc.nat(1), async (columns, hole) => {
          const rows = columns.map((chain) => {
            const id = nextId++
            return chain.map((row): JobRow => ({ id, ...row }))
          })
          const commits: Promise<void>[] = []
          for (let step = 0; step < 5; step++) {
            const jobs: JobChange[] = []
            for (const chain of rows) {
              if (chain[step] !== undefined) jobs.push({ before: chain[step - 1], after: chain[step] })
            }
            commits.push(subject.commit({ jobs }))
          }
          const last = rows.map((chain) => chain.at(-1) as JobRow)
          const loaded = await subject.load({ jobs: last.map(({ id }) => id) })
          expect(loaded.jobs.toSorted(byId)).toEqual(last)
          await Promise.all(commits)
          // Each goes, so that lines do not grow from run to run; one is looked for afterwards.
          await subject.commit({ jobs: last.map(removed) })
          const gone = last[hole % last.length] as JobRow
          expect((await subject.load({ jobs: [gone.id] })).jobs).toEqual([])
        }),
        times(60),
      )
    })

    it('is listed as it was last written', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      let id = 1
      const listed = anyColumns.map((row) => ({
        ...row,
        route: MAIL.id,
        limits: '[10,11]',
        worker: 12,
        flags: 0,
      }))
      await fc.assert(
        fc.asyncProperty(listed, listed, async (first, second) => {
          id++
          const before: JobRow = { id, ...first }
          const after: JobRow = { id, ...second }
          await subject.commit({ jobs: added([before]) })
          expect((await subject.reads.list({ ...ALL, ids: [id] })).jobs.map(({ row }) => row)).toEqual([
            before,
          ])
          await subject.commit({ jobs: [changed(before, after)] })
          expect((await subject.reads.details(id))?.row).toEqual(after)
          expect((await subject.reads.list({ ...ALL, ids: [id] })).jobs.map(({ row }) => row)).toEqual([
            after,
          ])
        }),
        times(40),
      )
    })

    it('keeps the largest numbers and large texts', async () => {
      const subject = await Subject.open(make)
      const large = job(Number.MAX_SAFE_INTEGER, {
        createdAt: Number.MAX_SAFE_INTEGER,
        rank: -Number.MAX_SAFE_INTEGER,
        turn: Number.MAX_VALUE,
        priority: Number.MIN_SAFE_INTEGER,
        input: JSON.stringify('\ud83d\ude80'.repeat(200_000)),
      })
      await subject.commit({ jobs: added([large, job(1, { turn: 5e-324 })]) })
      const { jobs } = await subject.load({ jobs: [large.id, 1] })
      expect(jobs.toSorted(byId)).toEqual([job(1, { turn: 5e-324 }), large])
    })
  })

  describe('a batch', () => {
    it('takes many jobs at once', async () => {
      const subject = await Subject.open(make)
      const rows = Array.from({ length: 5_000 }, (_, index) =>
        job(index + 1, { input: String(index), line: 18 }),
      )
      await subject.commit({ jobs: added(rows) })
      const loaded = await subject.load({ jobs: rows.map(({ id }) => id) })
      expect(loaded.jobs.toSorted(byId)).toEqual(rows)
    })

    it('that cannot be carried out has no effect at all', async () => {
      const subject = await Subject.open(make)
      const before = jobIn(SUCCEEDED, 1, { flags: HAS_PROGRESS })
      await subject.commit({ ...WORLD, nextJobId: 2, ...enqueued([before]) })
      // Job 1 exists, so it cannot be made again.
      const spoilt = subject.batch({
        nextJobId: 9,
        nextNameId: 99,
        ...enqueued([job(2), job(1, { input: '1' }), job(3)]),
        names: [{ id: 98, space: 'limit', text: 'late' }],
        keys: [{ namespace: 1, key: 'k:a', job: 2, digest: 'd', until: 5 }],
        queues: [{ id: 3, paused: 1, turn: 1 }],
        holders: [{ owner: 10, member: 2, value: 0 }],
        progress: [{ job: 1, fraction: 0.5, message: null, at: 1 }],
      })
      await expect(subject.store.commit(spoilt)).rejects.toThrow()
      expect(await subject.reopen()).toMatchObject({ sequence: 1, nextJobId: 2, nextNameId: 30, queues: [] })
      const loaded = await subject.load({
        jobs: [1, 2, 3],
        names: ['limit:late'],
        keys: ['1:k:a'],
        holders: [10],
      })
      expect(loaded).toMatchObject({ jobs: [before], names: [], keys: [], holders: [] })
      expect((await subject.reads.details(1))?.progress).toBeNull()
      expect(await subject.reads.check()).toEqual([])
      await subject.commit({ nextJobId: 3, ...enqueued([job(2)]) })
      expect((await subject.load({ jobs: [2] })).jobs).toEqual([job(2)])
    })

    it('is seen whole or not at all by reads beside it', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      const size = 50
      const commits: Promise<void>[] = []
      const pages: ReturnType<typeof subject.reads.list>[] = []
      for (let group = 0; group < 12; group++) {
        const rows = Array.from({ length: size }, (_, index) => job(1 + group * size + index))
        commits.push(subject.commit(enqueued(rows)))
        pages.push(subject.reads.list({ ...ALL, limit: 1_000 }))
      }
      for (const page of await Promise.all(pages)) expect(page.jobs.length % size).toBe(0)
      await Promise.all(commits)
      expect((await subject.reads.list({ ...ALL, limit: 1_000 })).jobs).toHaveLength(12 * size)
    })
  })

  describe('order', () => {
    it('lets a load see every commit issued before it', async () => {
      const subject = await Subject.open(make)
      const commits: Promise<void>[] = []
      const loads: Promise<void>[] = []
      let before: JobRow | undefined
      for (let step = 1; step <= 100; step++) {
        const after = job(1, { attempt: step, line: 18, rank: step })
        commits.push(
          subject.commit({ jobs: [{ before, after }], holders: [{ owner: 10, member: step, value: 0 }] }),
        )
        before = after
        const window = { line: 18, after: { rank: step - 1, turn: 0, id: 0 }, count: 5 }
        const load = subject.load({ jobs: [1], holders: [10], windows: [window] })
        loads.push(
          load.then(({ jobs, holders, windows }) => {
            expect(jobs[0]?.attempt).toBeGreaterThanOrEqual(step)
            expect(holders.length).toBeGreaterThanOrEqual(step)
            expect(windows[0]?.jobs).toHaveLength(1)
          }),
        )
      }
      await Promise.all([...commits, ...loads])
      expect((await subject.load({ jobs: [1] })).jobs).toEqual([before])
    })

    it('acknowledges commits in the order in which they were issued', async () => {
      const subject = await Subject.open(make)
      const acknowledged: number[] = []
      const commits = Array.from({ length: 50 }, (_, index) =>
        subject.commit({ jobs: added([job(index + 1)]) }).then(() => acknowledged.push(index)),
      )
      await Promise.all(commits)
      expect(acknowledged).toEqual(Array.from({ length: 50 }, (_, index) => index))
    })

    it('refuses what follows a refused commit', async () => {
      const subject = await Subject.open(make)
      await subject.commit({ jobs: added([job(1)]) })
      const wrong = { ...subject.batch({ jobs: added([job(2)]) }), epoch: subject.opening.epoch + 1 }
      const results = [
        subject.store.commit(wrong),
        subject.store.commit({ ...subject.batch({ jobs: added([job(3)]) }), sequence: wrong.sequence + 1 }),
      ]
      expect((await Promise.allSettled(results)).map(({ status }) => status)).toEqual([
        'rejected',
        'rejected',
      ])
      expect((await subject.load({ jobs: [1, 2, 3] })).jobs).toEqual([job(1)])
    })
  })
}
