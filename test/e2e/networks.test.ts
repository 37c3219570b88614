/**
 * Clients and workers behind networks that cut, swallow and trickle, and workers that are killed, paused and drained.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type App, draft, job, type OpenOptions, open } from '../../src/index.ts'
import { type NodeProcess, startNodeProcess } from './testdata/node-process.ts'
import { Sandbox } from './testdata/sandbox.ts'
import { TcpProxy, type Weather } from './testdata/tcp-proxy.ts'

const WORKER = fileURLToPath(new URL('./testdata/worker.ts', import.meta.url))

let sandbox: Sandbox
let node: NodeProcess
let proxy: TcpProxy
const cleanups: (() => unknown)[] = []

beforeEach(async () => {
  sandbox = new Sandbox('networks')
  node = await startNodeProcess(sandbox.path('store.db'))
  proxy = await TcpProxy.open(node.port)
  cleanups.push(
    () => sandbox.close(),
    () => node.child.kill('SIGKILL'),
    () => proxy.close(),
  )
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function connect(url: string, options?: OpenOptions): Promise<App> {
  const app = await open(url, options)
  cleanups.push(() => app.close())
  return app
}

const double = job('double', { run: async (input: number) => input * 2 })

describe('a network that breaks', () => {
  it('again and again, before a worker has its session back, leaves no worker behind', async () => {
    const app = await connect(node.url)
    const worker = await connect(proxy.url)
    worker.work([double], { concurrency: 4 }).on('error', () => {})
    const handles = []
    for (let round = 0; round < 40; round++) {
      handles.push(await app.enqueue(double, round))
      proxy.cut()
    }
    const results = await Promise.all(handles.map((handle) => handle.result()))
    expect(results).toEqual(handles.map((_, round) => round * 2))
  })

  it.each<Weather>(['swallow', 'swallow-requests', 'swallow-answers'])(
    'by %s fails calls at their deadline, and says what is known of them',
    async (weather) => {
      const app = await connect(proxy.url, { timeout: '1500ms' })
      const { id } = await app.enqueue(double, 1)
      proxy.weather = weather
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
      proxy.weather = 'calm'
      proxy.cut()
      // the first may still meet the connection that was cut
      const read = () => app.get(id).then((found) => found.id, String)
      await expect.poll(read, { timeout: 60_000 }).toBe(id)
    },
  )
})

describe('a worker that', () => {
  it.each<[string, NodeJS.Signals, number, number]>([
    ['is killed loses its job to another one within its lease and a second', 'SIGKILL', 2_000, 3_000],
    ['is paused loses its job to another one within its lease and a second', 'SIGSTOP', 2_000, 3_000],
    ['is drained gives its job to another one at once, however long its lease', 'SIGTERM', 60_000, 10_000],
  ])('%s', async (_, signal, leaseMs, mostMs) => {
    const app = await connect(node.url)
    const env = { PERDURE_URL: node.url }
    const where = job('where', { timeout: { lease: `${leaseMs}ms` }, retry: { attempts: 5, min: '1ms' } })
    const running = app.client.watch({})[Symbol.asyncIterator]()
    const handle = await app.enqueue(where, null)
    const first = sandbox.node([WORKER], { env })
    for (let state = ''; state !== 'running'; ) state = (await running.next()).value.state
    await running.return?.()
    const second = sandbox.node([WORKER], { env })
    while ((await app.client.workers()).length < 2) await new Promise((resolve) => setTimeout(resolve, 20))
    first.child.kill(signal)
    const killedAt = Date.now()
    expect(await handle.result()).toBe(second.child.pid)
    // by the clock of the node, so that how long the others take to hear of it on a busy machine does not count
    const again = (await app.get(handle.id)).history.at(-1)
    expect((again?.startedAt ?? 0) - killedAt).toBeLessThan(mostMs)
    first.child.kill('SIGKILL')
  })
})

describe('a client that reads a byte a second', () => {
  const resident = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.child.pid}/status`, 'utf8'))?.[1]) / 1024

  it('costs the node a bounded buffer, and the others nothing', async () => {
    const app = await connect(node.url)
    const slow = await connect(proxy.url)
    const watching = Array.from({ length: 50 }, () => slow.client.watch({})[Symbol.asyncIterator]())
    proxy.weather = 'trickle'
    const batch = (size: number) => app.enqueueMany(Array.from({ length: size }, (_, n) => draft(double, n)))
    await batch(2_000)
    const before = resident()
    for (let round = 0; round < 20; round++) await batch(1_000)
    // 50 watchers of 20,000 events each would be hundreds of MB
    expect(resident() - before).toBeLessThan(150)
    expect((await app.counts())[0]?.states.ready).toBe(22_000)
    for (const watcher of watching) void watcher.return?.()
  })
})
