/** Jobs that a run calls or starts: what it learns of their ends, what becomes of them when it ends, what it may not wait for. */
import { expect, it } from 'vitest'
import { LARGE_RESULT } from '../model/job.ts'
import { BROKEN, CHILD, DONE, OPEN, SEND } from '../model/journal.ts'
import { BLOCKED, CANCELLED, READY, RUNNING, SUCCEEDED, SUSPENDED } from '../model/states.ts'
import { child, FAILURE, NOW, REASON, RunWorld, SUCCESS, send, step, wait } from './testdata/run-world.ts'

const STARTED = { closes: false, awaits: false }
const KEYED = { kind: 'child', key: 'one' }

/** Ends job 2 as its worker says. */
async function end(world: RunWorld, outcome: Parameters<RunWorld['report']>[0]): Promise<void> {
  await world.lease(2)
  await world.report(outcome, { job: 2 })
}

it('a failure of a child is what the wait for it says, error and all', async () => {
  const world = await RunWorld.open()
  await world.record([child(0)])
  await end(world, FAILURE)
  expect((await world.journal()).at(-1)).toMatchObject({
    ...{ kind: CHILD, state: BROKEN, position: 0, name: '#2', value: FAILURE.error },
  })
})

it('a large result of a child is copied by the store, and outlives the child', async () => {
  const world = await RunWorld.open()
  await world.record([child(0)])
  await end(world, { type: 'succeeded', result: '"large"', large: true })
  await world.control('delete', 2)
  expect((await world.journal()).at(-1)).toMatchObject({ state: DONE, value: '"large"', copyOf: 0 })
})

it('a job that a key stands for and that has ended already is known to have at once, large or not, well or badly', async () => {
  const world = await RunWorld.open()
  await world.enqueue(KEYED, { kind: 'child', key: 'two' })
  await end(world, { type: 'succeeded', result: '"large"', large: true })
  expect(world.row(2).flags & LARGE_RESULT).not.toBe(0)
  await world.cancel(3)
  await world.record([child(0, KEYED), child(1, { kind: 'child', key: 'two' })])
  expect(await world.journal()).toMatchObject([
    { position: 0, state: OPEN, value: '2' },
    { position: 0, state: DONE, name: '#2', value: '"large"' },
    { position: 1, state: OPEN, value: '3' },
    { position: 1, state: BROKEN, name: '#3', value: world.row(3).error },
  ])
  expect(await world.check()).toEqual([])
})

it('a small result of a job that had ended is told as it is', async () => {
  const world = await RunWorld.open()
  await world.enqueue(KEYED)
  await end(world, SUCCESS)
  expect(await world.record([child(0, KEYED)])).toMatchObject([
    { state: OPEN },
    { state: DONE, value: '"done"', copyOf: 0 },
  ])
})

it('a job that is only started is on record with its id, wakes nobody, and goes on without the run', async () => {
  const world = await RunWorld.open()
  await world.record([child(0, { kind: 'child' }, STARTED), wait(1)])
  expect((await world.journal())[0]).toMatchObject({ kind: CHILD, state: DONE, value: '2' })
  await world.report({ type: 'suspended', seen: 2 })
  await end(world, SUCCESS)
  expect(world.row().state).toBe(SUSPENDED)
  await world.record([child(0, { kind: 'child' }, STARTED)])
  expect(world.row(2).state).toBe(SUCCEEDED)
})

it('a job that is started to be closed ends with the run, unless it has ended or is gone', async () => {
  const world = await RunWorld.open()
  const started = { closes: true, awaits: false }
  await world.record([0, 1, 2].map((position) => child(position, { kind: 'child' }, started)))
  await end(world, SUCCESS)
  await world.cancel(3)
  await world.control('delete', 3)
  await world.report(SUCCESS)
  expect(world.row(2)).toMatchObject({ state: SUCCEEDED, result: '"done"' })
  expect(world.row(4)).toMatchObject({ state: CANCELLED })
  expect(world.row(4).error).toContain('job 1, which had started it, ended before it')
  expect(await world.check()).toEqual([])
})

it('a child that runs when the run ends is asked to stop, and the jobs after a child end with it', async () => {
  const world = await RunWorld.open()
  await world.record([child(0), child(1), child(2)])
  for (const id of [2, 3]) await world.lease(id)
  await world.cancel(3)
  await world.enqueue({ kind: 'later', after: [{ job: 4 }] })
  await world.report(SUCCESS, { now: NOW + 1 })
  expect(world.row(2)).toMatchObject({ state: RUNNING, cancelAt: NOW + 1 })
  // The first reason stands.
  expect(world.row(3)).toMatchObject({ state: RUNNING, cancelAt: NOW, error: REASON })
  expect(world.row(4).state).toBe(CANCELLED)
  expect(world.row(5).error).toContain('DEPENDENCY_FAILED')
  expect(await world.check()).toEqual([])
})

it('the end of a child that the run did not wait for any more disturbs nobody, deleted or not', async () => {
  const world = await RunWorld.open()
  const abandoned = { closes: false, awaits: true }
  await world.record([child(0, { kind: 'child' }, abandoned), child(1, { kind: 'child' }, abandoned)])
  await world.report(SUCCESS)
  await end(world, SUCCESS)
  expect(world.row()).toMatchObject({ state: SUCCEEDED })
  await world.control('delete')
  await world.lease(3)
  await world.report(SUCCESS, { job: 3 })
  expect(world.row(3).state).toBe(SUCCEEDED)
  expect(await world.check()).toEqual([])
})

