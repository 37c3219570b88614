/**
 * Other reads: counts, retention, dependents, facts, and the check that finds rows which contradict each other.
 */

import { describe, expect, it } from 'vitest'
import { HAS_DEPENDENCIES, HAS_DEPENDENTS, type JobRow, LARGE_RESULT } from '../../core/model/job.ts'
import { limitLine, readyLine } from '../../core/model/line.ts'
import {
  BLOCKED,
  CANCELLED,
  FAILED,
  READY,
  RUNNING,
  SCHEDULED,
  SUCCEEDED,
  WAITING,
} from '../../core/model/states.ts'
import { fc, times } from '../../std/testdata/properties.ts'
import type { Batch, MemberChange } from '../store.ts'
import { type MakeStore, Subject } from './subject.suite.ts'
import {
  anyState,
  changed,
  countsOf,
  ELSEWHERE,
  enqueued,
  GPU,
  job,
  jobIn,
  MAIL,
  removed,
  sum,
  textOf,
  VIDEO,
  WORKER,
  WORLD,
} from './world.suite.ts'

/** The batch that takes back one of jobs, counts and members. */
function undo({
  jobs = [],
  counts = [],
  holders = [],
  dependents = [],
  payloads = [],
}: Partial<Batch>): Partial<Batch> {
  const back = (change: MemberChange) => ({ ...change, value: change.value < 0 ? 0 : -1 })
  return {
    jobs: jobs.map(({ before, after }) => ({ before: after, after: before })),
    counts: counts.map((change) => ({ ...change, delta: -change.delta })),
    holders: holders.map(back),
    dependents: dependents.map(back),
    payloads: payloads.map((row) => ({ ...row, text: null })),
  }
}

async function expired(subject: Subject, now: number): Promise<number[]> {
  const found: number[] = []
  let from: number | null = 0
  while (from !== null) {
    const page: { readonly ids: readonly number[]; readonly next: number | null } =
      await subject.reads.expired(now, from)
    for (const id of page.ids) expect(id).toBeGreaterThanOrEqual(from)
    if (page.next !== null) expect(page.next).toBeGreaterThan(from)
    found.push(...page.ids)
    from = page.next
  }
  return found.sort((a, b) => a - b)
}

