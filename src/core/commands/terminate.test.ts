/** Terminated jobs are over at once, and nothing of them goes on. */
import { expect, it } from 'vitest'
import { CANCELLED, READY, SUCCEEDED, SUSPENDED } from '../model/states.ts'
import { child, NOW, REASON, RunWorld, SUCCESS, step, wait } from './testdata/run-world.ts'

const terminate = (world: RunWorld, job = 1) =>
  world.shard.apply({ type: 'control', job, verb: 'terminate', error: REASON }, NOW + 5)

it('a run that waits ends without undoing what it did', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true), wait(1)])
  await world.report({ type: 'suspended', seen: 2 })
  expect(world.row().state).toBe(SUSPENDED)
  expect(await terminate(world)).toEqual({ state: CANCELLED, changed: true })
  expect(world.row()).toMatchObject({
    state: CANCELLED,
    error: REASON,
    cancelAt: NOW + 5,
    finishedAt: NOW + 5,
  })
  expect(await world.signal('go', null)).toMatchObject({ code: 'WRONG_STATE' })
  expect(await world.check()).toEqual([])
})

it('a running attempt loses its lease, and what it reports is too late', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true)])
  await terminate(world)
  expect(world.row()).toMatchObject({ state: CANCELLED, nonce: null })
  expect(JSON.parse(world.row().error as string)).toMatchObject({ code: 'CANCELLED', data: { forced: true } })
  expect(await world.record([step(1)])).toBe(false)
  expect(await world.report(SUCCESS)).toBe(false)
  expect(await world.report({ type: 'cancelled', error: null })).toBe(false)
  expect(world.row().state).toBe(CANCELLED)
})

it('one that was asked to stop, and undoes what it did, stops doing that', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true)])
  await world.cancel()
  const { cancelAt } = world.row()
  await terminate(world)
  expect(world.row()).toMatchObject({ state: CANCELLED, cancelAt, nonce: null })
})

it('its children end with it, as they do with any end', async () => {
  const world = await RunWorld.open()
  await world.record([child(0)])
  expect(world.row(2).state).toBe(READY)
  await terminate(world)
  expect(world.row(2).state).toBe(CANCELLED)
})

it('what has ended is left as it is, and the state that was found is named', async () => {
  const world = await RunWorld.open()
  await world.cancel()
  await world.report({ type: 'cancelled', error: null })
  expect(await terminate(world)).toEqual({ state: CANCELLED, changed: false })
  const other = await RunWorld.open()
  await other.report(SUCCESS)
  expect(await terminate(other)).toMatchObject({ code: 'WRONG_STATE', data: { state: 'succeeded' } })
  expect(other.row().state).toBe(SUCCEEDED)
  expect(await terminate(other, 9)).toMatchObject({ code: 'NOT_FOUND' })
})
