/** Cancels, restarts and new beginnings of runs that have done something: what is undone, what is done again, what stands. */
import { expect, it } from 'vitest'
import { HAS_UNDO, LARGE_INPUT, LARGE_RESULT } from '../model/job.ts'
import { BROKEN, CANCEL, CHILD, DONE, OPEN, STEP } from '../model/journal.ts'
import { CANCELLED, FAILED, HELD, READY, RUNNING, SUSPENDED } from '../model/states.ts'
import type { NewEntry } from './record.ts'
import { child, FAILURE, NOW, REASON, RunWorld, SUCCESS, step, timer, wait } from './testdata/run-world.ts'

const failed = (position: number): NewEntry =>
  ({ ...step(position), state: BROKEN, value: FAILURE.error }) as NewEntry

it('a cancel that came before there was anything to undo is on record before whatever the run does next', async () => {
  const world = await RunWorld.open()
  await world.cancel()
  expect(await world.journal()).toEqual([])
  expect(await world.record([step(0, true), step(1, true)])).toMatchObject([
    { position: -1, kind: CANCEL, value: REASON },
    { position: 0 },
    { position: 1 },
  ])
  // Once is enough.
  expect(await world.record([])).toEqual([])
  await world.report({ type: 'suspended', seen: 3 })
  expect(world.row()).toMatchObject({ state: SUSPENDED, cancelAt: NOW, error: REASON })
})

it('a cancelled run with something to undo waits for its undoing, whatever else it reports, as often as it is told', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true), timer(1, 50)])
  await world.cancel()
  const before = await world.journal()
  expect(await world.cancel()).toMatchObject({ changed: false })
  expect(await world.journal()).toEqual(before)
  await world.report({ type: 'snoozed', delayMs: 10 })
  expect(world.row()).toMatchObject({ cancelAt: NOW, error: REASON })
  expect(await world.report({ type: 'snoozed', delayMs: 10 })).toBe(false)
})

it('a cancelled run that would begin anew ends with what it did left behind, and a restart begins anew', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true)])
  await world.cancel()
  await world.report({ type: 'continued', input: '"next"', large: false })
  expect(world.row()).toMatchObject({ state: CANCELLED, error: REASON, input: '"next"', taken: 0 })
  expect(world.row().flags & HAS_UNDO).toBe(0)
  expect(await world.journal()).toEqual([])
  await world.control('restart')
  expect(world.row()).toMatchObject({ state: READY, input: '"next"' })
})

it('a run that begins anew has nothing to undo, and takes a large input along, or leaves one behind', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true)])
  await world.report({ type: 'continued', input: '"large"', large: true })
  expect(world.row()).toMatchObject({ state: READY, input: null })
  expect(world.row().flags & (HAS_UNDO | LARGE_INPUT)).toBe(LARGE_INPUT)
  expect(await world.shard.store.reads.payload(1, 'input')).toBe('"large"')
  await world.lease()
  await world.report({ type: 'continued', input: '"small"', large: false }, { attempt: 2 })
  expect(world.row()).toMatchObject({ input: '"small"' })
  expect(world.row().flags & LARGE_INPUT).toBe(0)
  expect(await world.shard.store.reads.payload(1, 'input')).toBeNull()
  await world.lease()
  await world.report({ type: 'continued', input: null, large: false }, { attempt: 3 })
  expect(world.shard.batches.at(-1)?.payloads).toEqual([])
})

it('a restart leaves a large result behind, as a job that failed may have one', async () => {
  const world = await RunWorld.open()
  await world.report({ ...FAILURE, result: '"large"', large: true })
  expect(await world.shard.store.reads.payload(1, 'result')).toBe('"large"')
  await world.control('restart')
  expect(await world.shard.store.reads.payload(1, 'result')).toBeNull()
  expect(world.row().flags & LARGE_RESULT).toBe(0)
  expect(await world.check()).toEqual([])
})

it('a restart keeps what was done, asks again for what failed, gives no number twice, and leaves one out', async () => {
  const world = await RunWorld.open()
  await world.record([step(0), child(1), child(2), wait(3), failed(4)])
  await world.cancel(2)
  await world.report(FAILURE)
  expect(world.row().state).toBe(FAILED)
  await world.control('restart')
  await world.shard.reopen()
  const kept = [
    { sequence: 0, kind: STEP },
    { sequence: 3, position: 3, state: OPEN },
  ]
  expect(await world.journal()).toMatchObject(kept)
  await world.lease()
  const rows = await world.record([step(4)], { attempt: 2, seen: 8 })
  expect(rows).toMatchObject([{ sequence: 8, position: 4, state: DONE }])
  expect(await world.signal('go', '1')).toEqual({ isAwaited: true })
  expect((await world.journal()).filter(({ kind }) => kind === CHILD)).toEqual([])
})

