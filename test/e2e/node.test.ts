/**
 * A node as a process: killed, restarted, drained, and behind a network that cuts, delays and swallows.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { draft, job } from '../../src/index.ts'
import { NodeBehindProxy } from './testdata/node-behind-proxy.ts'

let world: NodeBehindProxy

beforeEach(async () => {
  world = await NodeBehindProxy.start()
})

afterEach(() => world.close())

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const double = job('double', { run: async (input: number) => input * 2 })

describe('a node', () => {
  it('runs jobs that one process enqueues and another one works on', async () => {
    const producer = await world.connect()
    const consumer = await world.connect()
    consumer.work([double], { concurrency: 50 })
    const handles = await Promise.all(Array.from({ length: 500 }, (_, n) => producer.enqueue(double, n)))
    const results = await Promise.all(handles.map((handle) => handle.result()))
    expect(results).toEqual(Array.from({ length: 500 }, (_, n) => n * 2))
    expect(await producer.client.check()).toEqual([])
  })

  it('keeps every acknowledged job through kills and cuts, and makes none twice', async () => {
    const app = await world.connect()
    const worker = await world.connect()
    const runs = new Map<number, number>()
    const count = job('count', {
      timeout: { lease: '1s' },
      run: async (n: number) => void runs.set(n, (runs.get(n) ?? 0) + 1),
    })
    worker.work([count], { concurrency: 20 })
    let next = 0
    const isOver = new AbortController()
    const lane = async (): Promise<void> => {
      while (!isOver.signal.aborted) await app.enqueue(count, next++)
    }
    const lanes = Array.from({ length: 8 }, lane)
    for (let round = 0; round < 3; round++) {
      const target = next + 50
      while (next < target) await new Promise((resolve) => setImmediate(resolve))
      if (round % 2 === 0) world.proxy.cut()
      else await world.restart()
    }
    isOver.abort()
    // a call that broke is repeated under the id of its first sending: none fails, and none counts twice
    await Promise.all(lanes)
    while ((await app.counts())[0]?.states.succeeded !== next) await pause(20)
    const counted = (await app.counts()).flatMap(({ states }) => Object.values(states))
    expect(counted.reduce((sum, jobs) => sum + jobs, 0)).toBe(next)
    expect([...runs.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: next }, (_, n) => n))
    expect(await app.client.check()).toEqual([])
  })

  it('answers what it is doing, and ends, when it is asked to', async () => {
    const app = await world.connect(world.node.url)
    const handle = await app.enqueue(double, 21)
    expect(await world.restart('SIGTERM')).toBe(0)
    const again = await world.connect(world.node.url)
    expect((await again.get(handle.id)).state).toBe('ready')
  })

  it('tells a call that changes something from one that does not when its answer is lost', async () => {
    const app = await world.connect()
    const { id } = await app.enqueue(double, 1)
    world.proxy.weather = 'swallow'
    const read = app.client.get(id).catch((error: { code: string }) => error.code)
    const write = app.client.control(id, { verb: 'hold' }).catch((error: { code: string }) => error.code)
    await new Promise((resolve) => setImmediate(resolve))
    world.proxy.cut()
    world.proxy.weather = 'calm'
    expect([await read, await write]).toEqual(['UNAVAILABLE', 'UNKNOWN_OUTCOME'])
    expect((await app.get(id)).id).toBe(id)
  })

  it('notices a network that swallows everything', async () => {
    const app = await world.connect()
    const { id } = await app.enqueue(double, 1)
    world.proxy.weather = 'swallow'
    // nothing is cut here: the client finds out by itself that nobody answers
    await expect(app.client.get(id)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    world.proxy.cut()
    world.proxy.weather = 'calm'
    expect((await app.get(id)).id).toBe(id)
  })

  it('goes on when everything takes longer', async () => {
    world.proxy.delayMs = 40
    const app = await world.connect()
    app.work([double], { concurrency: 10 })
    const handles = await app.enqueueMany(Array.from({ length: 100 }, (_, n) => draft(double, n)))
    expect(await Promise.all(handles.map((handle) => handle.result()))).toHaveLength(100)
  })

  it('gives the jobs of a killed worker to another one within its lease', async () => {
    const app = await world.connect()
    const slow = job('slow', { timeout: { lease: '1s' }, retry: { attempts: 3, min: '1ms' } })
    const { id } = await app.enqueue(slow, 1)
    const dead = await app.client.openWorker({ name: 'dead', host: 'elsewhere.example', pid: 1 })
    const [lease] = await dead.poll({ queues: ['default'], kinds: ['slow'], slots: 1 })
    expect(lease?.job).toBe(id)
    const leasedAt = performance.now()
    // closing it without a report is what its death looks like from here: nobody renews the lease
    await dead.close()
    const alive = await app.client.openWorker({ name: 'alive', host: 'elsewhere.example', pid: 2 })
    const [second] = await alive.poll({ queues: ['default'], kinds: ['slow'], slots: 1 })
    expect(second).toMatchObject({ job: id, attempt: 2 })
    expect(performance.now() - leasedAt).toBeLessThan(2_500)
    await alive.close()
  })

  it('serves the command line over its socket and its port alike', async () => {
    const overPort = await world.connect(world.node.url)
    const overSocket = await world.connect(`unix:${world.file}.sock`)
    const { id } = await overPort.enqueue(double, 1)
    expect((await overSocket.get(id)).kind).toBe('double')
  })
})
