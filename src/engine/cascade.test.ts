/** Long cascades: they go on in bounded steps, read little, and survive failures between two steps. */
import { expect, it } from 'vitest'
import type { Client } from '../client/client.ts'
import { createEmbeddedClient } from '../client/embedded/client.ts'
import type { JobSpec } from '../client/types.ts'
import { TestSurroundings } from '../runtime/testdata/test-surroundings.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import type { Batch } from '../store/store.ts'
import { Engine } from './engine.ts'
import { Faulty } from './testdata/faulty.ts'

const chain = (length: number): JobSpec[] =>
  Array.from({ length }, (_, i) => ({ kind: 'k', ...(i === 0 ? {} : { after: [{ index: i - 1 }] }) }))

const fan = (width: number): JobSpec[] => [
  { kind: 'k' },
  ...Array.from({ length: width }, () => ({ kind: 'k', after: [{ index: 0 }] })),
]

/** A store with these jobs, an engine that has none of them in memory, and what it reads and writes from there on. */
async function cold(jobs: JobSpec[]): Promise<{ client: Client; loads: () => number; batches: Batch[] }> {
  const batches: Batch[] = []
  const store = createMemoryStore({
    onCommit: (batch) => {
      batches.push(batch)
      return 'ok'
    },
  })
  const time = new TestSurroundings()
  const before = createEmbeddedClient(await Engine.open(store, time, { retentionEveryMs: 0 }))
  await before.enqueue(jobs)
  await before.close()
  batches.length = 0
  let loads = 0
  const { load } = store
  store.load = (request) => {
    loads++
    return load.call(store, request)
  }
  const client = createEmbeddedClient(await Engine.open(store, time, { retentionEveryMs: 0 }))
  return { client, loads: () => loads, batches }
}

const LARGEST = 2_100

it('carries a cancel down a cold chain of 5,000 without a read per level', async () => {
  const { client, loads, batches } = await cold(chain(5_000))
  await client.control(1, { verb: 'cancel' })
  const end = await client.wait(5_000)
  expect(end).toMatchObject({
    state: 'failed',
    error: { code: 'DEPENDENCY_FAILED', data: { dependency: 4_999 } },
  })
  expect(loads()).toBeLessThan(40)
  expect(Math.max(...batches.map((batch) => batch.jobs.length))).toBeLessThan(LARGEST)
  expect(await client.check()).toEqual([])
  await client.close()
})

it('ends a cold fan of 9,999 in bounded commits', async () => {
  const { client, loads, batches } = await cold(fan(9_999))
  await client.control(1, { verb: 'cancel' })
  expect((await client.wait(10_000)).state).toBe('failed')
  expect(loads()).toBeLessThan(40)
  expect(Math.max(...batches.map((batch) => batch.jobs.length))).toBeLessThan(LARGEST)
  expect((await client.counts())[0]?.states).toMatchObject({ cancelled: 1, failed: 9_999 })
  await client.close()
})

it.each(['refuse', 'lose-ack'] as const)('goes on after a step whose commit was told to %s', async (fate) => {
  const faulty = await Faulty.open()
  const { client } = faulty
  await client.enqueue(chain(5_000))
  await client.control(1, { verb: 'cancel' })
  faulty.isHolding = true
  const held = await faulty.nextHeld()
  faulty.isHolding = false
  held.decide(fate)
  await faulty.turns()
  await faulty.time.advance(5_000)
  expect((await client.wait(5_000)).state).toBe('failed')
  expect(await client.check()).toEqual([])
  await client.close()
})

it('goes on after a restart of the process', async () => {
  const faulty = await Faulty.open()
  await faulty.client.enqueue(chain(5_000))
  await faulty.client.control(1, { verb: 'cancel' })
  await faulty.client.close()
  await faulty.reopen()
  expect((await faulty.client.wait(5_000)).state).toBe('failed')
  expect(await faulty.client.check()).toEqual([])
  await faulty.client.close()
})

it('lets whoever depends on a job meet its end, also when it is restarted or deleted before they were told', async () => {
  const faulty = await Faulty.open()
  const { client } = faulty
  await client.enqueue(fan(4_000))
  await client.enqueue(fan(4_000))
  const calls = [1, 4_002].map((id) => client.control(id, { verb: 'cancel' }))
  calls.push(client.control(1, { verb: 'restart' }), client.control(4_002, { verb: 'delete' }))
  await Promise.all(calls)
  expect((await client.counts())[0]?.states).toMatchObject({ ready: 1, failed: 8_000, blocked: 0 })
  expect(await client.check()).toEqual([])
  await client.close()
})

it('keeps count of the edges to a job that ends at the last level of a step', async () => {
  const faulty = await Faulty.open()
  const { client } = faulty
  const both = [{ index: 2 }, { index: 3 }]
  const jobs: JobSpec[] = [...chain(3), { kind: 'k', after: [{ index: 1 }] }, { kind: 'k', after: both }]
  await client.enqueue([...jobs, { kind: 'k', after: [{ index: 4 }] }])
  await client.control(1, { verb: 'cancel' })
  expect((await client.wait(6)).state).toBe('failed')
  expect(await client.get(5)).toMatchObject({ state: 'failed', pendingDependencies: 0 })
  expect(await client.check()).toEqual([])
  await client.close()
})
