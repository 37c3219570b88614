/** A client whose other end has too much waiting: what it repeats, how late, and what it does not. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Client } from '../client/client.ts'
import type { ChannelOptions } from '../client/remote/channel.ts'
import { connectSocket } from '../client/remote/remote.ts'
import { PerdureError } from '../errors.ts'
import { serveSocket } from './socket.ts'
import { FakeClient } from './testdata/fake-client.ts'

let folder: string
let fake: FakeClient
const cleanups: (() => unknown)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-overload-'))
  fake = new FakeClient()
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function connect(options: ChannelOptions = {}): Promise<Client> {
  const path = join(folder, 's')
  const served = await serveSocket(fake, path)
  cleanups.push(() => served.close())
  const client = await connectSocket(path, options)
  cleanups.push(() => client.close())
  return client
}

type Name = 'enqueue' | 'import' | 'get' | 'list' | 'counts' | 'control' | 'wait' | 'pauseQueue' | 'info'

/** Has the first calls of a method refused; tells with what arguments it was called. */
function refuse(name: Name, times: number, retryAfterMs?: number): unknown[][] {
  const calls: unknown[][] = []
  const usual = (fake[name] as (...values: unknown[]) => unknown).bind(fake)
  const act = async (...values: unknown[]): Promise<unknown> => {
    calls.push(values)
    if (calls.length > times) return usual(...values)
    throw new PerdureError('OVERLOADED', '', retryAfterMs === undefined ? {} : { data: { retryAfterMs } })
  }
  Object.assign(fake, { [name]: act })
  return calls
}

const reads: [Name, (client: Client) => Promise<unknown>][] = [
  ['get', (client) => client.get(1)],
  ['list', (client) => client.list({})],
  ['counts', (client) => client.counts()],
  ['info', (client) => client.info()],
]

const writes: [Name, (client: Client) => Promise<unknown>][] = [
  ['control', (client) => client.control(1, { verb: 'hold' })],
  ['pauseQueue', (client) => client.pauseQueue('default', true)],
  ['import', (client) => client.import([])],
]

describe('a refusal for the time being', () => {
  it.each(reads)('is outwaited by %s, which changes nothing', async (name, act) => {
    const client = await connect()
    await client.enqueue([{ kind: 'a' }])
    const calls = refuse(name, 3)
    await act(client)
    expect(calls).toHaveLength(4)
  })

  it.each(writes)('is told to the caller of %s, which might happen twice', async (name, act) => {
    const client = await connect()
    await client.enqueue([{ kind: 'a' }])
    const calls = refuse(name, 1)
    await expect(act(client)).rejects.toMatchObject({ code: 'OVERLOADED' })
    expect(calls).toHaveLength(1)
  })

  it('is outwaited by an enqueue, under the same request', async () => {
    const client = await connect()
    const calls = refuse('enqueue', 2, 5)
    await client.enqueue([{ kind: 'a' }])
    const requests = calls.map(([, options]) => (options as { request: string }).request)
    expect(requests).toHaveLength(3)
    expect(new Set(requests).size).toBe(1)
    expect(fake.jobs.size).toBe(1)
  })

  it('is outwaited by those who wait for a job', async () => {
    const client = await connect()
    await client.enqueue([{ kind: 'a' }])
    const job = fake.jobs.get(1)
    if (job !== undefined) job.state = 'succeeded'
    const calls = refuse('wait', 2)
    expect(await client.wait(1)).toMatchObject({ id: 1 })
    expect(calls).toHaveLength(3)
  })

  it('is told at once where it lasts longer than the call may', async () => {
    const client = await connect({ timeoutMs: 600_000 })
    const calls = refuse('info', 1, 600_001)
    await expect(client.info()).rejects.toMatchObject({
      code: 'OVERLOADED',
      data: { retryAfterMs: 600_001 },
    })
    expect(calls).toHaveLength(1)
  })

  it('keeps nobody from closing', async () => {
    const client = await connect({ timeoutMs: 600_000 })
    const calls = refuse('info', 1, 300_000)
    const asking = client.info().catch((error: PerdureError) => error.code)
    while (calls.length === 0) await client.position()
    await client.close()
    expect(await asking).toBe('CLOSED')
  })

  it('keeps nobody from giving up', async () => {
    const client = await connect({ timeoutMs: 600_000 })
    await client.enqueue([{ kind: 'a' }])
    const calls = refuse('wait', 1, 300_000)
    const stop = new AbortController()
    const waiting = client.wait(1, stop.signal).catch((error: unknown) => error)
    while (calls.length === 0) await client.position()
    stop.abort('enough')
    expect(await waiting).toBe('enough')
  })
})
