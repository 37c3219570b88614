/** What a run lets go of, the locks that runs take from one another, and steps that are tried again later. */
import { expect, it } from 'vitest'
import { DONE, type JournalRow, LOCK, OPEN, SIGNAL, STEP, TIMER, WITHDRAW } from '../model/journal.ts'
import { BLOCKED, CANCELLED, READY, RUNNING, SUCCEEDED, SUSPENDED } from '../model/states.ts'
import type { NewEntry, RecordReply } from './record.ts'
import { child, FAILURE, NOW, RunWorld, SUCCESS, timer, wait } from './testdata/run-world.ts'

const withdraw = (position: number, positions: number[], jobs: number[] = []): NewEntry => {
  return { type: 'withdraw', position, name: 'race', positions, jobs }
}
const lock = (position: number, name = 'stock'): NewEntry => ({ type: 'lock', position, name })
const unlock = (position: number, ticket: number): NewEntry => withdraw(position, [], [ticket])

/** A shard with runs 1 to `count`, all of them leased. */
async function runs(count: number): Promise<RunWorld> {
  const world = await RunWorld.open()
  for (let id = 2; id <= count; id++) {
    await world.enqueue({ kind: 'flow' })
    await world.lease(id)
  }
  return world
}

async function record(world: RunWorld, job: number, entries: NewEntry[], attempt = 1) {
  const command = { type: 'record', job, attempt, nonce: 'n', seen: 0, entries } as const
  return ((await world.shard.apply(command, NOW)) as RecordReply).rows
}

/** The runs that have the lock at a position, as their journals tell. */
async function holders(world: RunWorld, ids: number[], position = 0): Promise<number[]> {
  const held: number[] = []
  for (const id of ids) {
    const has = (row: JournalRow) => row.kind === LOCK && row.position === position && row.state === DONE
    if ((await world.journal(id)).some(has)) held.push(id)
  }
  return held
}

it('timers and signals that are let go of wake nobody, and a later signal is another wait’s', async () => {
  const world = await RunWorld.open()
  await world.record([timer(0, 100), wait(1), timer(2, 200)])
  const rows = await world.record([withdraw(3, [0, 1])])
  expect(rows).toMatchObject([{ kind: WITHDRAW, state: DONE, position: 3, name: 'race', value: '[0,1]' }])
  expect(await world.signal('go', '1')).toEqual({ isAwaited: false })
  await world.report({ type: 'suspended', seen: 4 })
  expect(world.row()).toMatchObject({ state: SUSPENDED, rank: NOW + 200 })
  expect(await world.check()).toEqual([])
})

it('what has settled already is let go of without effect', async () => {
  const world = await RunWorld.open()
  await world.record([wait(0), child(1)])
  await world.signal('go', '1')
  await world.lease(2)
  await world.report(SUCCESS, { job: 2 })
  await world.record([withdraw(2, [0, 1], [2, 77])])
  expect(world.row(2).state).toBe(SUCCEEDED)
  expect((await world.journal()).filter(({ kind }) => kind === SIGNAL)).toHaveLength(2)
  expect(await world.check()).toEqual([])
})

it('a child that is let go of is cancelled with all that depends on it, and tells nobody', async () => {
  const world = await RunWorld.open()
  await world.record([child(0), child(1, { kind: 'other' })])
  await world.enqueue({ kind: 'after', after: [{ job: 2, onFailure: 'cancel' }] })
  await world.lease(3)
  await world.record([withdraw(2, [0, 1], [2, 3])])
  for (const id of [2, 4]) expect(world.row(id)).toMatchObject({ state: CANCELLED })
  // One that runs is asked to stop.
  expect(world.row(3)).toMatchObject({ state: RUNNING, cancelAt: NOW })
  await world.report({ type: 'cancelled', error: null }, { job: 3 })
  expect(world.row(3).state).toBe(CANCELLED)
  expect(await world.journal()).toHaveLength(3)
  expect(await world.check()).toEqual([])
})

it('a child that was made to go on goes on, and one of another run as well', async () => {
  const world = await runs(2)
  await world.record([child(0, { kind: 'child' }, { closes: false })])
  await record(world, 2, [child(0)])
  await world.record([withdraw(1, [0], [3, 4])])
  expect(world.row(3)).toMatchObject({ state: READY })
  expect(world.row(4)).toMatchObject({ state: READY, cancelAt: 0 })
  await world.lease(3)
  await world.report(SUCCESS, { job: 3 })
  expect(await world.journal()).toHaveLength(2)
  expect(await world.check()).toEqual([])
})

it('a lock that is free is had at once, and given back with the end of its run', async () => {
  const world = await runs(2)
  expect(await record(world, 1, [lock(0)])).toMatchObject([
    { kind: LOCK, state: OPEN, value: '3', name: 'stock' },
    { kind: LOCK, state: DONE },
  ])
  expect(world.row(3)).toMatchObject({ state: BLOCKED, parent: 1, input: '"stock"' })
  expect(await record(world, 2, [lock(0), lock(1, 'other')])).toHaveLength(3)
  expect(await world.check()).toEqual([])
  await world.report({ type: 'suspended', seen: 3 }, { job: 2 })
  await world.report(FAILURE)
  expect(await holders(world, [1, 2])).toEqual([1, 2])
  expect(world.row(2)).toMatchObject({ state: READY })
  expect(world.row(3)).toMatchObject({ state: SUCCEEDED })
  expect(await world.check()).toEqual([])
})