it('a restart of a run that was undone, or may have been, begins from the start', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true), wait(1)])
  await world.report(FAILURE)
  await world.control('restart')
  expect(await world.journal()).toEqual([])
  expect(world.row().flags & HAS_UNDO).toBe(0)
  // Nobody waits any more: what comes is kept.
  expect(await world.signal('go', '1')).toEqual({ isAwaited: false })
  await world.lease()
  expect(await world.record([wait(0)], { attempt: 2, seen: 3 })).toMatchObject([
    { sequence: 3, state: OPEN },
    { sequence: 4, state: DONE, value: '[1]' },
  ])
})

it('a restart of a run that recorded nothing has no journal to cut', async () => {
  const world = await RunWorld.open()
  await world.report(FAILURE)
  await world.control('restart')
  expect(world.shard.batches.flatMap(({ journalCuts }) => journalCuts)).toEqual([])
})

it('a run that cannot go on is held, and its report may be told again', async () => {
  const world = await RunWorld.open()
  await world.record([wait(0)])
  const paused = { type: 'paused', error: FAILURE.error } as const
  await world.report(paused)
  expect(world.row()).toMatchObject({ state: HELD, tries: 0, error: FAILURE.error })
  expect(await world.report(paused)).toBe(true)
  expect(await world.report({ ...paused, error: REASON })).toBe(false)
  expect(await world.report(SUCCESS)).toBe(false)
  // What comes while it is held is there when it goes on.
  expect(await world.signal('go', null)).toEqual({ isAwaited: true })
  expect(world.row().state).toBe(HELD)
  await world.control('release')
  expect(world.row().state).toBe(READY)
})

it('a run that sleeps may be held, and a cancel of a held one with something to undo waits for its release', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true), timer(1, 100)])
  await world.report({ type: 'suspended', seen: 2 })
  await world.control('hold')
  await world.cancel()
  expect(world.row()).toMatchObject({ state: HELD, cancelAt: NOW })
  expect((await world.journal()).at(-1)).toMatchObject({ kind: CANCEL, state: DONE })
  await world.control('release')
  await world.lease()
  expect(world.row().state).toBe(RUNNING)
})

it('a later enqueue with its key does not replace a run that sleeps, or that has something to undo', async () => {
  const world = await RunWorld.open({ kind: 'flow', key: 'one' })
  const replacing = { kind: 'flow', key: 'one', input: 2, onConflict: 'replace' } as const
  await world.record([wait(0)])
  await world.report({ type: 'suspended', seen: 1 })
  expect(await world.enqueue(replacing)).toMatchObject({ code: 'KEY_CONFLICT' })
  await world.signal('go', null)
  await world.lease()
  await world.record([step(1, true)], { attempt: 2, seen: 2 })
  await world.report({ type: 'released' }, { attempt: 2 })
  expect(world.row().state).toBe(READY)
  expect(await world.enqueue(replacing)).toMatchObject({ code: 'KEY_CONFLICT' })
})

it('timers that end at one moment settle in the order in which the code asked for them', async () => {
  const world = await RunWorld.open()
  await world.record([timer(0, 50), timer(1, 10), timer(2, 10)])
  await world.record([], { seen: 3, now: NOW + 60 })
  expect((await world.journal()).slice(3).map(({ position }) => position)).toEqual([1, 2, 0])
})

it('a sleep until a moment that is past is over at once', async () => {
  const world = await RunWorld.open()
  const past: NewEntry = { type: 'timer', position: 0, name: 'until', delayMs: 0, dueAt: 1 }
  expect(await world.record([past])).toMatchObject([
    { state: OPEN, value: '1' },
    { state: DONE, value: null },
  ])
})

it('a run that waits has got over the attempts that were lost before, and may be told so again', async () => {
  const world = await RunWorld.open({
    kind: 'flow',
    options: { retry: { attempts: 3, minMs: 0, on: 'any' } },
  })
  await world.report({ ...FAILURE, retry: true, retryAfterMs: 0, lost: true })
  expect(world.row()).toMatchObject({ state: READY, error: FAILURE.error })
  await world.lease()
  await world.record([wait(0)], { attempt: 2 })
  const suspended = { type: 'suspended', seen: 1 } as const
  await world.report(suspended, { attempt: 2 })
  expect(world.row()).toMatchObject({ state: SUSPENDED, tries: 0, error: null })
  expect(await world.report(suspended, { attempt: 2 })).toBe(true)
})
