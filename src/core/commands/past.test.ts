/** Runs that begin with a past. */
import { expect, it } from 'vitest'
import { Profiles } from '../../client/embedded/profiles.ts'
import { readPast } from '../../client/embedded/specs.ts'
import { HAS_RUN, HAS_UNDO } from '../model/job.ts'
import { READY, SUSPENDED } from '../model/states.ts'
import { NOW, REASON, RunWorld, SUCCESS, step, wait } from './testdata/run-world.ts'

const profiles = new Profiles()
const past = (...names: string[]) => {
  const journal = names.map((name, position) => {
    return { position, kind: 'step', state: 'done', name, value: position, at: NOW - 1_000 } as const
  })
  return readPast({ kind: 'flow', createdAt: NOW - 5_000, state: 'ready', journal }, 1, profiles, NOW)
}

it('what a run had done stands in its journal, and its first attempt is not the first', async () => {
  const world = await RunWorld.open()
  await world.report(SUCCESS)
  await world.shard.apply({ type: 'import', jobs: [past('a', 'b')] }, NOW)
  expect(world.row(2)).toMatchObject({ state: READY, attempt: 1, tries: 0, flags: HAS_RUN | HAS_UNDO })
  expect(await world.journal(2)).toMatchObject([
    { run: 2, sequence: 1, position: 0, name: 'a', value: '0', at: NOW - 1_000 },
    { run: 2, sequence: 2, position: 1, name: 'b', value: '1' },
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
