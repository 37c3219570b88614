import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Client, WorkerNotice } from '../client/client.ts'
import { connectSocket } from '../client/remote/remote.ts'
import { serveSocket } from './socket.ts'
import { FakeClient, type FakeSession } from './testdata/fake-client.ts'

let folder: string
let path: string
let fake: FakeClient
const cleanups: (() => unknown)[] = []
const info = { name: 'w', host: 'h', pid: 1 }
const anything = { queues: ['default'], kinds: ['a'], slots: 5 }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-sessions-'))
  path = join(folder, 'p.sock')
  fake = new FakeClient()
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  rmSync(folder, { recursive: true, force: true })
})

async function serve(lingerMs = 10_000): Promise<void> {
  const served = await serveSocket(fake, path, { lingerMs })
  cleanups.push(() => served.close())
}

async function client(at = path): Promise<Client> {
  const connected = await connectSocket(at)
  cleanups.push(() => connected.close())
  return connected
}

const first = (): FakeSession => fake.sessions[0] as FakeSession
const news = (session: FakeSession, type: string): Promise<unknown> => once(session.news, type)

/** Passes bytes to the served socket; `cut` breaks what is open, `deaf` stops the answers first. */
async function proxy(): Promise<{ at: string; cut(): void; deafen(): void }> {
  const at = join(folder, 'proxy.sock')
  let pairs: Socket[][] = []
  let deaf = false
  const server = createServer((near) => {
    const far = connect(path)
    pairs.push([near, far])
    near.on('data', (chunk) => far.write(chunk))
    far.on('data', (chunk) => deaf || near.write(chunk))
    for (const socket of [near, far]) socket.on('error', () => {})
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  }).listen(at)
  await once(server, 'listening')
  const cut = () => {
    for (const socket of pairs.flat()) socket.destroy()
    pairs = []
    deaf = false
  }
  cleanups.push(() => {
    cut()
    server.close()
  })
  return { at, cut, deafen: () => (deaf = true) }
}

it('a worker polls, reports, logs and tells its progress over the socket', async () => {
  await serve()
  const session = await (await client()).openWorker(info)
  const parked = session.poll(anything)
  await fake.enqueue([{ kind: 'a', input: { n: 1 } }])
  const [lease] = await parked
  expect(lease).toMatchObject({ job: 1, input: '{"n":1}' })
  const token = lease?.token ?? ''
  await session.log([{ token, stream: 'stdout', text: 'hello' }])
  const progressed = news(first(), 'progress')
  session.progress(token, 0.5, 'half')
  await progressed
  expect(await session.heartbeat([token])).toEqual({ lost: [] })
  expect(
    await session.report([
      { token, outcome: { type: 'succeeded', result: 3 } },
      { token: 'x', outcome: { type: 'released' } },
    ]),
  ).toEqual([true, false])
  expect(first().output).toEqual(['hello'])
  expect(first().progressed).toEqual([[token, 0.5, 'half']])
  const closed = news(first(), 'close')
  await session.close()
  await closed
})

it('a poll that is aborted resolves empty, and leases that crossed the abort are given back', async () => {
  await serve()
  const connected = await client()
  const session = await connected.openWorker(info)
  const stop = new AbortController()
  const parked = session.poll(anything, stop.signal)
  await news(first(), 'poll')
  stop.abort()
  expect(await parked).toEqual([])
  const again = new AbortController()
  const polled = session.poll(anything, again.signal)
  await news(first(), 'poll')
  await fake.enqueue([{ kind: 'a' }])
  again.abort()
  expect(await polled).toEqual([])
  await connected.position()
  expect(fake.jobs.get(1)?.state).toBe('ready')
})

