/** Time limits of whole runs and of their attempts, and how far they say they are. */
import { afterEach, expect, it } from 'vitest'
import { type App, job, open, workflow } from '../index.ts'
import { openTest, type TestApp } from '../testing/index.ts'

let app: App
afterEach(() => app.close())

it('a run whose time is over while it waits undoes what it did, and has failed', async () => {
  const done: string[] = []
  const flow = workflow('flow', {
    timeout: { total: '1h' },
    run: async (flow) => {
      await flow.step('charge', () => done.push('charge'), {
        undo: async () => {
          done.push('refund')
          if (done.length < 4) throw new Error('not yet')
        },
      })
      await flow.signal('never')
    },
  })
  const test = await openTest([flow])
  app = test
  const run = await test.enqueue(flow)
  await expect(run.result()).rejects.toMatchObject({ code: 'TIMEOUT', data: { limit: 'schedule-to-close' } })
  expect(done).toEqual(['charge', 'refund', 'refund', 'refund'])
  expect(await app.get(run.id)).toMatchObject({ state: 'failed' })
  expect(await app.client.check()).toEqual([])
})

it('a run whose time is over while a step runs does so as well', async () => {
  const done: string[] = []
  const flow = workflow('flow', {
    timeout: { total: '5m', grace: '1s' },
    run: async (flow) => {
      await flow.step('charge', () => done.push('charge'), { undo: () => done.push('refund') })
      await flow.step('long', ({ signal }) => new Promise((_, no) => signal.addEventListener('abort', no)))
    },
  })
  const test = await openTest([flow], { patience: '10ms' })
  app = test
  await expect(test.run(flow)).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(done).toEqual(['charge', 'refund'])
})

it('an attempt that hangs is taken over by another, which finds what was recorded', async () => {
  let lives = 0
  const calls: string[] = []
  const flow = workflow('flow', {
    timeout: { attempt: '1m', grace: '1s' },
    retry: { attempts: 3, min: '1ms', max: '1ms' },
    run: async (flow) => {
      await flow.step('first', () => calls.push('first'))
      if (++lives === 1) await new Promise(() => {})
      return flow.step('second', () => calls.push('second'))
    },
  })
  const test: TestApp = await openTest([flow], { patience: '10ms' })
  app = test
  expect(await test.run(flow)).toBe(2)
  expect(calls).toEqual(['first', 'second'])
})

it('a run says how far it is', async () => {
  app = await open('memory:')
  const wait = job('wait', { run: () => new Promise((resolve) => setTimeout(resolve, 50)) })
  const flow = workflow('flow', {
    run: async (flow) => {
      flow.progress(0.5, 'half way')
      await flow.call(wait, undefined)
    },
  })
  app.work([flow, wait])
  const run = await app.enqueue(flow)
  await run.result()
  expect((await app.get(run.id)).progress).toMatchObject({ fraction: 0.5, message: 'half way' })
})

it('a run of which no attempt has time to undo what it did waits for a person, and then ends as it was told to', async () => {
  const done: string[] = []
  let hangs = true
  const flow = workflow('flow', {
    timeout: { attempt: '1m', grace: '1s' },
    retry: { attempts: 2, min: '1ms', max: '1ms' },
    run: async (flow) => {
      const undo = (): unknown => (hangs ? new Promise(() => {}) : done.push('refund'))
      await flow.step('charge', () => done.push('charge'), { undo })
      await flow.signal('never')
    },
  })
  const test = await openTest([flow], { patience: '10ms' })
  app = test
  const run = await test.enqueue(flow)
  await test.settle()
  await run.cancel({ reason: 'not wanted' })
  await test.advance('1h')
  expect(await app.get(run.id)).toMatchObject({
    state: 'held',
    error: {
      code: 'TIMEOUT',
      message: expect.stringContaining(`'perdure show ${run.id}' tells what is undone`),
    },
  })
  hangs = false
  await app.client.control(run.id, { verb: 'release' })
  await expect(run.result()).rejects.toMatchObject({ code: 'CANCELLED', message: /not wanted/ })
  expect(done).toEqual(['charge', 'refund'])
  expect(await app.client.check()).toEqual([])
})
