/** Runs that begin with a past. */
import { expect, it } from 'vitest'
import type { ImportedEntry, ImportedJob } from '../../client/client.ts'
import { Profiles } from '../../client/embedded/profiles.ts'
import { readPast } from '../../client/embedded/specs.ts'
import { HAS_RUN, HAS_UNDO } from '../model/job.ts'
import { DONE, OPEN } from '../model/journal.ts'
import { READY, SUSPENDED } from '../model/states.ts'
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

it('a lock that was held is to be got where it was got; one that was given back, or never asked for, is not', async () => {
  const world = await RunWorld.open()
  const again = lock(0).map((entry, index) => ({ ...entry, sequence: 20 + index }))
  const journal = [
    ...[...lock(0), ...lock(1, 'till'), giveBack(2, 1), ...lock(3, 'never').slice(1)],
    // got a second time, by a run that was restarted
    ...again,
    { ...giveBack(4, 9), sequence: 22 },
  ].map((entry, sequence) => ({ sequence, ...entry }))
  await world.shard.apply({ type: 'import', jobs: [pastOf(journal)] }, NOW)
  expect(world.row(2)).toMatchObject({ state: READY, pending: 0 })
  const rows = await world.journal(2)
  expect(rows.map(({ position, state, value }) => [position, state, value])).toEqual([
    [0, OPEN, null],
    [0, DONE, null],
    [1, OPEN, '7'],
    [1, DONE, null],
    [2, DONE, '[1]'],
    [3, DONE, null],
    [4, DONE, '[9]'],
  ])
  expect(rows.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5, 7])
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