it('stop requests reach the worker, those that came while it was away as well', async () => {
  await serve()
  const via = await proxy()
  const session = await (await client(via.at)).openWorker(info)
  const notices: WorkerNotice[] = []
  const arrived = new EventTarget()
  session.onNotice((notice) => {
    notices.push(notice)
    arrived.dispatchEvent(new Event('notice'))
  })
  await fake.enqueue([{ kind: 'a' }])
  const [lease] = await session.poll(anything)
  const one = once(arrived, 'notice')
  first().notify({ type: 'stop', token: lease?.token ?? '', reason: 'cancel', graceMs: 1 })
  await one
  const two = once(arrived, 'notice')
  via.cut()
  first().notify({ type: 'stop', token: lease?.token ?? '', reason: 'cancel', graceMs: 2 })
  await two
  expect(notices.map((notice) => notice.type === 'stop' && notice.graceMs)).toEqual([1, 2])
  expect(fake.sessions).toHaveLength(1)
})

it('a report that broke on its way is repeated, carried out once, and answered as it was', async () => {
  await serve()
  const via = await proxy()
  const session = await (await client(via.at)).openWorker(info)
  await fake.enqueue([{ kind: 'a' }])
  const [lease] = await session.poll(anything)
  const reported = news(first(), 'report')
  via.deafen()
  const report = session.report([{ token: lease?.token ?? '', outcome: { type: 'succeeded' } }])
  await reported
  via.cut()
  expect(await report).toEqual([true])
  expect(first().reported).toHaveLength(1)
})

it('leases that were granted into a broken connection are given back when the worker returns', async () => {
  await serve()
  const via = await proxy()
  const session = await (await client(via.at)).openWorker(info)
  await fake.enqueue([{ kind: 'a' }, { kind: 'a' }])
  const [kept] = await session.poll({ ...anything, slots: 1 })
  via.deafen()
  const polled = news(first(), 'poll')
  const second = session.poll(anything)
  await polled
  const released = news(first(), 'report')
  via.cut()
  await released
  expect(first().reported).toMatchObject([{ token: '2:1', outcome: { type: 'released' } }])
  // The poll itself goes on and gets the job again; the lease that the worker knew of is untouched.
  fake.sessions[0]?.wake()
  expect((await second).map((lease) => lease.job)).toEqual([2])
  expect(fake.jobs.get(1)).toMatchObject({ state: 'running', token: kept?.token })
})

it('a session whose worker does not come back is closed after a while', async () => {
  await serve(30)
  const connected = await client()
  const session = await connected.openWorker(info)
  await session.heartbeat([])
  const closed = news(first(), 'close')
  await connected.close()
  await closed
  expect(first().closed).toBe(true)
})

it('a lease that the heartbeat thread finds lost is announced once it was not reported', async () => {
  await serve()
  const session = await (await client()).openWorker(info)
  first().heartbeatMs = 60
  first().lost = ['1:1']
  await fake.enqueue([{ kind: 'a' }])
  const lost = new Promise<WorkerNotice>((resolve) => session.onNotice(resolve))
  await session.poll(anything)
  expect(await lost).toEqual({ type: 'stop', token: '1:1', reason: 'lease-lost', graceMs: 0 })
})

it('a process whose handler blocks its event loop keeps its lease', async () => {
  await serve()
  await fake.enqueue([{ kind: 'a' }])
  const openWorker = fake.openWorker.bind(fake)
  const sessionOpened = Promise.withResolvers<FakeSession>()
  fake.openWorker = async (worker) => {
    const session = (await openWorker(worker)) as FakeSession
    session.heartbeatMs = 150
    sessionOpened.resolve(session)
    return session
  }
  const script = fileURLToPath(new URL('./testdata/blocking-worker.ts', import.meta.url))
  const file = join(folder, 'over')
  const child = spawn(process.execPath, [script, path, file], { stdio: ['ignore', 'ignore', 'inherit'] })
  cleanups.push(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  const opened = await sessionOpened.promise
  // it blocks all the while, however long it takes: nothing but another thread can send these
  while (opened.beats.filter((tokens) => tokens.includes('1:1')).length < 10) await news(opened, 'beat')
  expect(fake.jobs.get(1)?.state).toBe('running')
  writeFileSync(file, '')
  const [code] = await exited
  expect(code).toBe(0)
  expect(fake.jobs.get(1)?.state).toBe('succeeded')
})
