/** Workflow runs, command by command: what is recorded, what wakes them, what ends with them. */
import { expect, it } from 'vitest'
import { PerdureError } from '../../errors.ts'
import { CHILD, DONE, type JournalRow, OPEN, SIGNAL, TIMER } from '../model/journal.ts'
import { CANCELLED, READY, RUNNING, SUCCEEDED, SUSPENDED } from '../model/states.ts'
import type { NewEntry } from './record.ts'
import { child, NOW, REASON, RunWorld, step, timer, wait } from './testdata/run-world.ts'

it('a stale token records nothing', async () => {
  const world = await RunWorld.open()
  expect(await world.record([step(0)], { nonce: 'other' })).toBe(false)
  expect(await world.record([step(0)], { attempt: 2 })).toBe(false)
  expect(await world.journal()).toEqual([])
})

it('rows are numbered one after another, whatever came between', async () => {
  const world = await RunWorld.open()
  await world.record([step(0), wait(1)])
  await world.signal('go', '"x"')
  const rows = await world.record([step(2)], { seen: 2 })
  expect((await world.journal()).map(({ sequence, position }) => [sequence, position])).toEqual([
    ...[
      [0, 0],
      [1, 1],
      [2, 1],
    ],
    [3, 2],
  ])
  expect(rows).toMatchObject([{ sequence: 3, position: 2 }])
})

it('a run that waits holds nothing, and a signal makes it ready without a try being counted', async () => {
  const world = await RunWorld.open()
  await world.record([wait(0)])
  await world.report({ type: 'suspended', seen: 1 })
  expect(world.row()).toMatchObject({ state: SUSPENDED, nonce: null, taken: 0, tries: 0, line: 0 })
  expect(await world.check()).toEqual([])
  expect(await world.signal('go', '7')).toEqual({ isAwaited: true })
  expect(world.row()).toMatchObject({ state: READY, tries: 0, attempt: 1 })
  expect(await world.journal()).toMatchObject([
    { kind: SIGNAL, state: OPEN },
    { kind: SIGNAL, state: DONE, value: '[7]' },
  ])
})

it('a suspension that has not seen everything is none', async () => {
  const world = await RunWorld.open()
  await world.record([wait(0)])
  await world.signal('go', null)
  await world.report({ type: 'suspended', seen: 1 })
  expect(world.row()).toMatchObject({ state: READY, tries: 0 })
})

it('a signal that comes first is kept, and only one wait gets it', async () => {
  const world = await RunWorld.open()
  expect(await world.signal('go', '1')).toEqual({ isAwaited: false })
  const rows = (await world.record([wait(0), wait(1)])) as readonly JournalRow[]
  expect(rows.map(({ position, state }) => [position, state])).toEqual([
    [0, OPEN],
    [0, DONE],
    [1, OPEN],
  ])
})

it('a timer wakes the run at its time and not before, and a deadline ends a wait', async () => {
  const world = await RunWorld.open()
  await world.record([timer(0, 100), wait(1, 50)])
  await world.report({ type: 'suspended', seen: 2 })
  expect(world.row()).toMatchObject({ state: SUSPENDED, line: 1, rank: NOW + 50 })
  await world.shard.apply({ type: 'due', most: 10 }, NOW + 49)
  expect(world.row().state).toBe(SUSPENDED)
  await world.shard.apply({ type: 'due', most: 10 }, NOW + 50)
  expect(world.row().state).toBe(READY)
  await world.lease(1, NOW + 60)
  const rows = await world.record([], { attempt: 2, seen: 3, now: NOW + 100 })
  expect(rows).toMatchObject([{ kind: TIMER, position: 0, state: DONE }])
  // Whoever comes after the deadline is kept for the next wait.
  expect(await world.signal('go', '1', NOW + 101)).toEqual({ isAwaited: false })
})

it('a child is made with the record of it, and its end wakes the run', async () => {
  const world = await RunWorld.open()
  await world.record([child(0)])
  await world.report({ type: 'suspended', seen: 1 })
  expect(await world.check()).toEqual([])
  expect(world.row(2)).toMatchObject({ parent: 1, state: READY })
  await world.shard.reopen()
  await world.lease(2)
  await world.report({ type: 'succeeded', result: '"done"', large: false }, { job: 2 })
  expect(world.row(2).state).toBe(SUCCEEDED)
  expect(world.row().state).toBe(READY)
  expect((await world.journal()).at(-1)).toMatchObject({
    kind: CHILD,
    state: DONE,
    name: '#2',
    value: '"done"',
  })
  expect(await world.check()).toEqual([])
})

