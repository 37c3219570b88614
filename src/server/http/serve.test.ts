/** The network's door: what is let in, what is answered, and what bad input comes to. */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { create, toBinary } from '@bufbuild/protobuf'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Client } from '../../client/client.ts'
import { connectNode } from '../../client/remote/dial-node.ts'
import { ERROR_KINDS, type ErrorCode, perdureError } from '../../errors.ts'
import { ExchangeRequestSchema, ExchangeService } from '../../protocol/generated/perdure/v1/node_pb.ts'
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts'
import { openEmbedded } from '../embedded.ts'
import { startNode } from '../node.ts'
import { STATUS, statusOf } from '../rpc/status.ts'
import { type ServedHttp, serveHttp } from './serve.ts'

let client: Client
let served: ServedHttp

beforeEach(async () => {
  client = await openEmbedded({ store: 'memory' })
  served = await serveHttp(client, { host: '127.0.0.1', port: 0 })
})

afterEach(async () => {
  await served.close()
  await client.close()
})

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${served.url}/perdure.v1.${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : { text } }
}

const worker = { name: 'w', host: 'elsewhere.example', pid: 1, instance: 'one' }

/** The whole store holds nothing. */
async function expectEmpty(): Promise<void> {
  expect((await client.list({})).jobs).toEqual([])
}

