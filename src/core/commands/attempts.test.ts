/** Attempts and their ends, command by command: what is leased, what is recorded, what a second word changes. */
import { expect, it } from 'vitest'
import { Profiles } from '../../client/embedded/profiles.ts'
import { readSpec } from '../../client/embedded/specs.ts'
import type { JobSpec } from '../../client/types.ts'
import { Shard } from '../../engine/testdata/shard.ts'
import { HAS_PROGRESS, type JobRow } from '../model/job.ts'
import type { RouteRow } from '../model/rows.ts'
import { CANCELLED, HELD, READY, SCHEDULED, SUCCEEDED } from '../model/states.ts'
import type { EncodedOutcome } from './report.ts'

const NOW = 1_800_000_000_000
const REASON = JSON.stringify({ code: 'CANCELLED', message: 'by hand' })
const BROKEN = JSON.stringify({ code: 'HANDLER_FAILED', message: 'broken' })
const SUCCESS = { type: 'succeeded', result: '1', large: false } as const
const FAILURE: EncodedOutcome = {
  type: 'failed',
  error: BROKEN,
  result: null,
  large: false,
  retry: true,
  retryAfterMs: undefined,
  lost: false,
}

/** A shard and what a worker and an operator do to it. */
class World {
  readonly shard: Shard
  readonly #profiles = new Profiles()

  constructor(shard: Shard) {
    this.shard = shard
  }

  static async open(): Promise<World> {
    return new World(await Shard.open())
  }

