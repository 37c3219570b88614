/**
 * Clients that ask for more than they read: what they cost the node, and what they cost the others.
 *
 * Times are compared with those of the same minute, and the best of several rounds counts: a machine that is busy with other
 * things harms some rounds, a mistake all of them.
 */
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectNode } from '../../src/client/remote/dial-node.ts'
import { type App, draft, job } from '../../src/index.ts'
import { NodeBehindProxy } from './testdata/node-behind-proxy.ts'

let world: NodeBehindProxy

beforeEach(async () => {
  world = await NodeBehindProxy.start()
})
afterEach(() => world.close())

const idle = job('idle')
const GREEDY = fileURLToPath(new URL('./testdata/greedy-client.ts', import.meta.url))

describe('a client that reads a byte a second', () => {
  it('costs the node a bounded buffer, and the others nothing', async () => {
    const app = await world.connect(world.node.url)
    const slow = await world.connect(world.proxy.url)
    const watching = Array.from({ length: 50 }, () => slow.client.watch({})[Symbol.asyncIterator]())
    world.proxy.weather = 'trickle'
    const batch = (size: number) => app.enqueueMany(Array.from({ length: size }, (_, n) => draft(idle, n)))
    await batch(2_000)
    const before = world.residentMb()
    for (let round = 0; round < 20; round++) await batch(1_000)
    // 50 watchers of 20,000 events each would be hundreds of MB
    expect(world.residentMb() - before).toBeLessThan(150)
    expect((await app.counts())[0]?.states.ready).toBe(22_000)
    for (const watcher of watching) void watcher.return?.()
  })
})

const ROUNDS = 8
/** Enqueues of a round. */
const CALLS = 400

/** The 99th percentile of the time that an awaited enqueue takes, four at a time, ms. */
async function percentile(app: App): Promise<number> {
  const times: number[] = []
  const lane = async (): Promise<void> => {
    for (let call = 0; call < CALLS / 4; call += 1) {
      const begun = performance.now()
      await app.enqueue(idle, call)
      times.push(performance.now() - begun)
    }
  }
  await Promise.all([lane(), lane(), lane(), lane()])
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] as number
}

/** By how much the 99th percentile grows beside what is begun: the least of several rounds. */
async function leastGrowth(app: App, begin: () => Promise<() => Promise<void>>): Promise<number> {
  await percentile(app)
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS && Math.min(...ratios) > 1.5; round += 1) {
    const alone = await percentile(app)
    const end = await begin()
    const beside = await percentile(app)
    await end()
    ratios.push(beside / alone)
  }
  return Math.min(...ratios)
}

describe('clients that do not read what they asked for', () => {
  /** Somebody who asks for much, and then hardly reads. Answers how it ends. */
  async function stuckClient(): Promise<() => Promise<void>> {
    world.proxy.weather = 'calm'
    const client = await connectNode({ url: world.proxy.url })
    const stop = new AbortController()
    const streams = Array.from({ length: 4 }, () => client.watch({}, stop.signal)[Symbol.asyncIterator]())
    for (const stream of streams) void stream.next().catch(() => {})
    await client.position()
    world.proxy.weather = 'trickle'
    // answers of megabytes, which nobody takes
    for (let list = 0; list < 20; list += 1) client.list({ limit: 1_000 }).catch(() => {})
    return async () => {
      stop.abort()
      world.proxy.cut()
      await client.close()
    }
  }

  it('hold up nobody else: the slowest of a hundred calls is not slower by half', async () => {
    const app = await world.connect(world.node.url)
    const growth = await leastGrowth(app, async () => {
      const end = await stuckClient()
      // what it asked for is work like any other; then nobody takes the answers
      await percentile(app)
      return end
    })
    expect(growth).toBeLessThanOrEqual(1.5)
    expect(await app.client.check()).toEqual([])
  })
})

describe('a client that asks for many large lists at once, again and again', () => {
  it('holds up nobody else: the slowest of a hundred calls is not slower by half', async () => {
    const app = await world.connect(world.node.url)
    await app.enqueueMany(Array.from({ length: 5_000 }, (_, n) => draft(idle, n)))
    const growth = await leastGrowth(app, async () => {
      const greedy = world.sandbox.node([GREEDY], { env: { PERDURE_URL: world.node.url } })
      await greedy.says('list', 5)
      return async () => {
        greedy.child.kill('SIGKILL')
        await greedy.ended
      }
    })
    expect(growth).toBeLessThanOrEqual(1.5)
  })
})
