/** Runs that have something to undo when their time, or the last of their tries, is over. */
import { expect, it } from 'vitest'
import type { ErrorRecord } from '../../errors.ts'
import { CANCEL } from '../model/journal.ts'
import { CANCELLED, FAILED, HELD, READY, RUNNING, SUSPENDED } from '../model/states.ts'
import { FAILURE, NOW, REASON, RunWorld, step, wait } from './testdata/run-world.ts'

const LATE = NOW + 10_000
const timeouts = { scheduleToCloseMs: 10_000 }

it('a run whose time is over undoes what it did, however long that takes, and has failed', async () => {
  const world = await RunWorld.open({ kind: 'flow', options: { timeouts } })
  await world.record([step(0, true), wait(1)])
  await world.report({ type: 'suspended', seen: 2 })
  expect(world.row()).toMatchObject({ state: SUSPENDED, expireAt: LATE })
  expect(await world.shard.apply({ type: 'expire', job: 1 }, LATE)).toBe(true)
  expect(world.row()).toMatchObject({ state: READY, cancelAt: LATE, expireAt: 0 })
  expect((await world.journal()).at(-1)).toMatchObject({ kind: CANCEL, position: -1 })
  expect(await world.shard.apply({ type: 'expire', job: 1 }, LATE + 1)).toBe(false)
  await world.lease(1, LATE)
  await world.record([step(2), wait(3)], { attempt: 2, seen: 3, now: LATE })
  await world.report({ type: 'suspended', seen: 5 }, { attempt: 2, now: LATE })
  expect(world.row()).toMatchObject({ state: SUSPENDED, expireAt: 0 })
  await world.signal('go', null, LATE)
  await world.lease(1, LATE)
  expect(world.row()).toMatchObject({ state: RUNNING })
  const cancelled = { type: 'cancelled', error: null } as const
  expect(await world.report(cancelled, { attempt: 3, now: LATE + 5 })).toBe(true)
  expect(world.row()).toMatchObject({ state: FAILED, error: expect.stringContaining('schedule-to-close') })
  // Told again, since the answer got lost.
  expect(await world.report(cancelled, { attempt: 3, now: LATE + 5 })).toBe(true)
  expect(await world.check()).toEqual([])
})

it('a run that lost its last try undoes what it did, with as many tries for that', async () => {
  const world = await RunWorld.open({ kind: 'flow', options: { retry: { attempts: 1 } } })
  await world.record([step(0, true)])
  const lost = { ...FAILURE, retry: true, lost: true }
  await world.report(lost)
  expect(world.row()).toMatchObject({ state: READY, tries: 0, cancelAt: NOW, error: FAILURE.error })
  await world.lease()
  await world.report(lost, { attempt: 2 })
  expect(world.row()).toMatchObject({ state: HELD, tries: 0 })
  expect(await world.check()).toEqual([])
})

const LATE_END = JSON.stringify({ code: 'TIMEOUT', message: 'It ran out of its time.' })

it('a run that cannot undo what it did, however often it tries, is held until a person releases it, and ends as what it was stopped for says', async () => {
  const world = await RunWorld.open({ kind: 'flow', options: { retry: { attempts: 1 }, timeouts } })
  await world.record([step(0, true)])
  await world.cancel()
  const late = { ...FAILURE, retry: true, error: LATE_END }
  expect(await world.report(late)).toBe(true)
  expect(world.row()).toMatchObject({ state: HELD, tries: 0, expireAt: 0, nonce: null })
  const told = JSON.parse(world.row().error as string) as ErrorRecord
  expect(told).toMatchObject({ code: 'TIMEOUT', data: { stopped: REASON } })
  expect(told.message).toMatch(/^It ran out of its time\. Not all that the run had done is undone/)
  // Told again, since the answer got lost; and other things, which are not so.
  expect(await world.report(late)).toBe(true)
  for (const other of [FAILURE, { type: 'snoozed', delayMs: 1 }] as const)
    expect(await world.report(other)).toBe(false)
  await world.control('release')
  expect(world.row()).toMatchObject({ state: READY, error: REASON })
  await world.lease()
  await world.record([step(1)], { attempt: 2, seen: 2 })
  await world.report({ type: 'cancelled', error: null }, { attempt: 2 })
  expect(world.row()).toMatchObject({ state: CANCELLED, error: REASON })
  expect(await world.check()).toEqual([])
})

it('a run that is paused while it undoes what it did ends as what it was stopped for says as well', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true)])
  await world.cancel()
  const paused = { type: 'paused', error: LATE_END } as const
  expect(await world.report(paused)).toBe(true)
  expect(JSON.parse(world.row().error as string)).toMatchObject({
    code: 'TIMEOUT',
    data: { stopped: REASON },
  })
  expect(await world.report(paused)).toBe(true)
  // Held by a person, too: that says nothing else about it.
  await world.control('release')
  await world.control('hold')
  expect(world.row()).toMatchObject({ state: HELD, error: REASON })
  await world.control('release')
  await world.lease()
  await world.report({ type: 'cancelled', error: null }, { attempt: 2 })
  expect(world.row()).toMatchObject({ state: CANCELLED, error: REASON })
})
