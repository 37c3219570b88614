/** Runs that begin with a past. */
import { expect, it } from 'vitest'
import type { ImportedEntry, ImportedJob } from '../../client/client.ts'
import { Profiles } from '../../client/embedded/profiles.ts'
import { readPast } from '../../client/embedded/specs.ts'
import { HAS_RUN, HAS_UNDO } from '../model/job.ts'
import { BLOCKED, CANCELLED, READY, SUCCEEDED, SUSPENDED } from '../model/states.ts'
import { NOW, REASON, RunWorld, SUCCESS, step, wait } from './testdata/run-world.ts'

const profiles = new Profiles()
const past = (...names: string[]) => {
  const journal = names.map((name, position) => {
    return { position, kind: 'step', state: 'done', name, value: position, at: NOW - 1_000 } as const
  })
  return pastOf(journal)
}
const pastOf = (journal: readonly ImportedEntry[], state: ImportedJob['state'] = 'ready') =>
  readPast({ kind: 'flow', createdAt: NOW - 5_000, state, journal }, 1, profiles, NOW)
const lock = (position: number, name = 'stock'): ImportedEntry[] => [
  { position, kind: 'lock', state: 'open', name, value: 7, at: NOW },
  { position, kind: 'lock', state: 'done', name: '', at: NOW },
]
const giveBack = (position: number, lost: number): ImportedEntry => {
  return { position, kind: 'withdraw', state: 'done', name: '', value: [lost], at: NOW }
}

it('what a run had done stands in its journal, and its first attempt is not the first', async () => {
  const world = await RunWorld.open()
  await world.report(SUCCESS)
  await world.shard.apply({ type: 'import', jobs: [past('a', 'b')] }, NOW)
  expect(world.row(2)).toMatchObject({ state: READY, attempt: 1, tries: 0, flags: HAS_RUN | HAS_UNDO })
  expect(await world.journal(2)).toMatchObject([
    { run: 2, sequence: 0, position: 0, name: 'a', value: '0', at: NOW - 1_000 },
    { run: 2, sequence: 1, position: 1, name: 'b', value: '1' },
  ])
  await world.shard.reopen()
  await world.lease(2)
  expect(world.row(2)).toMatchObject({ attempt: 2, tries: 1 })
  const command = {
    type: 'record',
    job: 2,
    attempt: 2,
    nonce: 'n',
    seen: 3,
    entries: [step(2), wait(3)],
  } as const
  expect(await world.shard.apply(command, NOW)).toMatchObject({ rows: [{ sequence: 3 }, { sequence: 4 }] })
  await world.report({ type: 'suspended', seen: 5 }, { job: 2, attempt: 2 })
  expect(world.row(2).state).toBe(SUSPENDED)
  // only its code knows whether there is anything to undo, so that it is asked
  await world.shard.apply({ type: 'control', job: 2, verb: 'cancel', error: REASON }, NOW)
  expect(world.row(2).state).toBe(READY)
  expect(await world.check()).toEqual([])
})

it('a run that has a lock in its past begins once it is its turn, and gives it back as any other', async () => {
  const world = await RunWorld.open()
  await world.record([{ type: 'lock', position: 0, name: 'stock' }])
  const import_ = (...jobs: ReturnType<typeof pastOf>[]) => world.shard.apply({ type: 'import', jobs }, NOW)
  // another lock of the same name is not another lock; what was given back is not held
  await import_(pastOf([...lock(0), ...lock(1), ...lock(2, 'till'), ...lock(3, 'other'), giveBack(4, 3)]))
  expect(world.row(3)).toMatchObject({ state: BLOCKED, pending: 1 })
  expect(world.row(4)).toMatchObject({ parent: 3, input: '"stock"', state: BLOCKED, pending: 2 })
  expect(world.row(5)).toMatchObject({ parent: 3, input: '"till"', state: BLOCKED, pending: 1 })
  expect((await world.journal(3)).map(({ value }) => value)).toEqual([
    '4',
    null,
    '4',
    null,
    '5',
    null,
    '7',
    null,
    '[3]',
  ])
  await import_(pastOf(lock(0)), pastOf(lock(0), 'succeeded'))
  await world.report(SUCCESS)
  expect(world.row(3).state).toBe(READY)
  expect(world.row(6)).toMatchObject({ state: BLOCKED })
  expect(world.row(7)).toMatchObject({ state: SUCCEEDED, pending: 0 })
  await world.cancel(3)
  await world.lease(3)
  await world.report({ type: 'cancelled', error: null }, { job: 3, attempt: 2 })
  expect([world.row(3).state, world.row(6).state]).toEqual([CANCELLED, READY])
  expect(await world.check()).toEqual([])
})

it('what is looked at for the locks of many runs is asked for at once', async () => {
  const world = await RunWorld.open()
  await world.record([{ type: 'lock', position: 0, name: 'stock 1' }])
  const jobs = Array.from({ length: 50 }, (_, index) => pastOf(lock(0, `stock ${index}`)))
  const before = world.shard.loads
  await world.shard.apply({ type: 'import', jobs }, NOW)
  expect(world.shard.loads - before).toBeLessThan(10)
  expect([world.row(3).state, world.row(4).state]).toEqual([READY, BLOCKED])
})

it('a lock that was had and never asked for is none', async () => {
  const world = await RunWorld.open()
  await world.shard.apply({ type: 'import', jobs: [pastOf(lock(0).slice(1))] }, NOW)
  expect(world.row(2)).toMatchObject({ state: READY, pending: 0 })
})

it('a group, which is over when it is made, takes no lock', async () => {
  const world = await RunWorld.open()
  const group = readPast({ createdAt: NOW, state: 'ready', journal: lock(0) }, 1, profiles, NOW)
  await world.shard.apply({ type: 'import', jobs: [group] }, NOW)
  expect(world.row(2)).toMatchObject({ state: SUCCEEDED })
  expect(await world.record([{ type: 'lock', position: 0, name: 'stock' }])).toHaveLength(2)
  expect(await world.check()).toEqual([])
})

it('one that is replaced by another of the same call takes no lock', async () => {
  const world = await RunWorld.open()
  const spec = { kind: 'flow', createdAt: NOW, state: 'ready', key: 'k', onConflict: 'replace' } as const
  const jobs = [0, 1].map(() => readPast({ ...spec, journal: lock(0) }, 2, profiles, NOW))
  await world.shard.apply({ type: 'import', jobs }, NOW)
  expect(world.row(2)).toMatchObject({ state: CANCELLED, pending: 0 })
  expect(world.row(3)).toMatchObject({ state: READY })
  expect(world.row(4)).toMatchObject({ parent: 3, pending: 1 })
  expect(await world.check()).toEqual([])
})

it('where something was taken out of a past, a number is left out', async () => {
  const world = await RunWorld.open()
  const step = (position: number, sequence: number): ImportedEntry => {
    return { sequence, position, kind: 'step', state: 'done', name: `${position}`, at: NOW }
  }
  await world.shard.apply({ type: 'import', jobs: [pastOf([step(0, 3), step(1, 4), step(2, 9)])] }, NOW)
  expect((await world.journal(2)).map(({ sequence }) => sequence)).toEqual([0, 1, 3])
})
