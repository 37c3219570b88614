/** What commands promise at their edges: empty calls, jobs with a past, lines that hold what no longer stands in them. */
import { expect, it } from 'vitest'
import type { ImportedJob } from '../../client/client.ts'
import { Profiles } from '../../client/embedded/profiles.ts'
import { readPast, readSpec } from '../../client/embedded/specs.ts'
import type { JobSpec } from '../../client/types.ts'
import { Shard } from '../../engine/testdata/shard.ts'
import { apply } from '../apply.ts'
import {
  blankJob,
  HAS_DEPENDENTS,
  HAS_HISTORY,
  HAS_KEY,
  type JobRow,
  LARGE_INPUT,
  LARGE_RESULT,
} from '../model/job.ts'
import { DUE_LINE, SETTLE_LINE } from '../model/line.ts'
import { DEFAULT_PROFILE } from '../model/profile.ts'
import { CANCELLED, HELD, READY, SCHEDULED, SUCCEEDED } from '../model/states.ts'
import { returnTurn } from '../policy/fairness.ts'
import { INLINE_VALUE } from '../policy/sizes.ts'
import type { View } from '../view.ts'
import { settle } from './settle.ts'
import { due } from './time.ts'

const NOW = 1_800_000_000_000
const profiles = new Profiles()

const newJobs = (...specs: JobSpec[]) => specs.map((spec) => readSpec(spec, specs.length, profiles, NOW))
const pastJobs = (...past: ImportedJob[]) => past.map((job) => readPast(job, past.length, profiles, NOW))

/** Every row of a job table as it was stored last. */
function storedJobs(shard: Shard): Map<number, JobRow> {
  const rows = new Map<number, JobRow>()
  for (const { jobs } of shard.batches) for (const { after } of jobs) if (after) rows.set(after.id, after)
  return rows
}

it('a command that there is not is refused loudly', () => {
  expect(() => apply({} as View, { type: 'dance' } as never, NOW)).toThrow('A bug in Perdure')
})

it('an enqueue of no jobs is answered with none, under a request too', async () => {
  const shard = await Shard.open()
  for (const request of [null, 'r']) {
    expect(await shard.apply({ type: 'enqueue', jobs: [], request }, NOW)).toEqual({ ids: [], created: [] })
  }
  expect(shard.batches).toEqual([])
})

it('a group that nothing has to wait for, and a job whose dependency has failed, end with the call', async () => {
  const shard = await Shard.open()
  await shard.apply({ type: 'import', jobs: pastJobs({ kind: 'k', createdAt: NOW, state: 'failed' }) }, NOW)
  const jobs = newJobs(
    {},
    { kind: 'k', after: [{ job: 1 }] },
    { kind: 'k', after: [{ index: 0 }, { index: 1, onFailure: 'run' }] },
  )
  await shard.apply({ type: 'enqueue', jobs, request: null }, NOW)
  expect([2, 3, 4].map((id) => storedJobs(shard).get(id))).toMatchObject([
    { state: SUCCEEDED },
    { error: expect.stringContaining('DEPENDENCY_FAILED') },
    { state: READY, pending: 0 },
  ])
})

it('two calls may each add a job that waits for one that is there', async () => {
  const shard = await Shard.open()
  for (const spec of [{ kind: 'k' }, { kind: 'k', after: [{ job: 1 }] }, { kind: 'k', after: [{ job: 1 }] }])
    await shard.apply({ type: 'enqueue', jobs: newJobs(spec), request: null }, NOW)
  expect([2, 3].map((id) => storedJobs(shard).get(id))).toMatchObject([{ pending: 1 }, { pending: 1 }])
  expect(storedJobs(shard).get(1)?.flags).toBe(HAS_DEPENDENTS)
})

it('an import keeps what was known of a job', async () => {
  const shard = await Shard.open()
  const attempt = {
    number: 3,
    worker: 'w',
    startedAt: 5,
    endedAt: 9,
    outcome: 'failed',
    error: null,
  } as const
  const jobs = pastJobs(
    { kind: 'k', createdAt: 1, state: 'succeeded', key: 'a', metadata: { color: 'red' }, history: [attempt] },
    { createdAt: 1, state: 'ready' },
    { createdAt: 1, state: 'held' },
    { kind: 'k', createdAt: 1, state: 'scheduled', dueAt: NOW + 5 },
    { kind: 'k', createdAt: 1, state: 'succeeded', finishedAt: 7 },
  )
  await shard.apply({ type: 'import', jobs }, NOW)
  expect([...storedJobs(shard).values()]).toMatchObject([
    {
      state: SUCCEEDED,
      finishedAt: 9,
      attempt: 3,
      metadata: '{"color":"red"}',
      flags: HAS_KEY | HAS_HISTORY,
    },
    // a group has nothing to run
    { state: SUCCEEDED, finishedAt: NOW, flags: 0 },
    { state: HELD },
    { state: SCHEDULED, dueAt: NOW + 5 },
    { state: SUCCEEDED, finishedAt: 7 },
  ])
  expect(shard.batches.flatMap(({ metadata }) => metadata)).toEqual([
    { job: 1, namespace: expect.any(Number), name: 'color', value: 'red' },
  ])
})