  enqueue(...specs: JobSpec[]) {
    const jobs = specs.map((spec) => readSpec(spec, specs.length, this.#profiles, NOW))
    return this.shard.apply({ type: 'enqueue', jobs, request: null }, NOW)
  }

  /** Leases whatever is ready in the queue of the first route. */
  async lease(): Promise<JobRow[]> {
    const route = this.shard.batches.flatMap(({ routes }) => routes)[0] as RouteRow
    const line = [...this.rows().values()].find(({ state }) => state === READY)?.line ?? 0
    const lines = [{ line, queue: route.queue, cpus: 0, memory: 0 }]
    const command = { type: 'lease', lines, worker: 'w', local: false, slots: 2, nonce: 'n' } as const
    return (await this.shard.apply(command, NOW)) as JobRow[]
  }

  report(job: number, attempt: number, nonce: string, outcome: EncodedOutcome) {
    return this.shard.apply({ type: 'report', job, attempt, nonce, outcome, random: 0.5 }, NOW)
  }

  control(job: number, verb: 'restart' | 'hold' | 'release') {
    return this.shard.apply({ type: 'control', job, verb }, NOW)
  }

  cancel(job: number) {
    return this.shard.apply({ type: 'control', job, verb: 'cancel', error: REASON }, NOW)
  }

  /** Every row as it was stored last. */
  rows(): Map<number, JobRow> {
    const rows = new Map<number, JobRow>()
    for (const { jobs } of this.shard.batches)
      for (const { after } of jobs) if (after) rows.set(after.id, after)
    return rows
  }
}

it('a paused queue grants nothing, even to who asks for its very line', async () => {
  const world = await World.open()
  await world.enqueue({ kind: 'k' })
  await world.shard.apply({ type: 'pause', queue: 'default', paused: true }, NOW)
  expect(await world.lease()).toEqual([])
  await world.shard.apply({ type: 'pause', queue: 'default', paused: false }, NOW)
  expect(await world.lease()).toHaveLength(1)
})

it('who has lost a lease loses nothing more by it', async () => {
  const world = await World.open()
  await world.enqueue({ kind: 'k' })
  const [leased] = await world.lease()
  const lose = { type: 'lose', job: 1, attempt: 1, cause: 'lost', random: 0.5 } as const
  expect(await world.shard.apply({ ...lose, nonce: 'other' }, NOW)).toBe(false)
  expect(world.rows().get(1)).toEqual(leased)
})

it('a report that is told again is answered as it was; another one changes nothing', async () => {
  const world = await World.open()
  await world.enqueue({ kind: 'k' }, { kind: 'k' })
  await world.lease()
  expect(await world.report(1, 1, 'n9', SUCCESS)).toBe(false)
  expect(await world.report(9, 1, 'n', SUCCESS)).toBe(false)
  expect(await world.report(1, 1, 'n', SUCCESS)).toBe(true)
  expect(await world.report(1, 1, 'n', SUCCESS)).toBe(true)
  for (const other of [{ ...SUCCESS, result: '2' }, { ...SUCCESS, large: true }, FAILURE])
    expect(await world.report(1, 1, 'n', other)).toBe(false)
  expect(world.rows().get(1)).toMatchObject({ state: SUCCEEDED, result: '1' })
  expect(await world.report(2, 1, 'n', { ...SUCCESS, large: true })).toBe(true)
  expect(await world.report(2, 1, 'n', { ...SUCCESS, large: true })).toBe(true)
})

it('a failure that was recorded is not one that is cancelled meanwhile', async () => {
  const world = await World.open()
  await world.enqueue({ kind: 'k' })
  await world.lease()
  expect(await world.report(1, 1, 'n', FAILURE)).toBe(true)
  expect(await world.report(1, 1, 'n', FAILURE)).toBe(true)
  expect(await world.report(1, 1, 'n', { type: 'released' })).toBe(false)
  expect(world.rows().get(1)?.state).toBe(SCHEDULED)
  await world.cancel(1)
  expect(await world.report(1, 1, 'n', FAILURE)).toBe(false)
  expect(world.rows().get(1)).toMatchObject({ state: CANCELLED, error: REASON })
})

it('an attempt that was cancelled stays in the history of a job that is restarted', async () => {
  const world = await World.open()
  await world.enqueue({ kind: 'k' })
  await world.lease()
  expect(await world.report(1, 1, 'n', { type: 'cancelled', error: REASON })).toBe(true)
  await world.control(1, 'restart')
  expect(world.rows().get(1)).toMatchObject({ state: READY, attempt: 1, tries: 0 })
  expect(world.shard.batches.flatMap(({ attempts }) => attempts)).toMatchObject([
    { job: 1, number: 1, outcome: 'cancelled', error: REASON },
  ])
})

it('a group whose dependencies end while it is held ends when it is released, not before', async () => {
  const world = await World.open()
  await world.enqueue({ kind: 'k' }, { after: [{ index: 0 }] })
  await world.control(2, 'hold')
  await world.lease()
  await world.report(1, 1, 'n', SUCCESS)
  expect(world.rows().get(2)).toMatchObject({ state: HELD, pending: 0 })
  await world.control(2, 'release')
  expect(world.rows().get(2)?.state).toBe(SUCCEEDED)
})

it('a job that stands in the way of two keys at once is replaced once', async () => {
  const world = await World.open()
  const spec: JobSpec = {
    kind: 'k',
    key: 'a',
    onConflict: 'replace',
    unique: { value: 'u', scope: 'for', forMs: 60_000, onConflict: 'replace' },
  }
  await world.enqueue(spec)
  await world.enqueue(spec)
  expect([...world.rows().values()].map(({ state }) => state)).toEqual([CANCELLED, READY])
})

it('progress of an attempt is kept, each word in the place of the one before, until its lease is lost', async () => {
  const world = await World.open()
  await world.enqueue({ kind: 'k' })
  await world.lease()
  const tell = (nonce: string, fraction: number) =>
    world.shard.apply({ type: 'progress', job: 1, attempt: 1, nonce, fraction, message: null }, NOW)
  expect([await tell('n', 0.2), await tell('n', 0.4), await tell('n9', 0.6)]).toEqual([true, true, false])
  const told = world.shard.batches.flatMap(({ progress }) => progress)
  expect(told.map(({ fraction }) => fraction)).toEqual([0.2, 0.4])
  expect((world.rows().get(1) as JobRow).flags & HAS_PROGRESS).not.toBe(0)
})

it('a job with a key, but no uniqueness, is restarted without a question', async () => {
  const world = await World.open()
  await world.enqueue({ kind: 'k', key: 'mine' })
  await world.cancel(1)
  expect(await world.control(1, 'restart')).toMatchObject({ changed: true })
  expect(world.rows().get(1)?.state).toBe(READY)
})
