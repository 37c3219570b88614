/**
 * Clients and workers behind networks that break again and again, or swallow what is sent.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { job } from '../../src/index.ts'
import { NodeBehindProxy } from './testdata/node-behind-proxy.ts'
import type { Weather } from './testdata/tcp-proxy.ts'

let world: NodeBehindProxy

beforeEach(async () => {
  world = await NodeBehindProxy.start()
})
afterEach(() => world.close())

/** How a call ended. */
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  )

const slow = job('slow', { timeout: { lease: '1s' }, retry: { attempts: 3, min: '1ms' } })
const double = job('double', { run: async (input: number) => input * 2 })

describe('a network that breaks', () => {
  it('again and again, before a worker has its session back, leaves no worker behind', async () => {
    const app = await world.connect(world.node.url)
    const worker = await world.connect(world.proxy.url)
    worker.work([double], { concurrency: 4 }).on('error', () => {})
    const handles = []
    for (let round = 0; round < 40; round++) {
      handles.push(await app.enqueue(double, round))
      world.proxy.cut()
    }
    const results = await Promise.all(handles.map((handle) => handle.result()))
    expect(results).toEqual(handles.map((_, round) => round * 2))
  })

  it.each<Weather>(['swallow', 'swallow-requests', 'swallow-answers'])(
    'by %s fails calls at their deadline, and says what is known of them',
    async (weather) => {
      const app = await world.connect(world.proxy.url, { timeout: '1500ms' })
      const { id } = await app.enqueue(double, 1)
      world.proxy.weather = weather
      const began = performance.now()
      const codes = [app.get(id), app.hold(id), app.enqueue(double, 2)].map((call) =>
        call.then(
          () => 'answered',
          (error: { code: string }) => error.code,
        ),
      )
      expect(await Promise.all(codes)).toEqual(['UNAVAILABLE', 'UNKNOWN_OUTCOME', 'UNKNOWN_OUTCOME'])
      // long before the usual deadline
      expect(performance.now() - began).toBeLessThan(10_000)
      world.proxy.weather = 'calm'
      world.proxy.cut()
      // the first may still meet the connection that was cut
      const read = () => app.get(id).then((found) => found.id, String)
      await expect.poll(read, { timeout: 60_000 }).toBe(id)
    },
  )
})

describe('a network that swallows everything both ways', () => {
  it('costs a worker its leases, and what it reports later is not taken', async () => {
    const app = await world.connect(world.node.url)
    const { id } = await app.enqueue(slow, 1)
    const far = await world.connect(world.proxy.url)
    const lost = await far.client.openWorker({ name: 'lost', host: 'a.example', pid: 1 })
    const [first] = await lost.poll({ queues: ['default'], kinds: ['slow'], slots: 1 })
    world.proxy.weather = 'swallow'
    const near = await app.client.openWorker({ name: 'near', host: 'b.example', pid: 2 })
    const [second] = await near.poll({ queues: ['default'], kinds: ['slow'], slots: 1 })
    expect([first, second]).toMatchObject([
      { job: id, attempt: 1 },
      { job: id, attempt: 2 },
    ])
    // nobody has ended the connections: the bytes that were swallowed are missing in them
    world.proxy.cut()
    world.proxy.weather = 'calm'
    const outcome = { type: 'succeeded', result: 'late' } as const
    expect(await lost.report([{ token: first?.token ?? '', outcome }])).toEqual([false])
    const own = { token: second?.token ?? '', outcome: { type: 'succeeded', result: 'right' } } as const
    expect(await near.report([own])).toEqual([true])
    expect(await app.get(id)).toMatchObject({ state: 'succeeded', result: 'right', attempts: 2 })
    await near.close()
  })

  it('leaves no client waiting, nor in doubt about what it may repeat', async () => {
    const app = await world.connect(world.node.url)
    const far = await world.connect(world.proxy.url, { timeout: '3s' })
    const { id } = await app.enqueue(slow, 1)
    await far.get(id)
    world.proxy.weather = 'swallow-answers'
    const calls = [
      far.client.get(id),
      far.client.control(id, { verb: 'hold' }),
      far.client.enqueue([{ kind: 'slow', key: 'one' }]),
    ]
    expect(await Promise.all(calls.map(codeOf))).toEqual([
      'UNAVAILABLE',
      'UNKNOWN_OUTCOME',
      'UNKNOWN_OUTCOME',
    ])
    // it did take effect, which only the node could know
    while ((await app.get(id)).state !== 'held');
    world.proxy.cut()
    world.proxy.weather = 'calm'
    const [again] = await far.client.enqueue([{ kind: 'slow', key: 'one' }])
    expect(again).toMatchObject({ created: false })
    expect(await app.counts()).toMatchObject([{ states: { held: 1, ready: 1 } }])
  })
})