it('children of a run that ends are cancelled with it', async () => {
  const world = await RunWorld.open()
  await world.record([child(0), child(1)])
  await world.report({ type: 'succeeded', result: null, large: false })
  for (const id of [2, 3]) expect(world.row(id)).toMatchObject({ state: CANCELLED })
  expect(await world.check()).toEqual([])
})

it('a cancel of a run with something to undo wakes it for that, and only its own word ends it', async () => {
  const world = await RunWorld.open()
  await world.record([step(0, true), wait(1)])
  await world.report({ type: 'suspended', seen: 2 })
  await world.cancel()
  expect(world.row()).toMatchObject({ state: READY, cancelAt: NOW })
  await world.lease()
  await world.report({ type: 'released' }, { attempt: 2 })
  expect(world.row()).toMatchObject({ state: READY, error: REASON })
  await world.lease()
  expect(world.row().state).toBe(RUNNING)
  await world.report({ type: 'cancelled', error: null }, { attempt: 3 })
  expect(world.row()).toMatchObject({ state: CANCELLED, error: REASON })
})

it('signals are refused by runs that have ended, that do not exist, or that have too many', async () => {
  const world = await RunWorld.open()
  const large = JSON.stringify('x'.repeat(600_000))
  await world.signal('go', large)
  expect(await world.signal('go', large)).toMatchObject({ code: 'TOO_LARGE' })
  await world.report({ type: 'succeeded', result: null, large: false })
  expect(await world.signal('go', null)).toMatchObject({ code: 'WRONG_STATE' })
  const none = await world.shard.apply({ type: 'signal', job: 9, name: 'go', value: null, id: null }, NOW)
  expect(none).toBeInstanceOf(PerdureError)
})

it('a signal that is told again by its id is told once, whatever has become of the run', async () => {
  const world = await RunWorld.open()
  expect(await world.signal('go', '1', NOW, 'a')).toEqual({ isAwaited: false })
  await world.record([wait(0), wait(1)])
  expect(await world.signal('go', '1', NOW, 'a')).toEqual({ isAwaited: false })
  expect((await world.journal()).length).toBe(3)
  expect(await world.signal('go', '2', NOW, 'b')).toEqual({ isAwaited: true })
  // another name is another signal, and one that was refused was not told
  expect(await world.signal('stop', null, NOW, 'b')).toEqual({ isAwaited: false })
  await world.report({ type: 'succeeded', result: null, large: false })
  expect(await world.signal('go', '2', NOW, 'b')).toEqual({ isAwaited: true })
  expect(await world.signal('go', '3', NOW, 'c')).toMatchObject({ code: 'WRONG_STATE' })
  const day = 86_400_000
  expect(await world.signal('go', '2', NOW + day, 'b')).toMatchObject({ code: 'WRONG_STATE' })
  expect((await world.shard.store.reads.expiredKeys(NOW + day, { namespace: 0, key: '' })).keys).toHaveLength(
    3,
  )
})

it('a run that continues as new forgets its journal, keeps its signals, and counts no try', async () => {
  const world = await RunWorld.open()
  await world.signal('go', '1')
  await world.record([step(0), timer(1, 100)])
  await world.report({ type: 'continued', input: '{"n":2}', large: false })
  expect(world.row()).toMatchObject({ state: READY, input: '{"n":2}', tries: 0 })
  expect(await world.shard.store.reads.journal(1, 0)).toEqual({ rows: [], next: 2, isEnd: true, origin: 2 })
  await world.lease()
  expect(await world.record([wait(0)], { attempt: 2, seen: 2 })).toMatchObject([
    { sequence: 2, state: OPEN },
    { sequence: 3, state: DONE, value: '[1]' },
  ])
})

it('what many entries look at is asked for at once', async () => {
  const world = await RunWorld.open()
  await world.enqueue(...Array.from({ length: 50 }, () => ({ kind: 'flow' })))
  await world.shard.reopen()
  const sends = Array.from({ length: 52 }, (_, position): NewEntry => {
    return { type: 'send', position, name: 'tell', to: position + 1, signal: 's', value: '1' }
  })
  const locks = Array.from({ length: 50 }, (_, index): NewEntry => {
    return { type: 'lock', position: 52 + index, name: `lock ${index}` }
  })
  const rows = await world.record([...sends, ...locks])
  // there is no job 52
  expect(rows).toHaveLength(52 + 2 * 50)
  expect(world.shard.loads).toBeLessThan(25)
  expect(await world.check()).toEqual([])
})