it('an import puts long values into a table of their own', async () => {
  const shard = await Shard.open()
  const long = 'x'.repeat(INLINE_VALUE + 1)
  const job = { kind: 'k', createdAt: 1, state: 'succeeded', input: long, result: long } as const
  await shard.apply({ type: 'import', jobs: pastJobs(job) }, NOW)
  expect(storedJobs(shard).get(1)).toMatchObject({
    input: null,
    result: null,
    flags: LARGE_INPUT | LARGE_RESULT,
  })
  const payloads = shard.batches.flatMap((batch) => batch.payloads)
  expect(payloads).toEqual(
    ['input', 'result'].map((field) => ({ job: 1, field, text: JSON.stringify(long) })),
  )
})

it('an import under a key that is taken makes nothing, or is refused', async () => {
  const shard = await Shard.open()
  const job = { kind: 'k', createdAt: 1, state: 'held', key: 'a' } as const
  await shard.apply({ type: 'import', jobs: pastJobs(job) }, NOW)
  expect(await shard.apply({ type: 'import', jobs: pastJobs(job) }, NOW)).toEqual({
    ids: [1],
    created: [false],
  })
  const jobs = pastJobs({ ...job, input: 'other', onConflict: 'refuse' })
  expect(await shard.apply({ type: 'import', jobs }, NOW)).toMatchObject({ code: 'KEY_CONFLICT' })
  // a later job of one import takes the key of an earlier one over
  const both = pastJobs({ ...job, key: 'b' }, { ...job, key: 'b', onConflict: 'replace' })
  await shard.apply({ type: 'import', jobs: both }, NOW)
  expect([2, 3].map((id) => storedJobs(shard).get(id)?.state)).toEqual([CANCELLED, HELD])
})

it('a tag that is not there needs not be given back', () => {
  expect(() => returnTurn(viewOf(new Map(), []), 1, 1, 1)).not.toThrow()
})

/** A view of a few jobs without limits, of which one line is known. */
function viewOf(rows: Map<number, JobRow>, line: readonly number[]): View {
  const route = { id: 1, namespace: 1, queue: 2, kind: 3, class: 4, profile: 5 }
  const none = { get: () => undefined, put: () => {}, need: () => {}, remove: () => {} }
  const view: Partial<Record<keyof View, unknown>> = {
    jobs: { ...none, get: (id: number) => rows.get(id), put: (row: JobRow) => rows.set(row.id, row) },
    ...{ queues: none, fair: none, limits: none, holders: none, dependents: { need: () => {} } },
    routeById: () => route,
    profileById: () => DEFAULT_PROFILE,
    headSize: () => line.length,
    lineAt: (_: number, position: number) => line[position],
  }
  return view as View
}

it('one entry of a line that does not belong there never stops the others', () => {
  const scheduled = { state: SCHEDULED, line: DUE_LINE, rank: NOW - 1 } as const
  const rows = new Map<number, JobRow>([
    [2, { ...blankJob(2, 1, 1), state: READY }],
    [3, { ...blankJob(3, 1, 1), ...scheduled }],
    [4, { ...blankJob(4, 1, 1), ...scheduled, rank: NOW + 1 }],
  ])
  expect(due(viewOf(rows, [1, 2, 3, 4]), { type: 'due', most: 9 }, NOW)).toBe(1)
  expect(rows.get(3)?.state).toBe(READY)
  const ended = new Map<number, JobRow>([
    [2, { ...blankJob(2, 1, 1), state: SUCCEEDED }],
    [3, { ...blankJob(3, 1, 1), state: SUCCEEDED, line: SETTLE_LINE }],
  ])
  expect(settle(viewOf(ended, [1, 2, 3]), { type: 'settle', jobs: [1, 2, 3], ahead: [] }, NOW)).toBe(1)
  expect(ended.get(3)?.line).toBe(0)
})