it('a lock goes to whoever asked first, and past those who left the line', async () => {
  const world = await runs(4)
  for (const id of [1, 2, 3, 4]) await record(world, id, [lock(0)])
  expect(await holders(world, [1, 2, 3, 4])).toEqual([1])
  // The second leaves while the first still has it: that lets nobody in.
  await record(world, 2, [unlock(1, 6)])
  expect(await holders(world, [1, 3, 4])).toEqual([1])
  expect(await world.check()).toEqual([])
  await record(world, 1, [unlock(1, 5)])
  expect(await holders(world, [1, 3, 4])).toEqual([1, 3])
  // Once more, and a ticket of another run: neither does anything.
  await record(world, 1, [unlock(2, 5), unlock(3, 7)])
  expect(await holders(world, [1, 3, 4])).toEqual([1, 3])
  await world.report(SUCCESS, { job: 3 })
  expect(await holders(world, [4])).toEqual([4])
  await record(world, 4, [unlock(1, 8)])
  expect(await record(world, 1, [lock(4)])).toHaveLength(2)
  expect(await world.check()).toEqual([])
})

it('whoever has left the line is told nothing, whatever stands at the position now', async () => {
  const world = await runs(3)
  for (const id of [1, 2, 3]) await record(world, id, [lock(0)])
  await record(world, 2, [unlock(1, 5)])
  await world.report({ type: 'continued', input: null, large: false }, { job: 2 })
  await world.lease(2)
  // at the same position, but in line behind the third
  await record(world, 2, [lock(0)], 2)
  await record(world, 1, [unlock(1, 4)])
  expect(await holders(world, [1, 2, 3])).toEqual([1, 3])
  await record(world, 3, [unlock(1, 6)])
  expect(await holders(world, [2])).toEqual([2])
  expect(await world.check()).toEqual([])
})

it('a run that begins anew gives its locks back, and leaves the lines for them', async () => {
  const world = await runs(3)
  await record(world, 1, [lock(0), child(1)])
  await record(world, 2, [lock(0, 'other'), lock(1)])
  await record(world, 3, [lock(0), lock(1, 'other')])
  await world.report({ type: 'continued', input: null, large: false }, { job: 2 })
  expect(await holders(world, [3], 1)).toEqual([3])
  await world.report({ type: 'continued', input: null, large: false })
  expect(await holders(world, [3])).toEqual([3])
  // what only comes after the run is left as it is, if it is there at all
  for (const kind of ['after', 'gone']) await world.enqueue({ kind, after: [{ job: 3, onFailure: 'run' }] })
  await world.cancel(11)
  await world.control('delete', 11)
  await world.report({ type: 'continued', input: null, large: false }, { job: 3 })
  for (const id of [1, 2, 3]) expect(world.row(id)).toMatchObject({ state: READY })
  expect(world.row(10)).toMatchObject({ state: BLOCKED })
  expect(await world.check()).toEqual([])
})

it('nothing is left of a lock once its last ticket is gone', async () => {
  const world = await runs(2)
  await record(world, 1, [lock(0), unlock(1, 3)])
  await world.control('delete', 3)
  expect(await world.check()).toEqual([])
  await record(world, 2, [lock(0)])
  expect(await holders(world, [2])).toEqual([2])
})

it('locks of one name in two namespaces are two', async () => {
  const world = await RunWorld.open()
  await world.enqueue({ kind: 'flow', namespace: 'other' })
  await world.lease(2)
  await record(world, 1, [lock(0)])
  await record(world, 2, [lock(0)])
  expect(await holders(world, [1, 2])).toEqual([1, 2])
})

it('a step that is to be tried again later wakes its run then', async () => {
  const world = await RunWorld.open()
  const value = JSON.stringify({ tries: 1, since: NOW, error: { code: 'X', message: 'x' } })
  const rows = await world.record([{ type: 'retry', position: 0, name: 'pay', delayMs: 100, value }])
  expect(rows).toMatchObject([{ kind: STEP, state: OPEN, position: 0, name: 'pay' }])
  expect(JSON.parse((rows as JournalRow[])[0]?.value as string)).toEqual({
    ...{ dueAt: NOW + 100, tries: 1, since: NOW },
    error: { code: 'X', message: 'x' },
  })
  await world.report({ type: 'suspended', seen: 1 })
  expect(world.row()).toMatchObject({ state: SUSPENDED, rank: NOW + 100 })
  await world.shard.apply({ type: 'due', most: 10 }, NOW + 100)
  expect(world.row().state).toBe(READY)
  expect((await world.journal()).at(-1)).toMatchObject({ kind: TIMER, state: DONE, position: 0 })
})
