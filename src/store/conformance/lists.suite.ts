/**
 * Lists: every filter and every order equals the same filter over a plain array; details say what lists say.
 */

import { describe, expect, it } from 'vitest'
import { HAS_KEY, type JobRow } from '../../core/model/job.ts'
import type { MetadataRow } from '../../core/model/rows.ts'
import { JOB_STATES, type StateCode } from '../../core/model/states.ts'
import { fc, times } from '../../std/testdata/properties.ts'
import type { StoredJob, StoredQuery } from '../store.ts'
import { type MakeStore, Subject } from './subject.suite.ts'
import {
  ALL,
  API,
  anyText,
  byId,
  ELSEWHERE,
  enqueued,
  GPU,
  GROUP,
  job,
  jobIn,
  MAIL,
  PROFILES,
  ROUTES,
  removed,
  textOf,
  VIDEO,
  WORKER,
  WORLD,
} from './world.suite.ts'

type Pair = StoredQuery['metadata'][number]

/** A job with its indexed pairs. */
interface Entry {
  readonly row: JobRow
  readonly pairs: readonly MetadataRow[]
}

const VALUES = [
  '',
  'a',
  'ab',
  'abc',
  'b',
  "b'%_",
  '\u00e9',
  '\u00e9\ud83d\ude80',
  '\ud83d\ude80',
  '\ud83d\ude80x',
]

/** Reads a whole list, page by page; pages may be short, but not for ever. */
async function all(subject: Subject, query: StoredQuery): Promise<StoredJob[]> {
  const jobs: StoredJob[] = []
  let { after } = query
  for (let page = 0; page < 1_000; page++) {
    const { jobs: found, next } = await subject.reads.list({ ...query, after })
    expect(found.length).toBeLessThanOrEqual(query.limit)
    jobs.push(...found)
    if (next === null) return jobs
    after = next
  }
  throw new Error('expected the list to end, found page after page')
}

const ids = (jobs: readonly { readonly row: JobRow }[]): number[] => jobs.map(({ row }) => row.id)

/** What a list should answer, over a plain array. */
function filter(entries: readonly Entry[], query: StoredQuery): number[] {
  const found = entries.filter((entry) => matches(entry, query)).map(({ row }) => row.id)
  found.sort((a, b) => (query.newest ? b - a : a - b))
  const { after } = query
  return after === null ? found : found.filter((id) => (query.newest ? id < after : id > after))
}

function matches({ row, pairs }: Entry, query: StoredQuery): boolean {
  const route = ROUTES.find(({ id }) => id === row.route) ?? MAIL
  return (
    (query.states === null || query.states.includes(row.state)) &&
    (query.queue === null || textOf(route.queue) === query.queue) &&
    (query.kind === null || textOf(route.kind) === query.kind) &&
    (query.namespace === null || textOf(route.namespace) === query.namespace) &&
    (query.parent === null || row.parent === query.parent) &&
    (query.ids === null || query.ids.includes(row.id)) &&
    (query.createdAfter === null || row.createdAt >= query.createdAfter) &&
    (query.createdBefore === null || row.createdAt < query.createdBefore) &&
    query.metadata.every((wanted) => pairs.some((pair) => isPair(pair, wanted)))
  )
}

function isPair(pair: MetadataRow, { name, value, isPrefix }: Pair): boolean {
  return pair.name === name && (isPrefix ? pair.value.startsWith(value) : pair.value === value)
}

/** Sixty jobs of all states and routes, each third with metadata. */
function entriesOf(): Entry[] {
  return Array.from({ length: 60 }, (_, index) => {
    const id = index + 1
    const route = ROUTES[index % ROUTES.length] ?? MAIL
    const state = ((index * 7) % JOB_STATES.length) as StateCode
    const row = jobIn(state, id, {
      route: route.id,
      createdAt: 1_000 + Math.floor(index / 3),
      parent: index % 4 === 0 ? 0 : 1 + (index % 5),
    })
    const value = VALUES[(index * 3) % VALUES.length] as string
    const pair = { job: id, namespace: route.namespace }
    const pairs = [
      { ...pair, name: 'a', value },
      { ...pair, name: 'b', value: VALUES[index % 3] as string },
    ]
    return { row, pairs: index % 3 === 0 ? [] : pairs }
  })
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 2 })
const text = (...ids: number[]) => maybe(fc.constantFrom(...ids.map(textOf), 'nothing'))
const anyQuery: fc.Arbitrary<StoredQuery> = fc.record({
  states: maybe(fc.subarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as StateCode[])),
  queue: text(3, 4),
  kind: text(5, 6),
  namespace: text(1, 2),
  parent: maybe(fc.integer({ min: 1, max: 6 })),
  ids: maybe(fc.uniqueArray(fc.integer({ min: 0, max: 70 }), { maxLength: 30 })),
  metadata: fc.array(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom(...VALUES),
      isPrefix: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
  createdAfter: maybe(fc.integer({ min: 995, max: 1_025 })),
  createdBefore: maybe(fc.integer({ min: 995, max: 1_025 })),
  newest: fc.boolean(),
  limit: fc.integer({ min: 1, max: 70 }),
  after: maybe(fc.integer({ min: 1, max: 70 })),
})

