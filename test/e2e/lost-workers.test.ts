/**
 * Workers that are killed, paused, drained, or take new code under load: their jobs go on elsewhere, and none twice.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { job } from '../../src/index.ts'
import { NodeBehindProxy } from './testdata/node-behind-proxy.ts'

const WORKER = fileURLToPath(new URL('./testdata/worker.ts', import.meta.url))

let world: NodeBehindProxy

beforeEach(async () => {
  world = await NodeBehindProxy.start()
})
afterEach(() => world.close())

describe('a worker that', () => {
  it.each<[string, NodeJS.Signals, number, number]>([
    ['is killed loses its job to another one within its lease and a second', 'SIGKILL', 2_000, 3_000],
    ['is paused loses its job to another one within its lease and a second', 'SIGSTOP', 2_000, 3_000],
    ['is drained gives its job to another one at once, however long its lease', 'SIGTERM', 60_000, 10_000],
  ])('%s', async (_, signal, leaseMs, mostMs) => {
    const app = await world.connect(world.node.url)
    const env = { PERDURE_URL: world.node.url }
    const where = job('where', { timeout: { lease: `${leaseMs}ms` }, retry: { attempts: 5, min: '1ms' } })
    const running = app.client.watch({})[Symbol.asyncIterator]()
    const handle = await app.enqueue(where, null)
    const first = world.sandbox.node([WORKER], { env })
    for (let state = ''; state !== 'running'; ) state = (await running.next()).value.state
    await running.return?.()
    const second = world.sandbox.node([WORKER], { env })
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

describe('workers that take new code under load', () => {
  it('lose no job and do none twice, with connections that break meanwhile', async () => {
    const done = world.sandbox.path('done')
    const worker = world.sandbox.start(['worker', '--supervised', '-j', '3', '--url', world.proxy.url])
    await worker.says('Working on default')
    const app = await world.connect(world.proxy.url)
    const isOver = new AbortController()
    const ids: number[] = []
    const lane = async (): Promise<void> => {
      while (!isOver.signal.aborted) {
        const input = { script: `echo $PERDURE_JOB >> '${done}'` }
        const [made] = await app.client.enqueue([{ kind: 'shell', input }])
        ids.push(made?.id as number)
        const { state } = await app.client.wait(made?.id as number)
        expect(state).toBe('succeeded')
      }
    }
    const lanes = Promise.all([lane(), lane(), lane(), lane()])
    // whoever fails ends the test, and not only its own lane
    const under = (act: Promise<unknown>) => Promise.race([act, lanes])
    for (let reload = 1; reload <= 2; reload += 1) {
      worker.child.kill('SIGHUP')
      await under(worker.says('The successor works', reload))
      world.proxy.cut()
      const target = ids.length + 10
      while (ids.length < target) await under(new Promise((resolve) => setTimeout(resolve, 10)))
    }
    isOver.abort()
    await lanes
    const runs = existsSync(done) ? readFileSync(done, 'utf8').trim().split('\n').map(Number) : []
    expect(runs.sort((a, b) => a - b)).toEqual(ids.sort((a, b) => a - b))
    // a lease that never reached its worker is given back, which costs the job no try
    const { jobs } = await app.client.list({ limit: 1_000 })
    expect(jobs.filter(({ attemptsSinceRestart }) => attemptsSinceRestart !== 1)).toEqual([])
    expect(await worker.end()).toBe(0)
  })
})
