/** Runs that an operator moves to another version keep what they did, their place in line, and what else they need. */
import { expect, it } from 'vitest'
import { readyLine } from '../model/line.ts'
import type { RouteRow } from '../model/rows.ts'
import { HELD, READY, SUSPENDED } from '../model/states.ts'
import { RunWorld, SUCCESS, step, wait } from './testdata/run-world.ts'

const repin = (world: RunWorld, version?: string, job = 1) =>
  world.shard.apply({ type: 'control', job, verb: 'repin', version }, 0)

const routeOf = (world: RunWorld, job = 1): RouteRow =>
  world.shard.batches
    .flatMap(({ routes }) => routes)
    .find(({ id }) => id === world.row(job).route) as RouteRow

/** What the options of a job say that it needs. */
function needsOf(world: RunWorld, job = 1): unknown {
  const profiles = world.shard.batches.flatMap(({ profiles }) => profiles)
  const { text } = profiles.find(({ id }) => id === routeOf(world, job).profile) as { text: string }
  return (JSON.parse(text) as { requires?: unknown }).requires
}

it('a run that waits is for workers of the other version from now on, and needs what else it needed', async () => {
  const requires = { labels: ['gpu', 'version:flow=1'], cpus: 2 }
  const world = await RunWorld.open()
  await world.enqueue({ kind: 'flow', options: { requires } })
  expect(await repin(world, '2', 2)).toEqual({ state: READY, changed: true })
  expect(needsOf(world, 2)).toEqual({ labels: ['gpu', 'version:flow=2'], cpus: 2 })
  expect(world.row(2).line).toBe(readyLine(routeOf(world, 2).class))
  expect(await repin(world, '2', 2)).toEqual({ state: READY, changed: false })
  expect(await world.check()).toEqual([])
})

it('without a version it is for any, as it is where it never had one', async () => {
  const world = await RunWorld.open()
  await world.enqueue({ kind: 'flow', options: { requires: { labels: ['version:flow=1'] } } })
  await world.enqueue({ kind: 'flow' })
  expect(await repin(world, undefined, 2)).toEqual({ state: READY, changed: true })
  expect(needsOf(world, 2)).toBeUndefined()
  expect(world.row(2).route).toBe(world.row(3).route)
  expect(await repin(world, undefined, 3)).toEqual({ state: READY, changed: false })
})

it('one that sleeps or is held stays so', async () => {
  const world = await RunWorld.open()
  await world.record([step(0), wait(1, 5_000)])
  await world.report({ type: 'suspended', seen: 2 })
  const { line, rank } = world.row()
  expect(await repin(world, '2')).toEqual({ state: SUSPENDED, changed: true })
  expect(world.row()).toMatchObject({ line, rank })
  await world.control('hold')
  expect(await repin(world, '3')).toEqual({ state: HELD, changed: true })
  await world.control('release')
  expect(world.row().line).toBe(readyLine(routeOf(world).class))
  expect(needsOf(world)).toEqual({ labels: ['version:flow=3'] })
  expect(await world.check()).toEqual([])
})

it('one that a worker has in hand, that has ended, or that there is not, cannot be moved', async () => {
  const world = await RunWorld.open()
  expect(await repin(world, '2')).toMatchObject({ code: 'WRONG_STATE', data: { state: 'running' } })
  await world.report(SUCCESS)
  expect(await repin(world, '2')).toMatchObject({ code: 'WRONG_STATE', data: { state: 'succeeded' } })
  expect(await repin(world, '2', 9)).toMatchObject({ code: 'NOT_FOUND' })
})

it('a group has no version', async () => {
  const world = await RunWorld.open()
  await world.enqueue({ after: [{ job: 1 }] })
  expect(await repin(world, '2', 2)).toMatchObject({ code: 'INVALID_OPTION' })
})