async function withEntries(make: MakeStore): Promise<{ subject: Subject; entries: Entry[] }> {
  const subject = await Subject.open(make)
  const entries = entriesOf()
  const metadata = entries.flatMap(({ pairs }) => pairs)
  await subject.commit({ ...WORLD, ...enqueued(entries.map(({ row }) => row)), metadata })
  return { subject, entries }
}

export function listsSuite(make: MakeStore): void {
  describe('a list', () => {
    const one: [string, Partial<StoredQuery>][] = [
      ['nothing', {}],
      ['one state', { states: [3] }],
      ['what runs', { states: [4] }],
      ['several states', { states: [0, 4, 7, 9] }],
      ['no state', { states: [] }],
      ['a queue', { queue: 'video' }],
      ['an unknown queue', { queue: 'send' }],
      ['a kind', { kind: 'send' }],
      ['a kind that is also a namespace', { kind: 'acme' }],
      ['a namespace', { namespace: textOf(2) }],
      ['a parent', { parent: 2 }],
      ['ids', { ids: [5, 3, 58, 99, 3] }],
      ['no ids', { ids: [] }],
      ['metadata', { metadata: [{ name: 'a', value: 'ab', isPrefix: false }] }],
      ['a prefix of metadata', { metadata: [{ name: 'a', value: 'ab', isPrefix: true }] }],
      [
        'a prefix beyond the basic plane',
        { metadata: [{ name: 'a', value: '\ud83d\ude80', isPrefix: true }] },
      ],
      ['a prefix with signs of patterns', { metadata: [{ name: 'a', value: "b'%", isPrefix: true }] }],
      ['the empty prefix', { metadata: [{ name: 'a', value: '', isPrefix: true }] }],
      [
        'two pairs',
        {
          metadata: [
            { name: 'a', value: 'b', isPrefix: true },
            { name: 'b', value: 'a', isPrefix: false },
          ],
        },
      ],
      ['a time from which on, inclusive', { createdAfter: 1_010 }],
      ['a time up to which, exclusive', { createdBefore: 1_010 }],
      ['a span of time', { createdAfter: 1_005, createdBefore: 1_006 }],
    ]
    it('filters by each property, oldest or newest first', async () => {
      const { subject, entries } = await withEntries(make)
      for (const [what, part] of one) {
        for (const newest of [false, true]) {
          const query = { ...ALL, ...part, newest }
          expect(ids(await all(subject, query)), `by ${what}`).toEqual(filter(entries, query))
        }
      }
    })

    it('equals a plain filter, for any combination, order and page size', async () => {
      const { subject, entries } = await withEntries(make)
      await fc.assert(
        fc.asyncProperty(anyQuery, async (query) => {
          expect(ids(await all(subject, query))).toEqual(filter(entries, query))
        }),
        times(150),
      )
    })

    it('finds any text of metadata, and no other', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      let id = 1
      await fc.assert(
        fc.asyncProperty(
          fc.string({ unit: 'grapheme' }),
          fc.string({ unit: 'binary' }),
          anyText,
          async (name, value, rest) => {
            const first = id++
            const rows = [job(first), job(id++), job(id++)]
            const pair = { namespace: 1, name }
            const metadata = [
              { ...pair, job: first, value },
              { ...pair, job: first + 1, value: value + rest },
              { ...pair, job: first + 2, value: `x${value}` },
            ]
            await subject.commit({ ...enqueued(rows), metadata })
            for (const isPrefix of [false, true]) {
              const query = { ...ALL, metadata: [{ name, value, isPrefix }], ids: rows.map((row) => row.id) }
              const expected = metadata.filter((row) => isPair({ ...row }, { name, value, isPrefix }))
              expect(ids(await all(subject, query))).toEqual(expected.map((row) => row.job))
            }
          },
        ),
        times(60),
      )
    })

    it('tells where the next page begins, and that there is none', async () => {
      const { subject } = await withEntries(make)
      const first = await subject.reads.list({ ...ALL, limit: 25 })
      expect(ids(first.jobs)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1))
      expect(first.next).toBe(25)
      const last = await subject.reads.list({ ...ALL, limit: 25, after: 50 })
      expect(ids(last.jobs)).toEqual(Array.from({ length: 10 }, (_, index) => index + 51))
      expect(last.next).toBeNull()
      const newest = await subject.reads.list({ ...ALL, limit: 2, newest: true })
      expect([ids(newest.jobs), newest.next]).toEqual([[60, 59], 59])
    })

    it('goes on where it was when jobs come and go between pages', async () => {
      const { subject, entries } = await withEntries(make)
      const [first, second] = [
        { ...ALL, newest: true, limit: 20 },
        { ...ALL, newest: true, limit: 100 },
      ]
      const { next } = await subject.reads.list(first)
      expect(next).toBe(41)
      const gone = entries.flatMap(({ row }) => ([41, 39].includes(row.id) ? [row] : []))
      await subject.commit({ ...enqueued([job(61), job(62)]) })
      await subject.commit({ jobs: gone.map(removed), purged: [41, 39] })
      const rest = ids(await all(subject, { ...second, after: next }))
      expect(rest).toEqual([40, ...Array.from({ length: 38 }, (_, index) => 38 - index)])
    })

    it('is empty in an empty store', async () => {
      const subject = await Subject.open(make)
      for (const newest of [false, true]) {
        expect(await subject.reads.list({ ...ALL, newest })).toEqual({ jobs: [], next: null })
      }
    })
  })

  describe('a listed job', () => {
    it('has its names resolved', async () => {
      const subject = await Subject.open(make)
      const rows = [
        job(1, { input: '"in"', result: '"out"', worker: WORKER, limits: `[${API},${GPU}]`, flags: HAS_KEY }),
        job(2, { route: VIDEO.id }),
        job(3, { route: ELSEWHERE.id }),
        job(4, { route: GROUP.id }),
      ]
      const keys = ['u:other', 'k:order: 17', 'r:request'].map((key) => {
        return { namespace: 1, key, job: 1, digest: '', until: 0 }
      })
      await subject.commit({ ...WORLD, ...enqueued(rows), keys })
      const common = { worker: null, key: null, limits: [], progress: null, input: null, result: null }
      const [long, short] = PROFILES.map(({ text }) => text)
      const expected = [
        {
          ...{ row: rows[0], namespace: 'acme', queue: 'mail', kind: 'send', profile: long, worker: 'w-1' },
          ...{
            key: 'order: 17',
            limits: [textOf(API), 'gpu'],
            progress: null,
            input: '"in"',
            result: '"out"',
          },
        },
        { ...common, row: rows[1], namespace: 'acme', queue: 'video', kind: 'acme', profile: short },
        { ...common, row: rows[2], namespace: textOf(2), queue: 'mail', kind: 'send', profile: short },
        { ...common, row: rows[3], namespace: 'acme', queue: 'mail', kind: '', profile: long },
      ]
      const { jobs } = await subject.reads.list(ALL)
      expect(jobs.toSorted((a, b) => byId(a.row, b.row))).toEqual(expected)
      for (const stored of expected) {
        const details = await subject.reads.details(stored.row?.id ?? 0)
        expect(details).toEqual({ ...stored, attempts: [], dependsOn: [], dependents: [] })
      }
    })

    it('has both ends of its unsettled edges in its details', async () => {
      const subject = await Subject.open(make)
      const edges = [
        { owner: 1, member: 3, value: 0 },
        { owner: 2, member: 3, value: 1 },
        { owner: 3, member: 5, value: 0 },
        { owner: 3, member: 4, value: 2 },
      ]
      await subject.commit({ ...WORLD, ...enqueued([1, 2, 3, 4, 5].map((id) => job(id))), dependents: edges })
      const sorted = async () => {
        const details = await subject.reads.details(3)
        return [details?.dependsOn.toSorted(), details?.dependents.toSorted()]
      }
      expect(await sorted()).toEqual([
        [1, 2],
        [4, 5],
      ])
      await subject.commit({ dependents: [{ owner: 1, member: 3, value: -1 }] })
      expect(await sorted()).toEqual([[2], [4, 5]])
    })

    it('has no details when it does not exist', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      expect(await subject.reads.details(1)).toBeNull()
    })
  })
}
