/** Forks: what had been done is not done again, and the run that they come from stays as it is. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { forkRun } from '../client/embedded/fork.ts'
import { connectNode } from '../client/remote/dial-node.ts'
import { App, job, open, workflow } from '../index.ts'
import { serveHttp } from '../server/http/serve.ts'
import { openTest, type TestApp } from '../testing/index.ts'
import { timelineOf } from '../workflow/timeline.ts'
import { readHistory } from './history.ts'

let app: TestApp
let calls: string[]
let works: boolean
const ship = job('ship', { run: (item: string) => void calls.push(`ship ${item}`) })
const order = workflow('order', {
  priority: -3,
  run: async (flow, item: string) => {
    await flow.step('charge', () => void calls.push('charge'), { undo: () => void calls.push('refund') })
    await flow.sleep('1d')
    await flow.step(
      'reserve',
      () => {
        if (!works) throw new Error('nothing left')
        calls.push(`reserve ${item}`)
      },
      { retry: { attempts: 1 } },
    )
    await flow.call(ship, item)
    return item
  },
})

beforeEach(async () => {
  calls = []
  works = false
  app = await openTest([order, ship])
})
afterEach(() => app.close())

it('a failed run goes on as another, from what failed', async () => {
  const failed = await app.enqueue(order, 'lamp', { metadata: { shop: 'a' } })
  expect(await failed.wait()).toMatchObject({ state: 'failed' })
  const before = await app.get(failed)
  works = true
  const fork = await app.fork<string>(failed)
  expect(await fork.result()).toBe('lamp')
  expect(calls).toEqual(['charge', 'refund', 'reserve lamp', 'ship lamp'])
  expect(await app.get(fork)).toMatchObject({
    ...{
      kind: 'order',
      priority: -3,
      metadata: { shop: 'a', forkOf: `${failed.id}` },
      attemptsSinceRestart: 1,
    },
  })
  expect(await app.get(failed)).toEqual(before)
  expect(await app.client.check()).toEqual([])
})

it('from a place that is named, with another input', async () => {
  works = true
  const run = await app.enqueue(order, 'lamp')
  await run.result()
  calls.length = 0
  const fork = await app.fork<string>(run, { from: 2, input: 'chair' })
  expect(await fork.result()).toBe('chair')
  expect(calls).toEqual(['reserve chair', 'ship chair'])
})

it('what was taken over is undone where the fork fails or is cancelled', async () => {
  works = true
  const run = await app.enqueue(order, 'lamp')
  await run.result()
  calls.length = 0
  works = false
  const failing = await app.fork(run, { from: 2 })
  expect(await failing.wait()).toMatchObject({ state: 'failed' })
  const cancelled = await app.fork(run, { from: 1 })
  await app.advance('1h')
  await cancelled.cancel()
  expect(await cancelled.wait()).toMatchObject({ state: 'cancelled' })
  expect(calls).toEqual(['refund', 'refund'])
  expect(await app.client.check()).toEqual([])
})

it('a run that begins anew while it is read is read again', async () => {
  const round = workflow('round', {
    run: async (flow, number: number) => {
      await flow.step('begin', () => void calls.push(`round ${number}`))
      if (number > 0) return `round ${number}`
      await flow.sleep('1d')
      return await flow.continueAsNew(number + 1)
    },
  })
  app.work([round])
  const run = await app.enqueue(round, 0)
  await app.advance('1h')
  const { client } = app
  let reads = 0
  const id = await forkRun(
    {
      get: async (job) => {
        if (reads++ === 0) await run.result()
        return client.get(job)
      },
      import: (jobs) => client.import(jobs),
      workflows: client.workflows,
    },
    run.id,
    {},
    0,
  )
  expect(reads).toBe(2)
  expect(await app.get(id)).toMatchObject({ input: 1 })
  expect(await client.wait(id)).toMatchObject({ result: 'round 1' })
  expect(calls).toEqual(['round 0', 'round 1'])
})

it('a run of a node is forked from elsewhere', async () => {
  const owner = await open('sqlite::memory:')
  const served = await serveHttp(owner.client, { host: '127.0.0.1', port: 0 })
  const remote = new App(await connectNode({ url: served.url }))
  try {
    works = true
    const short = workflow('short', {
      run: async (flow, item: string) => {
        await flow.step('charge', () => void calls.push('charge'))
        return await flow.step('pack', () => `${item} in paper`)
      },
    })
    remote.work([short])
    const run = await remote.enqueue(short, 'lamp')
    await run.result()
    expect(await (await remote.fork(run, { from: 1, input: 'chair' })).result()).toBe('chair in paper')
    expect(calls).toEqual(['charge'])
  } finally {
    await remote.close()
    await served.close()
    await owner.close()
  }
})

it('whatever the code calls what it does, it goes along', async () => {
  const names = ['a step of words', 'café #2', 'x'.repeat(128)]
  const named = workflow('named', {
    run: async (flow) => {
      for (const name of names) await flow.step(name, () => void calls.push(name))
    },
  })
  app.work([named])
  const run = await app.enqueue(named)
  await run.result()
  await (await app.fork(run)).result()
  expect(calls).toEqual(names)
})

it('a fork is for workers of any version, or of the one that is named', async () => {
  const run = await app.enqueue(order, 'lamp', { requires: { labels: ['gpu', 'version:order=1'] } })
  const labels = async (id: number) => (await app.get(id)).options.requires
  expect(await labels(await app.client.workflows.fork(run.id))).toEqual({ labels: ['gpu'] })
  expect(await labels(await app.client.workflows.fork(run.id, { version: '2' }))).toEqual({
    labels: ['gpu', 'version:order=2'],
  })
  const plain = await app.enqueue(order, 'lamp', { requires: { labels: ['version:order=1'] } })
  expect(await labels(await app.client.workflows.fork(plain.id))).toBeUndefined()
})

it('what a fork is not given well is refused', async () => {
  const { workflows } = app.client
  const run = await app.enqueue(order, 'lamp')
  const invalid = { code: 'INVALID_OPTION' }
  await expect(workflows.fork(run.id, { from: -1 })).rejects.toMatchObject(invalid)
  await expect(workflows.fork(run.id, { version: 'a b' })).rejects.toMatchObject(invalid)
  await expect(workflows.fork(run.id, [] as never)).rejects.toMatchObject(invalid)
})

it('a run that there is not cannot be forked, and a journal that makes no sense is refused', async () => {
  await expect(app.fork(99)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const entry = { position: 0, kind: 'wish', state: 'done', name: 'a', at: 1 } as const
  const spec = { kind: 'order', createdAt: 1, state: 'ready', journal: [entry] } as const
  await expect(app.client.import([spec])).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

it('what was done under a lock is not done again, whether it was given back or not', async () => {
  const shared = workflow('shared', {
    run: async (flow, item: string) => {
      await flow.lock('door', (own) => own.step('open', () => void calls.push('open')))
      return flow.lock('till', async (own) => {
        await own.step('count', () => void calls.push('count'))
        await own.signal('pay')
        await own.step('note', () => void calls.push(`note ${item}`))
      })
    },
  })
  app.work([shared])
  const first = await app.enqueue(shared, 'a')
  await app.advance('1s')
  const fork = await app.fork<number>(first, { input: 'b' })
  await app.advance('1s')
  // the first run has the lock: before it has given it back, the fork does nothing
  expect(await app.get(fork)).toMatchObject({ state: 'suspended' })
  await fork.signal('pay')
  await first.signal('pay')
  await fork.result()
  expect(calls).toEqual(['open', 'count', 'note a', 'note b'])
})

it('a fork gets in line for one lock after another, as its code does', async () => {
  const nested = workflow('nested', {
    run: (flow) => flow.lock('outer', (own) => own.lock('inner', (both) => both.signal('go'))),
  })
  app.work([nested])
  const first = await app.enqueue(nested)
  const second = await app.enqueue(nested)
  await app.advance('1s')
  const fork = await app.fork<number>(first)
  for (const [run, value] of [
    [first, 1],
    [second, 2],
    [fork, 3],
  ] as const) {
    await run.signal('go', value)
    expect(await run.result()).toBe(value)
  }
})

it('where the code went on by the id of a job that was open, it goes on by that of another', async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
  const asks = workflow('asks', {
    run: async (flow) => {
      const slow = flow.branch(async (own) => {
        await own.step('slow', () => gates[0].promise)
        await own.step('next', () => gates[1].resolve())
        await own.signal('end')
      })
      const { id, result } = flow.spawn(waits, 'x')
      const told = flow.branch(async (own) => {
        const job = await id
        // begins before the other branch goes on, and ends behind it
        await own.step('tell', () => {
          calls.push(`tell ${job}`)
          gates[0].resolve()
          return gates[1].promise
        })
      })
      await flow.all([slow, told, result])
      return await id
    },
  })
  const waits = workflow('waits', { run: (flow) => flow.signal('go') })
  app.work([asks, waits])
  const first = await app.enqueue(asks)
  await app.advance('1s')
  const fork = await app.fork<number>(first)
  await app.advance('1s')
  const { jobs } = await app.list({ kind: 'waits' })
  const [job] = jobs.filter(({ parent }) => parent === fork.id)
  await app.client.workflows.signal(job?.id ?? 0, 'go', 1)
  await fork.signal('end')
  expect(await fork.result()).toBe(job?.id)
  expect(calls).toEqual([`tell ${first.id + 1}`])
  const timeline = timelineOf((await readHistory(app.client, fork.id)).journal, 0)
  expect(timeline.find(({ kind }) => kind === 'child')).toMatchObject({ child: job?.id, state: 'done' })
})

it('an update that was carried out is not carried out again', async () => {
  const counts = workflow('counts', {
    run: async (flow) => {
      let sum = 0
      flow.update('add', async (more: number) => {
        const before = sum
        sum = await flow.step(`add ${more}`, () => {
          calls.push(`add ${more}`)
          return before + more
        })
        return sum
      })
      await flow.lock('vault', () => flow.sleep('1d'))
      return sum
    },
  })
  app.work([counts])
  const first = await app.enqueue(counts)
  await app.advance('1s')
  expect([await first.update('add', 1), await first.update('add', 2)]).toEqual([1, 3])
  await first.result()
  const fork = await app.fork<number>(first)
  expect(await fork.result()).toBe(3)
  const behindOne = await app.fork<number>(first, { from: 5 })
  expect(await behindOne.result()).toBe(1)
  expect(calls).toEqual(['add 1', 'add 2'])
})
