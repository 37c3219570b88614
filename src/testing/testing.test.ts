/** The kit as a test of a user has it. */
import { afterEach, expect, it } from 'vitest'
import { type Flow, fatal, job, snooze, workflow } from '../index.ts'
import { openTest, stub, type TestApp } from './index.ts'

let app: TestApp
const NOW = Date.parse('2030-01-01')
afterEach(() => app.close())

const charge = job('charge', { run: (card: string): Promise<{ id: string }> => Promise.reject(card) })

it('a month takes no time', async () => {
  const nap = workflow('nap', {
    run: async (flow) => {
      const before = flow.now()
      await flow.sleep('30d')
      return flow.now() - before
    },
  })
  app = await openTest([nap])
  expect(await app.run(nap)).toBe(30 * 86_400_000)
  expect(await app.client.check()).toEqual([])
})

it('a thousand runs sleep side by side, each until its own time', async () => {
  const nap = workflow('nap', {
    run: async (flow, days: number) => {
      await flow.sleep(days * 86_400_000)
      return flow.now()
    },
  })
  app = await openTest([nap], { now: new Date(NOW) })
  const days = Array.from({ length: 1_000 }, (_, index) => index % 60)
  const runs = await Promise.all(days.map((day) => app.enqueue(nap, day)))
  const woke = await Promise.all(runs.map((run) => run.result()))
  expect(woke).toEqual(days.map((day) => NOW + day * 86_400_000))
})

it('stubs stand in for jobs, by kind', async () => {
  const buy = workflow('buy', { run: (flow, card: string) => flow.call(charge, card) })
  app = await openTest([buy, stub(charge, (card) => ({ id: `for ${card}` }))])
  expect(await app.run(buy, '4242')).toEqual({ id: 'for 4242' })
})

it('stubs stand in for workflows', async () => {
  const inner = workflow('inner', { run: (flow) => flow.signal<number>('never') })
  const outer = workflow('outer', { run: (flow) => flow.call(inner, undefined) })
  app = await openTest([outer, stub(inner, () => 7)])
  expect(await app.run(outer)).toBe(7)
})

it('attempts, back-off and snoozes of jobs go by the virtual clock', async () => {
  const seen: number[] = []
  const flaky = job('flaky', {
    retry: { attempts: 3, min: '1h', max: '1h', jitter: 0 },
    run: (_: undefined, { attempt }) => {
      seen.push(app.now())
      if (attempt === 1) return snooze('1d')
      if (attempt === 2) throw new Error('not yet')
      return 'done'
    },
  })
  app = await openTest([flaky], { now: NOW })
  expect(await app.run(flaky)).toBe('done')
  expect(seen).toEqual([NOW, NOW + 86_400_000, NOW + 90_000_000])
})

it('the back-off of a step takes no time either', async () => {
  const slow = workflow('slow', {
    run: (flow) =>
      flow.step(
        'flaky',
        ({ attempt }) => {
          if (attempt < 4) throw new Error('not yet')
          return attempt
        },
        { retry: { attempts: 4, min: '10m', max: '2h' } },
      ),
  })
  app = await openTest([slow])
  expect(await app.run(slow)).toBe(4)
})

it('a step that never ends runs into its time limit', async () => {
  const hang = workflow('hang', {
    run: (flow) => flow.step('hang', () => new Promise(() => {}), { timeout: '1h', retry: { attempts: 1 } }),
  })
  app = await openTest([hang], { patience: '10ms' })
  await expect(app.run(hang)).rejects.toMatchObject({ code: 'TIMEOUT' })
})

it('waits for what is real', async () => {
  const real = workflow('real', {
    run: async (flow) =>
      flow.race([
        flow.step('file', () => new Promise((resolve) => setTimeout(resolve, 50, 'read'))),
        flow.sleep('1s').then(() => 'slept'),
      ]),
  })
  app = await openTest([real])
  expect(await app.run(real)).toBe('read')
})

it('says by name what is missing instead of waiting for ever', async () => {
  const order = workflow('order', {
    run: async (flow) => {
      await flow.all([flow.signal('approved'), flow.call(charge, '4242')])
    },
  })
  app = await openTest([order])
  const run = await app.enqueue(order)
  const error = await run.result().catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ code: 'STUCK', data: { job: run.id } })
  expect((error as Error).message).toContain(
    `job ${run.id} 'order' waits for signal 'approved', child ${run.id + 1} 'charge'; ` +
      `job ${run.id + 1} 'charge' is ready, and no worker has its kind or queue`,
  )
})

it('says so of code that waits for something else than its flow', async () => {
  const lost = workflow('lost', { run: () => new Promise(() => {}) })
  app = await openTest([lost])
  await expect(app.run(lost)).rejects.toThrow(/job 1 'lost' runs, and goes on neither by itself nor/)
})

it('time stands still unless somebody waits, and goes as far as it is told', async () => {
  const beats: number[] = []
  const beat = workflow('beat', {
    run: async (flow: Flow) => {
      for (let count = 0; count < 10; count++) {
        await flow.sleep('1h')
        await flow.step(`beat ${count}`, () => void beats.push(app.now()))
      }
    },
  })
  app = await openTest([beat], { now: NOW })
  await app.enqueue(beat)
  await app.settle()
  expect(app.now()).toBe(NOW)
  await app.advance('3h30m')
  expect(app.now()).toBe(NOW + 12_600_000)
  expect(beats).toEqual([1, 2, 3].map((hour) => NOW + hour * 3_600_000))
})

it('a test may send signals while it waits', async () => {
  const ask = workflow('ask', { run: (flow) => flow.signal('answer', { timeout: '3d' }) })
  app = await openTest([ask])
  const run = await app.enqueue(ask)
  await app.advance('1d')
  await run.signal('answer', 42)
  expect(await run.result()).toBe(42)
})

it('children, signals between runs, undoing and cancels work as ever', async () => {
  const undone: string[] = []
  const saga = workflow('saga', {
    run: async (flow) => {
      await flow.step('a', () => 1, { undo: () => void undone.push('a') })
      await flow.sleep('1d')
      throw fatal('no')
    },
  })
  app = await openTest([saga])
  const failing = await app.enqueue(saga)
  expect(await failing.wait()).toMatchObject({ state: 'failed', error: { message: 'no' } })
  const cancelled = await app.enqueue(saga)
  await app.advance('1h')
  await cancelled.cancel()
  expect(await cancelled.wait()).toMatchObject({ state: 'cancelled' })
  expect(undone).toEqual(['a', 'a'])
})
