/** Large values of runs: kept once, however many steps, children and forks have them, and gone with the last of these. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { job, workflow } from '../index.ts'
import { openTest, type TestApp } from '../testing/index.ts'

/** Made anew each time, as values are that come from elsewhere. */
const large = (name: string): string => name.repeat(20_000)

const echo = job('echo', { run: (value: string) => value })
const fan = workflow('fan', {
  run: async (flow, children: number) => {
    const value = await flow.step('make', () => large('a'))
    const values = await flow.map(Array.from({ length: children }), () => flow.call(echo, value))
    return flow.step('pass on', () => values.at(-1))
  },
})
const chain = workflow('chain', {
  run: async (flow, value: string): Promise<string> => {
    const kept = await flow.signal<string>('next')
    if (kept === 'end') return value
    await flow.step('carry', () => large('c'))
    return flow.continueAsNew(kept)
  },
})

let app: TestApp
beforeEach(async () => {
  app = await openTest([echo, fan, chain])
})
afterEach(() => app.close())

/** How many large values are kept, when nothing contradicts them. */
async function blobs(): Promise<unknown> {
  expect(await app.client.check()).toEqual([])
  return (await app.client.info()).blobs
}

it('what children get and give, and steps pass on, is kept once, until the last of them is deleted', async () => {
  const run = await app.enqueue(fan, 20)
  expect(await run.result()).toBe(large('a'))
  expect(await blobs()).toBe(1)
  const { jobs } = await app.list({ kind: 'echo' })
  expect(jobs.map(({ input, result }) => input === result)).toEqual(new Array(20).fill(true))
  for (const { id } of jobs) await app.client.control(id, { verb: 'delete' })
  expect(await run.result()).toBe(large('a'))
  await app.client.control(run.id, { verb: 'delete' })
  expect(await blobs()).toBe(0)
})

it('a run that begins anew lets go of what it leaves behind', async () => {
  const run = await app.enqueue(chain, large('a'))
  expect(await blobs()).toBe(1)
  await run.signal('next', large('b'))
  await app.settle()
  expect(await blobs()).toBe(1)
  await run.signal('next', 'end')
  expect(await run.result()).toBe(large('b'))
})

it('a fork shares what had been done with the run that it comes from, and keeps it when that is deleted', async () => {
  const run = await app.enqueue(fan, 2)
  await run.result()
  const fork = await app.fork(run)
  expect(await fork.result()).toBe(large('a'))
  expect(await blobs()).toBe(1)
  await app.client.control(run.id, { verb: 'delete' })
  expect(await fork.result()).toBe(large('a'))
  expect(await blobs()).toBe(1)
})
