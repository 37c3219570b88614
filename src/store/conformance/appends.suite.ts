/**
 * What jobs leave behind: attempts, output, progress, metadata and payloads; and that a purge takes all of it.
 */
import { describe, expect, it } from 'vitest'
import { HAS_KEY, HAS_PROGRESS, LARGE_INPUT, LARGE_RESULT } from '../../core/model/job.ts'
import type { AttemptRow, LogRow } from '../../core/model/rows.ts'
import { FOR_EVER } from '../../core/policy/keys.ts'
import type { Batch } from '../store.ts'
import { type MakeStore, Subject } from './subject.suite.ts'
import {
  ALL,
  added,
  changed,
  countsOf,
  enqueued,
  GPU,
  job,
  jobIn,
  removed,
  WORKER,
  WORLD,
} from './world.suite.ts'

const attempt = (id: number, number: number, changes: Partial<AttemptRow> = {}): AttemptRow => ({
  job: id,
  number,
  worker: WORKER,
  startedAt: 10,
  endedAt: 20,
  outcome: 'failed',
  error: null,
  ...changes,
})
const log = (id: number, number: number, offset: number, text: string, stream = 'stdout'): LogRow => ({
  job: id,
  attempt: number,
  offset,
  at: 5,
  stream,
  text,
})
const START = { attempt: 0, offset: 0 }