describe('HTTP with JSON', () => {
  it('runs a job from its enqueue to its result', async () => {
    const input = { text: 'ä', list: [1, null, { deep: true }] }
    const { body } = await post('JobService/Enqueue', { jobs: [{ kind: 'a', input, key: 'k' }] })
    expect(body).toEqual({ jobs: [{ id: 1, created: true }] })
    const polled = await post('WorkerService/Poll', { worker, queues: ['default'], kinds: ['a'], slots: 1 })
    const [lease] = polled.body.leases as Record<string, unknown>[]
    expect(lease).toMatchObject({ job: 1, attempt: 1, input })
    const token = lease?.token as string
    await post('WorkerService/Log', { worker, entries: [{ token, stream: 'stdout', text: 'hello' }] })
    expect((await post('WorkerService/Heartbeat', { worker, tokens: [token, 'x'] })).body.lost).toEqual(['x'])
    const report = { token, outcome: 'succeeded', result: { ok: [1] } }
    expect((await post('WorkerService/Report', { worker, reports: [report] })).body.accepted).toEqual([true])
    const ended = await post('JobService/Wait', { id: 1 })
    expect(ended.body).toMatchObject({ id: 1, state: 'succeeded', result: { ok: [1] } })
    expect((await post('JobService/Get', { id: 1 })).body.job).toMatchObject({ input, key: 'k', priority: 0 })
  })

  it('answers a poll with nothing when its time is over, and gives what came too late to the next', async () => {
    const poll = { worker, queues: ['default'], kinds: ['a'], slots: 1, waitMs: 20 }
    expect((await post('WorkerService/Poll', poll)).body.leases).toEqual([])
    await client.enqueue([{ kind: 'a' }])
    expect((await post('WorkerService/Poll', poll)).body.leases).toHaveLength(1)
  })

  it('tells a worker without a connection at its heartbeat that an attempt is to stop', async () => {
    const [job] = await client.enqueue([{ kind: 'a' }])
    const polled = await post('WorkerService/Poll', { worker, queues: ['default'], kinds: ['a'], slots: 1 })
    const token = (polled.body.leases as { token: string }[])[0]?.token
    await client.control(job?.id ?? 0, { verb: 'cancel', graceMs: 700 })
    const { body } = await post('WorkerService/Heartbeat', { worker, tokens: [token] })
    expect(body.stops).toEqual([expect.objectContaining({ token, reason: 'cancel', graceMs: 700 })])
  })

  it('tells a worker without a connection at its heartbeat that there is news of a run', async () => {
    const [run] = await client.enqueue([{ kind: 'a' }])
    const polled = await post('WorkerService/Poll', { worker, queues: ['default'], kinds: ['a'], slots: 1 })
    const token = (polled.body.leases as { token: string }[])[0]?.token
    const entries = [{ type: 'signal', position: 0, name: 'go' }]
    const written = await post('WorkerService/WriteJournal', { worker, token, entries })
    expect(written.body).toMatchObject({
      lost: false,
      rows: [{ sequence: 0, kind: 'signal', state: 'open' }],
    })
    await client.workflows.signal(run?.id ?? 0, 'go', [1])
    const told = async () => (await post('WorkerService/Heartbeat', { worker, tokens: [token] })).body.news
    expect(await told()).toEqual([token])
    expect(await told()).toEqual([])
    const { body } = await post('WorkerService/ReadJournal', { worker, token, from: 1 })
    expect(body).toMatchObject({ lost: false, isEnd: true, rows: [{ state: 'done', value: [[1]] }] })
  })

  it('writes down what a worker says twice under one request once', async () => {
    await client.enqueue([{ kind: 'a' }])
    const polled = await post('WorkerService/Poll', { worker, queues: ['default'], kinds: ['a'], slots: 1 })
    const token = (polled.body.leases as { token: string }[])[0]?.token
    const step = { type: 'settled', kind: 'step', state: 'done', position: 0, name: 'pay', value: 1 }
    const call = { worker, token, request: 'r-1', entries: [step] }
    const first = await post('WorkerService/WriteJournal', call)
    expect(await post('WorkerService/WriteJournal', call)).toEqual(first)
    expect((await post('WorkflowService/Journal', { run: 1 })).body.rows).toHaveLength(1)
    const foreign = {
      ...call,
      worker: { ...worker, name: 'v', instance: 'two' },
      token: '1.1.x',
      request: 'r-2',
    }
    expect((await post('WorkerService/WriteJournal', foreign)).body).toMatchObject({ lost: true, rows: [] })
    const unfit = await post('WorkerService/WriteJournal', {
      ...call,
      request: 'r-3',
      entries: [{ type: 'x' }],
    })
    expect(unfit.status).toBe(400)
  })

  it('asks no worker that has no connection', async () => {
    await client.enqueue([{ kind: 'a' }])
    await post('WorkerService/Poll', { worker, queues: ['default'], kinds: ['a'], slots: 1 })
    const { body } = await post('WorkflowService/Query', { run: 1, name: 'total', timeoutMs: 20 })
    expect(JSON.stringify(body.details)).toContain('NO_WORKER')
  })

  it('gives errors their code, status and data', async () => {
    const { status, body } = await post('JobService/Get', { id: 77 })
    expect(status).toBe(404)
    expect(body.details).toEqual([
      expect.objectContaining({
        type: 'perdure.v1.Error',
        debug: expect.objectContaining({ code: 'NOT_FOUND', data: { job: 77 } }),
      }),
    ])
    expect(JSON.stringify(body)).not.toMatch(/\.ts:|at .+\(/)
  })

  it('keeps a property named __proto__ a property', async () => {
    await post('JobService/Enqueue', '{"jobs":[{"kind":"a","input":{"__proto__":{"polluted":1}}}]}')
    expect(Object.keys((await client.get(1)).input as object)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('bad input', () => {
  const enqueue = 'JobService/Enqueue'
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const bodies: Record<string, [string | Uint8Array, Record<string, string>?]> = {
    'text that is no JSON': ['{"jobs":'],
    'an unknown field': ['{"jobs":[{"kind":"a","delay":5}]}'],
    'a field of another type': ['{"jobs":[{"kind":5}]}'],
    'an input of a thousand levels': [`{"jobs":[{"kind":"a","input":${deep(1_000)}}]}`],
    'an input of a million levels': [`{"jobs":[{"kind":"a","input":${deep(1_000_000)}}]}`],
    'a hostile name': ['{"jobs":[{"kind":"../a"}]}'],
    'a name with NUL': ['{"jobs":[{"kind":"a\\u0000"}]}'],
    'a name with SQL': ['{"jobs":[{"kind":"a","queue":"\';--"}]}'],
    'a body that is too large': [`{"jobs":[{"kind":"a","input":"${'x'.repeat(MAX_FRAME_BYTES * 2)}"}]}`],
    'a compressed body': [gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }],
    'bytes of nothing': [Uint8Array.of(255, 255, 255, 255), { 'content-type': 'application/proto' }],
    'another content type': ['jobs=1', { 'content-type': 'text/plain' }],
    'an unknown policy': ['{"jobs":[{"kind":"a","key":"k","onConflict":"perhaps"}]}'],
  }

  it.each(Object.entries(bodies))('%s is refused, and nothing is written', async (_, [body, headers]) => {
    const { status } = await post(enqueue, body, headers)
    expect(status).toBeGreaterThanOrEqual(400)
    await expectEmpty()
    expect((await fetch(`${served.url}/readyz`)).status).toBe(200)
  })

  it('an exchange that begins with bytes of nothing ends, and nobody else notices', async () => {
    const other = await connectNode({ url: served.url })
    const session = connectHttp2(served.url)
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${ExchangeService.typeName}/Exchange`,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const trailers = once(stream, 'trailers')
    stream.resume()
    const noHello = toBinary(
      ExchangeRequestSchema,
      create(ExchangeRequestSchema, { messages: [{ message: { case: 'cancel', value: { id: 1 } } }] }),
    )
    const head = Buffer.alloc(5)
    head.writeUInt32BE(noHello.length, 1)
    stream.write(Buffer.concat([head, noHello]))
    // the node says why and ends the stream by itself
    const [names] = (await trailers) as [Record<string, unknown>]
    expect(names['grpc-status']).toBe('0')
    session.destroy()
    expect(await other.position()).toMatchObject({ shard: 0 })
    await other.close()
  })

  it('a connection that says nothing is not kept for ever', async () => {
    const socket = connect(served.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GARBAGE THAT IS NO HTTP\r\n\r\n')
    socket.resume()
    await once(socket, 'close')
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200)
  })
})

describe('who is let in', () => {
  it('nobody from beyond the machine without a certificate', async () => {
    await expect(startNode(client, { host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'DENIED' })
    await expect(startNode(client, { host: '::', port: 0 })).rejects.toMatchObject({ code: 'DENIED' })
    await expect(startNode(client, { host: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'DENIED' })
  })

  it('no page that has its own name lead here', async () => {
    const call = request(`${served.url}/healthz`, { headers: { host: 'evil.example' } })
    call.end()
    const [response] = await once(call, 'response')
    expect(response.statusCode).toBe(421)
    response.resume()
  })
})

describe('pages', () => {
  it.each([
    ['/healthz', 200, 'ok\n'],
    ['/readyz', 200, 'ready\n'],
    ['/metrics', 404, ''],
    ['/', 404, ''],
  ])('%s answers %i', async (path, status, text) => {
    const response = await fetch(`${served.url}${path}`)
    expect([response.status, await response.text()]).toEqual([status, text])
  })

  it('are not ready once the store is closed', async () => {
    await client.close()
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${served.url}/readyz`)).status).toBe(503)
  })
})

describe('statuses', () => {
  it.each(Object.keys(ERROR_KINDS))('%s has one, and travels as its detail', (code) => {
    const details = { expected: 'a', found: 'b', fix: 'c', data: { job: 1 } }
    const status = statusOf(perdureError(code as ErrorCode, details))
    expect(status.code).toBe(STATUS[code as ErrorCode])
    expect(status.details).toHaveLength(1)
  })
})
