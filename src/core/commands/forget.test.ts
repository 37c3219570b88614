/** Keys that outlived their jobs: remembered for their window, then gone. */
import { expect, it } from 'vitest'
import { Profiles } from '../../client/embedded/profiles.ts'
import { readSpec } from '../../client/embedded/specs.ts'
import { Shard } from '../../engine/testdata/shard.ts'

const NOW = 1_800_000_000_000
const WINDOW_MS = 1_000

it('forgets a key whose job is gone and whose window is over, and no other', async () => {
  const shard = await Shard.open()
  const specs = ['gone', 'there'].map((key) => ({ kind: 'k', key, keyWindowMs: WINDOW_MS }))
  const jobs = specs.map((spec) => readSpec(spec, specs.length, new Profiles(), NOW))
  await shard.apply({ type: 'enqueue', jobs, request: null }, NOW)
  const keys = shard.batches.flatMap((batch) => batch.keys.map(({ namespace, key }) => ({ namespace, key })))
  expect(keys.map(({ key }) => key)).toEqual(['k:gone', 'k:there'])
  await shard.apply({ type: 'control', job: 1, verb: 'cancel', error: '{}' }, NOW)
  await shard.apply({ type: 'control', job: 1, verb: 'delete' }, NOW)
  const forget = (at: number) => shard.apply({ type: 'forget', keys }, at)
  expect(await forget(NOW + WINDOW_MS - 1)).toBe(0)
  expect(await forget(NOW + WINDOW_MS)).toBe(1)
  expect(shard.batches.at(-1)?.keysGone.map(({ key }) => key)).toEqual(['k:gone'])
  // the second is that of a job that is there, the first is no key any more
  expect(await forget(NOW + 2 * WINDOW_MS)).toBe(0)
})