export function appendsSuite(make: MakeStore): void {
  describe('attempts', () => {
    it('stand with the details of their job, in order, with the name of their worker', async () => {
      const subject = await Subject.open(make)
      const failed = attempt(1, 2, { error: '{"code":"X"}' })
      const attempts = [attempt(1, 10, { worker: 0, outcome: 'lost' }), failed, attempt(1, 1), attempt(2, 1)]
      await subject.commit({ ...WORLD, ...enqueued([job(1), job(2)]), attempts })
      expect((await subject.reads.details(1))?.attempts).toEqual([
        { ...attempt(1, 1), worker: 'w-1' },
        { ...failed, worker: 'w-1' },
        { ...attempt(1, 10, { outcome: 'lost' }), worker: '' },
      ])
    })
  })

  describe('payloads', () => {
    it('are kept beside the row, one for the input and one for the result', async () => {
      const subject = await Subject.open(make)
      const text = JSON.stringify('\u00e9\ud83d\ude80'.repeat(100_000))
      const rows = [
        job(1, { flags: LARGE_INPUT | LARGE_RESULT }),
        job(2, { input: '"small"', result: '2' }),
        job(3),
      ]
      await subject.commit({
        ...WORLD,
        ...enqueued(rows),
        payloads: [
          { job: 1, field: 'input', text },
          { job: 1, field: 'result', text: '"first"' },
        ],
      })
      expect(await subject.reads.payload(1, 'input')).toBe(text)
      expect(await subject.reads.payload(1, 'result')).toBe('"first"')
      expect(await subject.reads.payload(3, 'input')).toBeNull()
      expect(await subject.reads.payload(9, 'result')).toBeNull()
      const { jobs } = await subject.reads.list(ALL)
      expect(jobs.map(({ input, result }) => [input, result])).toEqual([
        [text, '"first"'],
        ['"small"', '2'],
        [null, null],
      ])
      await subject.commit({ payloads: [{ job: 1, field: 'result', text: '"second"' }] })
      expect((await subject.reads.details(1))?.result).toBe('"second"')
      expect((await subject.reads.details(1))?.input).toBe(text)
    })

    it('are not shown once the row says that it has none', async () => {
      const subject = await Subject.open(make)
      const ended = job(1, { flags: LARGE_RESULT })
      await subject.commit({
        ...WORLD,
        ...enqueued([ended]),
        payloads: [{ job: 1, field: 'result', text: '1' }],
      })
      await subject.commit({ jobs: [changed(ended, job(1))] })
      expect((await subject.reads.details(1))?.result).toBeNull()
    })
  })

  describe('progress', () => {
    it('is that which was told last', async () => {
      const subject = await Subject.open(make)
      const rows = [job(1, { flags: HAS_PROGRESS }), job(2)]
      const last = { job: 1, fraction: 1 / 3, message: "it's \ud83d\ude80", at: 8 }
      await subject.commit({
        ...WORLD,
        ...enqueued(rows),
        progress: [{ job: 1, fraction: 0, message: null, at: 7 }],
      })
      expect((await subject.reads.details(1))?.progress).toEqual({
        job: 1,
        fraction: 0,
        message: null,
        at: 7,
      })
      await subject.commit({ progress: [last] })
      expect((await subject.reads.list(ALL)).jobs.map(({ progress }) => progress)).toEqual([last, null])
    })
  })

  describe('output', () => {
    it('is answered in order, of one attempt or of all, from a place on, and no more than asked for', async () => {
      const subject = await Subject.open(make)
      const a = [log(1, 1, 0, 'one '), log(1, 1, 4, 'two\0'), log(1, 1, 8, '\ud83d\ude80', 'stderr')]
      const b = [log(1, 2, 0, 'again', 'log'), log(1, 2, 5, '.')]
      await subject.commit({
        ...WORLD,
        ...enqueued([job(1), job(2)]),
        logs: [b[1] as LogRow, ...a, log(2, 1, 0, 'x')],
      })
      await subject.commit({ logs: [b[0] as LogRow] })
      const { reads } = subject
      expect(await reads.logs(1, null, START, 100)).toEqual([...a, ...b])
      expect(await reads.logs(1, 1, START, 100)).toEqual(a)
      expect(await reads.logs(1, 2, START, 100)).toEqual(b)
      expect(await reads.logs(1, 3, START, 100)).toEqual([])
      expect(await reads.logs(3, null, START, 100)).toEqual([])
      expect(await reads.logs(1, null, { attempt: 1, offset: 4 }, 100)).toEqual([...a.slice(1), ...b])
      expect(await reads.logs(1, null, { attempt: 1, offset: 5 }, 100)).toEqual([a[2], ...b])
      expect(await reads.logs(1, null, { attempt: 2, offset: 0 }, 100)).toEqual(b)
      expect(await reads.logs(1, 1, { attempt: 2, offset: 0 }, 100)).toEqual([])
      expect(await reads.logs(1, null, { attempt: 1, offset: 4 }, 2)).toEqual(a.slice(1))
    })

    it('keeps pieces of two streams at one place', async () => {
      const subject = await Subject.open(make)
      const pieces = [log(1, 1, 0, 'out'), log(1, 1, 3, '!', 'stdout'), log(1, 1, 3, '[cut]', 'log')]
      await subject.commit({ ...WORLD, ...enqueued([job(1)]), logs: pieces })
      const found = await subject.reads.logs(1, 1, START, 10)
      expect(found).toHaveLength(3)
      expect(found).toEqual(expect.arrayContaining(pieces))
    })
  })

  describe('a purge', () => {
    /** Rows of two jobs in every table; they differ in the job alone. */
    const rowsOf = (id: number): Partial<Batch> => ({
      keys: [
        { namespace: 1, key: `k:${id}`, job: id, digest: 'd', until: 0 },
        { namespace: 2, key: `u:${id}`, job: id, digest: '', until: 5_000 },
        { namespace: 1, key: `r:${id}`, job: id, digest: '', until: FOR_EVER - 1 },
        { namespace: 1, key: `u:ever ${id}`, job: id, digest: '', until: FOR_EVER },
      ],
      holders: [{ owner: GPU, member: id, value: 0 }],
      dependents: [
        { owner: id, member: 50, value: 0 },
        { owner: 51, member: id, value: 1 },
      ],
      attempts: [attempt(id, 1), attempt(id, 2)],
      payloads: [
        { job: id, field: 'input', text: '1' },
        { job: id, field: 'result', text: '2' },
      ],
      logs: [log(id, 1, 0, 'x'), log(id, 2, 0, 'y')],
      progress: [{ job: id, fraction: 1, message: null, at: 1 }],
      metadata: [
        { job: id, namespace: 1, name: 'a', value: 'b' },
        { job: id, namespace: 1, name: 'c', value: 'd' },
      ],
    })
    const row = (id: number) => job(id, { flags: LARGE_INPUT | LARGE_RESULT | HAS_KEY | HAS_PROGRESS })
    const everything = async (subject: Subject, id: number) => ({
      loaded: await subject.load({
        jobs: [id],
        keys: [`1:k:${id}`, `2:u:${id}`, `1:r:${id}`, `1:u:ever ${id}`],
        dependents: [id],
      }),
      holders: (await subject.load({ holders: [GPU] })).holders.filter(([, member]) => member === id),
      dependsOn: (await subject.load({ dependents: [51] })).dependents.filter(([, member]) => member === id),
      details: await subject.reads.details(id),
      payloads: [await subject.reads.payload(id, 'input'), await subject.reads.payload(id, 'result')],
      logs: await subject.reads.logs(id, null, START, 100),
      metadata: (
        await subject.reads.list({
          ...ALL,
          ids: [id],
          metadata: [{ name: 'a', value: 'b', isPrefix: false }],
        })
      ).jobs,
    })

    it('takes every row of the job and none of another, but for keys whose window is not over', async () => {
      const subject = await Subject.open(make)
      await subject.commit({ ...WORLD, ...enqueued([row(1), row(2)]) })
      await subject.commit(rowsOf(1))
      await subject.commit(rowsOf(2))
      const other = await everything(subject, 2)
      const purge = { jobs: [removed(row(1))], counts: countsOf([row(1)], -1), purged: [1] }
      await subject.commit({ ...purge, time: 5_000 })
      const { loaded, ...rest } = await everything(subject, 1)
      expect(rest).toEqual({
        holders: [],
        dependsOn: [],
        details: null,
        payloads: [null, null],
        logs: [],
        metadata: [],
      })
      expect(loaded).toMatchObject({ jobs: [], dependents: [] })
      expect(loaded.keys).toEqual([
        { namespace: 1, key: 'r:1', job: 1, digest: '', until: FOR_EVER - 1 },
        { namespace: 1, key: 'u:ever 1', job: 1, digest: '', until: FOR_EVER },
      ])
      expect(await everything(subject, 2)).toEqual(other)
      expect(other.details).toMatchObject({ key: '2', input: '1', attempts: [{}, {}] })
    })

    it('leaves nothing behind that a later job of the same id would have', async () => {
      const subject = await Subject.open(make)
      await subject.commit({ ...WORLD, ...enqueued([row(1), row(2)]) })
      await subject.commit(rowsOf(1))
      await subject.commit({ jobs: [removed(row(1))], counts: countsOf([row(1)], -1), purged: [1] })
      await subject.commit(enqueued([row(1)]))
      const { loaded: _, details, ...rest } = await everything(subject, 1)
      const nothing = { attempts: [], dependsOn: [], dependents: [], key: null, progress: null }
      expect(details).toMatchObject({ row: row(1), ...nothing, input: null, result: null })
      expect(Object.values(rest).flat()).toEqual([null, null])
    })

    it('takes rows that the same batch writes as well', async () => {
      const subject = await Subject.open(make)
      await subject.commit({ ...WORLD, ...enqueued([row(1)]) })
      await subject.commit({
        ...rowsOf(1),
        jobs: [removed(row(1))],
        counts: countsOf([row(1)], -1),
        purged: [1],
        time: FOR_EVER - 1,
      })
      const { loaded, ...rest } = await everything(subject, 1)
      expect(loaded.keys.map(({ key }) => key)).toEqual(['u:ever 1'])
      expect(
        Object.values(rest)
          .flat()
          .filter((found) => found !== null),
      ).toEqual([])
    })

    it('of many jobs is one commit', async () => {
      const subject = await Subject.open(make)
      const rows = Array.from({ length: 500 }, (_, index) => jobIn(7, index + 1))
      await subject.commit({ ...WORLD, ...enqueued(rows), logs: rows.map(({ id }) => log(id, 1, 0, 'x')) })
      const gone = rows.slice(0, 499)
      await subject.commit({
        jobs: gone.map(removed),
        counts: countsOf(gone, -1),
        purged: gone.map(({ id }) => id),
      })
      expect((await subject.reads.list({ ...ALL, limit: 1_000 })).jobs.map((found) => found.row.id)).toEqual([
        500,
      ])
      expect(await subject.reads.logs(7, null, START, 9)).toEqual([])
      expect(await subject.reads.logs(500, null, START, 9)).toHaveLength(1)
      expect(await subject.reads.check()).toEqual([])
    })

    it('leaves keys behind that are found when their window is over, and taken out one by one', async () => {
      const subject = await Subject.open(make)
      const key = (job: number, until: number) => ({
        ...{ namespace: 1, key: `k:${job} ${until}`, job, digest: '', until },
      })
      const keys = [1, 2].flatMap((id) => [key(id, 10), key(id, 20), key(id, FOR_EVER)])
      await subject.commit({ ...WORLD, ...enqueued([row(1), row(2)]), keys })
      await subject.commit({ jobs: [removed(row(1))], counts: countsOf([row(1)], -1), purged: [1], time: 5 })
      const found = async (now: number) => {
        const { keys: over, next } = await subject.reads.expiredKeys(now, { namespace: 0, key: '' })
        expect(next).toBeNull()
        return over.map((one) => one.key)
      }
      expect([await found(9), await found(10), await found(20)]).toEqual([
        [],
        ['k:1 10'],
        ['k:1 10', 'k:1 20'],
      ])
      expect((await subject.reads.expiredKeys(20, { namespace: 1, key: 'k:1 10' })).keys).toHaveLength(1)
      await subject.commit({ keysGone: [key(1, 10)] })
      expect(await found(20)).toEqual(['k:1 20'])
      expect((await subject.load({ keys: ['1:k:1 10', '1:k:2 10'] })).keys).toEqual([key(2, 10)])
    })

    it.each([false, true])(
      'leaves a key that another job has taken over; in the same batch: %s',
      async (isSame) => {
        const subject = await Subject.open(make)
        const key = { namespace: 1, key: 'k:order', digest: 'd', until: 5 }
        const [old, fresh] = [jobIn(7, 1, { flags: HAS_KEY }), jobIn(7, 2, { flags: HAS_KEY })]
        await subject.commit({ ...WORLD, ...enqueued([old]), keys: [{ ...key, job: 1 }] })
        const take: Partial<Batch> = { jobs: added([fresh]), keys: [{ ...key, job: 2 }] }
        const purge: Partial<Batch> = { jobs: [removed(old)], purged: [1] }
        if (isSame) {
          await subject.commit({ ...take, ...purge, jobs: [...(take.jobs ?? []), ...(purge.jobs ?? [])] })
        } else {
          await subject.commit(take)
          expect((await subject.reads.details(1))?.key).toBeNull()
          await subject.commit(purge)
        }
        expect((await subject.load({ keys: ['1:k:order'] })).keys).toEqual([{ ...key, job: 2 }])
        expect((await subject.reads.details(2))?.key).toBe('order')
      },
    )
  })
}