it('what an enqueue refuses is refused with all that stood beside it, and nothing is on record', async () => {
  const world = await RunWorld.open()
  await world.enqueue(KEYED)
  const other = { ...KEYED, input: 'another body' }
  expect(await world.record([step(0), child(1), child(2, other)])).toMatchObject({ code: 'KEY_CONFLICT' })
  expect(await world.journal()).toEqual([])
  expect(world.row(3)).toBeUndefined()
})

it.each([
  ['in one turn', true],
  ['later', false],
])('a job can be waited for once: a second wait %s is refused', async (_, isOneTurn) => {
  const world = await RunWorld.open()
  const entries = [child(0, KEYED), child(1, KEYED)]
  if (!isOneTurn) await world.record(entries.splice(0, 1))
  expect(await world.record(entries, { seen: 1 })).toMatchObject({ code: 'DUPLICATE', data: { job: 2 } })
})

it('a job that somebody else waits for can be waited for, and started as often as one likes', async () => {
  const world = await RunWorld.open()
  await world.enqueue(KEYED, { kind: 'later', after: [{ index: 0 }] })
  await world.record([child(0, KEYED), child(1, KEYED, STARTED)])
  await world.record([child(2, KEYED, { closes: true, awaits: false })], { seen: 2 })
  await end(world, SUCCESS)
  expect(world.row(3).state).toBe(READY)
  expect((await world.journal()).at(-1)).toMatchObject({ position: 0, state: DONE })
  expect(await world.check()).toEqual([])
})

it('a run cannot wait for itself, nor for what waits for it: nothing else would ever wake it', async () => {
  const world = await RunWorld.open({ kind: 'flow', key: 'self' })
  await world.enqueue({ ...KEYED, after: [{ job: 1 }] })
  expect(world.row(2).state).toBe(BLOCKED)
  const circles = [
    child(0, { kind: 'flow', key: 'self' }),
    child(0, { ...KEYED, after: [{ job: 1 }] }),
    child(0, { kind: 'child', after: [{ job: 1 }] }),
    child(0, { kind: 'child', after: [{ job: 1 }] }, { closes: true, awaits: false }),
  ]
  for (const entry of circles) {
    expect(await world.record([entry])).toMatchObject({ code: 'CYCLE', data: { step: 'child' } })
  }
  expect(await world.journal()).toEqual([])
  expect(await world.check()).toEqual([])
})

it('a run cannot wait for what waits for it because of others', async () => {
  const world = await RunWorld.open({ kind: 'flow', key: 'first' })
  await world.enqueue({ kind: 'flow', key: 'second' }, { ...KEYED, after: [{ index: 0 }] })
  // run 2 waits for run 1, and job 3 comes after run 2
  await world.lease(2)
  await world.recordOf(2, [child(0, { kind: 'flow', key: 'first' }, { closes: false })])
  const last = { kind: 'last', after: [{ job: 3 }] }
  for (const entry of [child(0, KEYED), child(0, last), child(0, { kind: 'flow', key: 'second' })]) {
    expect(await world.record([entry])).toMatchObject({ code: 'CYCLE' })
  }
  // one that has ended waits for nothing any more
  await world.cancel(2)
  await world.report({ type: 'cancelled', error: null }, { job: 2 })
  expect(await world.record([child(0, { kind: 'last', key: 'new', after: [{ job: 3 }] })])).toMatchObject([
    { kind: CHILD, state: OPEN },
    { kind: CHILD, state: BROKEN },
  ])
  expect(await world.check()).toEqual([])
})

it('a run may start what comes after it, and call what it is to close, or what comes after something else', async () => {
  const world = await RunWorld.open()
  await world.enqueue({ kind: 'first' })
  await world.record([
    child(0, { kind: 'child', after: [{ job: 1 }] }, STARTED),
    child(1, KEYED, { closes: true, awaits: false }),
    child(2, { kind: 'child', after: [{ job: 2 }] }),
  ])
  expect(await world.record([child(3, KEYED)], { seen: 3 })).toMatchObject([{ state: OPEN, value: '4' }])
  await end(world, SUCCESS)
  expect(world.row(5).state).toBe(READY)
  await world.report(SUCCESS)
  expect([3, 4, 5].map((id) => world.row(id).state)).toEqual([READY, CANCELLED, CANCELLED])
  expect(await world.check()).toEqual([])
})

it('a signal to a run of another namespace is refused as one to a run that is not there', async () => {
  const world = await RunWorld.open()
  await world.enqueue({ kind: 'other', queue: 'other' }, { kind: 'flow', namespace: 'far' })
  const rows = (await world.record([send(0, 2), send(1, 3)])) as readonly { state: number; value: string }[]
  expect(rows.map(({ state }) => state)).toEqual([DONE, BROKEN])
  expect(JSON.parse(rows[1]?.value as string)).toMatchObject({ code: 'NOT_FOUND' })
})

it('a signal to a run that is not there, or has ended, is on record as refused', async () => {
  const world = await RunWorld.open()
  await world.enqueue({ kind: 'plain' }, { kind: 'flow' })
  await world.cancel(2)
  const rows = await world.record([send(0, 9), send(1, 2), send(2, 3)])
  expect(rows).toMatchObject([
    { kind: SEND, state: BROKEN },
    { kind: SEND, state: BROKEN },
    { kind: SEND, state: DONE, value: null },
  ])
  const [missing, ended] = rows as readonly { value: string }[]
  expect(JSON.parse(missing?.value as string)).toMatchObject({ code: 'NOT_FOUND' })
  expect(JSON.parse(ended?.value as string)).toMatchObject({ code: 'WRONG_STATE' })
})
