/** Workflows from the definition to the result, on the real engine and a real store. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type App, job, open, workflow } from '../index.ts'

let app: App
afterEach(() => app.close())

async function start(definitions: Parameters<App['work']>[0]): Promise<void> {
  app = await open('sqlite::memory:')
  app.work(definitions)
}

/** Resolves once a run sleeps: no attempt holds it any more. */
async function asleep(id: number): Promise<void> {
  while ((await app.get(id)).state !== 'suspended') await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('a workflow', () => {
  it('runs its steps and gives its result', async () => {
    const sum = workflow('sum', {
      run: async (flow, input: { numbers: number[] }) => {
        let total = 0
        for (const number of input.numbers) total = await flow.step(`add ${number}`, () => total + number)
        return { total }
      },
    })
    await start([sum])
    const run = await app.enqueue(sum, { numbers: [1, 2, 3, 4] })
    expect(await run.result()).toEqual({ total: 10 })
    expect(await app.client.check()).toEqual([])
  })

  it('sleeps without a worker, and goes on', async () => {
    const nap = workflow('nap', {
      run: async (flow) => {
        await flow.sleep('30ms')
        return 'rested'
      },
    })
    await start([nap])
    expect(await (await app.enqueue(nap)).result()).toBe('rested')
    expect(await app.client.check()).toEqual([])
  })

  it('calls jobs and other workflows, many at once', async () => {
    const double = job('double', { run: (number: number) => 2 * number })
    const inner = workflow('inner', { run: (flow, number: number) => flow.call(double, number) })
    const outer = workflow('outer', {
      run: (flow, numbers: number[]) => flow.all(numbers.map((number) => flow.call(inner, number))),
    })
    await start([double, inner, outer])
    const numbers = Array.from({ length: 50 }, (_, index) => index)
    expect(await (await app.enqueue(outer, numbers)).result()).toEqual(numbers.map((number) => 2 * number))
    expect(await app.client.check()).toEqual([])
  })

  it('waits for signals, and takes those that came before', async () => {
    const ask = workflow('ask', {
      run: async (flow) => [
        await flow.signal<string>('first'),
        await flow.signal('second'),
        await flow.signal('third', { timeout: '20ms' }),
      ],
    })
    await start([ask])
    const run = await app.enqueue(ask)
    await run.signal('second', 2)
    await asleep(run.id)
    expect(await run.signal('first', 'one')).toEqual({ isAwaited: true })
    expect(await run.result()).toEqual(['one', 2, null])
    expect(await app.client.check()).toEqual([])
  })

  it('waits for no signal that nobody could send', async () => {
    const deaf = workflow('deaf', { run: (flow) => flow.signal('two words') })
    const mute = workflow('mute', { run: (flow) => flow.send(flow.run, '!') })
    await start([deaf, mute])
    for (const definition of [deaf, mute]) {
      const run = await app.enqueue(definition)
      await expect(run.result()).rejects.toMatchObject({ code: 'INVALID_NAME' })
      await expect(run.signal('two words')).rejects.toMatchObject({ code: 'INVALID_NAME' })
    }
  })

  it('undoes what it did when it fails, last first', async () => {
    const done: string[] = []
    const order = workflow('order', {
      run: async (flow) => {
        await flow.step('charge', () => done.push('charge'), { undo: () => done.push('refund') })
        await flow.step('reserve', () => done.push('reserve'), { undo: () => done.push('free') })
        await flow.step(
          'ship',
          () => {
            throw new Error('no ship')
          },
          { retry: { attempts: 1 } },
        )
      },
    })
    await start([order])
    await expect((await app.enqueue(order)).result()).rejects.toThrow('no ship')
    expect(done).toEqual(['charge', 'reserve', 'free', 'refund'])
  })

  it('undoes what it did when it is cancelled', async () => {
    const done: string[] = []
    const order = workflow('order', {
      run: async (flow) => {
        await flow.step('charge', () => done.push('charge'), { undo: () => done.push('refund') })
        await flow.signal('never')
      },
    })
    await start([order])
    const run = await app.enqueue(order)
    await asleep(run.id)
    await run.cancel({ reason: 'changed my mind' })
    expect(await run.wait()).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    expect(done).toEqual(['charge', 'refund'])
    expect(await app.client.check()).toEqual([])
  })

  it('begins anew without the children that it did not wait for', async () => {
    const late = job('late', { run: () => new Promise((resolve) => setTimeout(resolve, 30, 'late')) })
    const again = workflow('again', {
      run: async (flow, input: { isSecond: boolean }) => {
        const first = flow.call(late, undefined)
        if (!input.isSecond)
          return flow.step('first', () => 1).then(() => flow.continueAsNew({ isSecond: true }))
        await flow.sleep('40ms')
        return [await first, await flow.step('last', () => 'last')]
      },
    })
    await start([late, again])
    expect(await (await app.enqueue(again, { isSecond: false })).result()).toEqual(['late', 'last'])
  })

  it('continues as new', async () => {
    const count = workflow('count', {
      run: async (flow, input: { left: number; sum: number }) => {
        const sum = await flow.step('add', () => input.sum + input.left)
        if (input.left === 0) return sum
        return flow.continueAsNew({ left: input.left - 1, sum })
      },
    })
    await start([count])
    expect(await (await app.enqueue(count, { left: 5, sum: 0 })).result()).toBe(15)
    expect(await app.client.check()).toEqual([])
  })
})

it('runs over the socket of whoever owns the store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-workflow-'))
  try {
    const nap = workflow('nap', {
      run: async (flow) => [await flow.step('first', () => 1), await flow.signal('over')],
    })
    app = await open(`sqlite:${join(folder, 'app.db')}`)
    await using elsewhere = await open(`unix:${join(folder, 'app.db.sock')}`)
    elsewhere.work([nap])
    const run = await app.enqueue(nap)
    await asleep(run.id)
    expect(await elsewhere.job(run.id).signal('over', 2)).toEqual({ isAwaited: true })
    expect(await run.result()).toEqual([1, 2])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('children belong to the namespace of their run', async () => {
  const inner = job('inner', { run: (_: null, ctx) => ctx.namespace })
  const outer = workflow('outer', {
    run: async (flow) => [
      await flow.call(inner, null),
      await flow.call(inner, null, { enqueue: { namespace: 'other' } }),
    ],
  })
  await start([inner, outer])
  const run = await app.enqueue(outer, undefined, { namespace: 'acme' })
  expect(await run.result()).toEqual(['acme', 'other'])
})

it('a kind is that of one definition', async () => {
  app = await open('memory:')
  const run = () => 1
  expect(() => app.work([job('twice', { run }), workflow('twice', { run })])).toThrow(/of one kind each/)
})