export function readsSuite(make: MakeStore): void {
  describe('counts', () => {
    it('are sums of the changes, by namespace, queue and state', async () => {
      const subject = await Subject.open(make)
      const queues = [{ id: 4, paused: 1, turn: 0 }]
      const count = (route: number, state: 3 | 7, delta: number) => ({ route, state, delta })
      const counts = [count(MAIL.id, READY, 5), count(VIDEO.id, READY, 2), count(ELSEWHERE.id, READY, 1)]
      // A group shares namespace and queue with the mails.
      await subject.commit({ ...WORLD, queues, counts: [...counts, count(23, READY, 10)] })
      await subject.commit({ counts: [count(MAIL.id, READY, -2), count(MAIL.id, SUCCEEDED, 2)] })
      const sorted = async (namespace: string | null) => {
        const rows = (await subject.reads.counts(namespace)).filter((row) => row.count !== 0)
        return rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
      }
      const row = (namespace: string, queue: string, state: number, count: number) =>
        JSON.stringify(Object.entries({ namespace, queue, paused: queue === 'video', state, count }).sort())
      const acme = [row('acme', 'mail', 3, 13), row('acme', 'mail', 7, 2), row('acme', 'video', 3, 2)].sort()
      expect(await sorted('acme')).toEqual(acme)
      expect(await sorted(textOf(2))).toEqual([row(textOf(2), 'mail', 3, 1)])
      expect(await sorted('nobody')).toEqual([])
      expect(await sorted(null)).toEqual([...acme, row(textOf(2), 'mail', 3, 1)].sort())
    })

    it('follow any history of changes', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      const model = new Map<string, number>()
      const delta = fc.integer({ min: -3, max: 3 })
      const change = fc.record({
        route: fc.constantFrom(MAIL.id, VIDEO.id, ELSEWHERE.id),
        state: anyState,
        delta,
      })
      await fc.assert(
        fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (counts) => {
          await subject.commit({ counts })
          for (const { route, state, delta } of counts) {
            model.set(`${route}/${state}`, (model.get(`${route}/${state}`) ?? 0) + delta)
          }
          const found = await subject.reads.counts('acme')
          const mine = found.filter(({ queue, state }) => queue === 'video' && state === 3)
          expect(sum(mine.map(({ count }) => count))).toBe(model.get(`${VIDEO.id}/3`) ?? 0)
          const total = sum((await subject.reads.counts(null)).map(({ count }) => count))
          expect(total).toBe(sum(model.values()))
        }),
        times(20),
      )
    })
  })

  describe('retention', () => {
    it('is over for ended jobs whose time has come, and for no other', async () => {
      const subject = await Subject.open(make)
      // Kept for 100, 300 and 200 ms: succeeded, failed, cancelled.
      const short = { route: VIDEO.id, finishedAt: 1_000 }
      const rows = [
        jobIn(SUCCEEDED, 1, short),
        jobIn(FAILED, 2, short),
        jobIn(CANCELLED, 3, short),
        jobIn(READY, 4, short),
        jobIn(SUCCEEDED, 5, { route: MAIL.id, finishedAt: 1_000 }),
        jobIn(SUCCEEDED, 6, { ...short, finishedAt: 1_050 }),
      ]
      await subject.commit({ ...WORLD, ...enqueued(rows) })
      expect(await expired(subject, 1_099)).toEqual([])
      expect(await expired(subject, 1_100)).toEqual([1])
      expect(await expired(subject, 1_150)).toEqual([1, 6])
      expect(await expired(subject, 1_299)).toEqual([1, 3, 6])
      expect(await expired(subject, 2_000)).toEqual([1, 2, 3, 6])
      expect(await expired(subject, 1_000 + 86_400_000)).toEqual([1, 2, 3, 5, 6])
    })

    it('is looked for from an id on, a bounded number of rows at a time', async () => {
      const subject = await Subject.open(make)
      const rows = Array.from({ length: 12_000 }, (_, index) =>
        jobIn(SUCCEEDED, index + 1, { route: VIDEO.id }),
      )
      await subject.commit({ ...WORLD, ...enqueued(rows) })
      const first = await subject.reads.expired(1_000, 0)
      expect(first.ids.length).toBeLessThanOrEqual(5_000)
      expect(first.next).not.toBeNull()
      expect(await expired(subject, 1_000)).toEqual(rows.map(({ id }) => id))
      expect((await subject.reads.expired(1_000, 11_999)).ids).toEqual([11_999, 12_000])
      expect(await subject.reads.expired(1_000, 12_001)).toEqual({ ids: [], next: null })
    })

    it('is not over in an empty store', async () => {
      const subject = await Subject.open(make)
      expect(await subject.reads.expired(1, 0)).toEqual({ ids: [], next: null })
    })
  })

  describe('details', () => {
    it('show a job and its past as they were at one moment', async () => {
      const subject = await Subject.open(make)
      const past = (number: number) => ({
        ...{ job: 1, number, worker: WORKER, startedAt: number, endedAt: number },
        ...{ outcome: 'failed', error: null },
      })
      let row = job(1)
      await subject.commit({ ...WORLD, ...enqueued([row]) })
      const [commits, torn]: [Promise<void>[], number[][]] = [[], []]
      for (let attempt = 1; attempt <= 400; attempt++) {
        const after = job(1, { attempt })
        commits.push(subject.commit({ jobs: [{ before: row, after }], attempts: [past(attempt)] }))
        row = after
        const details = await subject.reads.details(1)
        const [told, there] = [details?.row.attempt as number, details?.attempts.length as number]
        if (told !== there) torn.push([told, there])
      }
      await Promise.all(commits)
      expect(torn).toEqual([])
    })
  })

  describe('dependents', () => {
    it('are those reached over unsettled edges, nearest first, each once, up to a limit', async () => {
      const subject = await Subject.open(make)
      const edges = [
        [1, 2],
        [1, 3],
        [2, 4],
        [3, 4],
        [4, 5],
        [5, 6],
        [7, 8],
      ].map(([owner = 0, member = 0]) => ({ owner, member, value: 0 }))
      await subject.commit({ ...WORLD, dependents: edges })
      const { reads } = subject
      expect(await reads.dependents([1], 100)).toEqual([2, 3, 4, 5, 6])
      expect(await reads.dependents([1], 3)).toEqual([2, 3, 4])
      expect(await reads.dependents([4], 100)).toEqual([5, 6])
      expect(await reads.dependents([6], 100)).toEqual([])
      await subject.commit({ dependents: [{ owner: 4, member: 5, value: -1 }] })
      expect(await reads.dependents([1], 100)).toEqual([2, 3, 4])
    })

    it('are found along a chain of thousands', async () => {
      const subject = await Subject.open(make)
      const dependents = Array.from({ length: 3_000 }, (_, index) => ({
        owner: index + 1,
        member: index + 2,
        value: 0,
      }))
      await subject.commit({ dependents })
      expect(await subject.reads.dependents([1], 10_000)).toEqual(dependents.map(({ member }) => member))
    })
  })

  describe('info', () => {
    it('is a list of plain facts', async () => {
      const subject = await Subject.open(make)
      const facts = Object.values(await subject.reads.info())
      expect(facts.length).toBeGreaterThan(0)
      for (const fact of facts) expect(['string', 'number', 'boolean']).toContain(typeof fact)
    })
  })

  describe('the check', () => {
    /** A job in each kind of state, all as the core would have them. */
    const healthy = (): { rows: JobRow[]; batch: Partial<Batch> } => {
      const limits = { limits: `[${GPU}]`, taken: 1 }
      const rows = [
        jobIn(SCHEDULED, 1),
        jobIn(READY, 2, { flags: HAS_DEPENDENTS }),
        jobIn(RUNNING, 3, limits),
        jobIn(READY, 4, { ...limits, route: VIDEO.id }),
        jobIn(WAITING, 5),
        jobIn(BLOCKED, 6, { pending: 1, flags: HAS_DEPENDENCIES }),
        jobIn(SUCCEEDED, 7),
        jobIn(FAILED, 8, { limits: `[${GPU}]` }),
      ]
      const holders = [3, 4].map((member) => ({ owner: GPU, member, value: 0 }))
      return {
        rows,
        batch: { ...WORLD, ...enqueued(rows), holders, dependents: [{ owner: 2, member: 6, value: 0 }] },
      }
    }
    const withHealthy = async () => {
      const subject = await Subject.open(make)
      const { rows, batch } = healthy()
      await subject.commit(batch)
      expect(await subject.reads.check()).toEqual([])
      const rowOf = (id: number) => rows[id - 1] as JobRow
      return { subject, rowOf }
    }

    it('finds nothing in an empty store', async () => {
      const subject = await Subject.open(make)
      expect(await subject.reads.check()).toEqual([])
    })

    /** Changes that contradict the rest, and the job that the answer names. */
    const planted: [string, number | undefined, (rowOf: (id: number) => JobRow) => Partial<Batch>][] = [
      [
        'a count that is too high',
        undefined,
        () => ({ counts: [{ route: MAIL.id, state: READY, delta: 1 }] }),
      ],
      [
        'a job that is not counted',
        undefined,
        () => ({ jobs: [{ before: undefined, after: jobIn(SUCCEEDED, 9) }] }),
      ],
      ['a job that is counted, but gone', undefined, (rowOf) => ({ jobs: [removed(rowOf(7))] })],
      ['a holder that has ended', 7, () => ({ holders: [{ owner: GPU, member: 7, value: 0 }] })],
      ['a holder that does not exist', 77, () => ({ holders: [{ owner: GPU, member: 77, value: 0 }] })],
      [
        'a limit that is not held, as its job says',
        3,
        () => ({ holders: [{ owner: GPU, member: 3, value: -1 }] }),
      ],
      ['an edge that is not counted', 5, () => ({ dependents: [{ owner: 2, member: 5, value: 0 }] })],
      ['a counted edge that is gone', 6, () => ({ dependents: [{ owner: 2, member: 6, value: -1 }] })],
      ...([1, 2, 3, 4, 5] as const).map((id): (typeof planted)[number] => [
        `job ${id} out of its line`,
        id,
        (rowOf) => ({ jobs: [changed(rowOf(id), { ...rowOf(id), line: 0 })] }),
      ]),
      ['a ready job in the line of another class', 4, (rowOf) => move(rowOf(4), readyLine(MAIL.class))],
      ['a waiting job in the line of another limit', 5, (rowOf) => move(rowOf(5), limitLine(GPU + 1))],
      ['a blocked job in a line', 6, (rowOf) => move(rowOf(6), readyLine(MAIL.class))],
      [
        'a large result that is not there',
        7,
        (rowOf) => ({ jobs: [changed(rowOf(7), { ...rowOf(7), flags: LARGE_RESULT })] }),
      ],
      [
        'a large input of which its job does not know',
        8,
        () => ({ payloads: [{ job: 8, field: 'input', text: '1' }] }),
      ],
      ['an ended job in a line', 8, (rowOf) => move(rowOf(8), readyLine(MAIL.class))],
    ]
    const move = (row: JobRow, line: number): Partial<Batch> => ({ jobs: [changed(row, { ...row, line })] })

    it('finds each contradiction, names its job, and is content again when it is undone', async () => {
      const { subject, rowOf } = await withHealthy()
      for (const [what, named, plant] of planted) {
        const changes = plant(rowOf)
        await subject.commit(changes)
        const found = await subject.reads.check()
        expect(found, what).not.toEqual([])
        if (named !== undefined) expect(found.join('\n'), what).toMatch(new RegExp(`\\b${named}\\b`))
        await subject.commit(undo(changes))
        expect(await subject.reads.check(), `${what}, undone`).toEqual([])
      }
    })

    it('is content again when the rows agree', async () => {
      const { subject, rowOf } = await withHealthy()
      const gone = rowOf(7)
      await subject.commit({ jobs: [removed(gone)], counts: countsOf([gone], -1), purged: [7] })
      await subject.commit({ ...enqueued([job(9, { state: SUCCEEDED })]) })
      expect(await subject.reads.check()).toEqual([])
    })
  })
}
