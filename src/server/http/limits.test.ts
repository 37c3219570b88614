/** The bounds of a node: one less, exactly, and one more; and what is slow, malformed or given up. */
import { once } from 'node:events'
import { request as requestHttp } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { Client } from '../../client/client.ts'
import { Channel } from '../../client/remote/channel.ts'
import { connectNode, nodeDoor } from '../../client/remote/dial-node.ts'
import { openEmbedded } from '../embedded.ts'
import { type ServedHttp, type ServeOptions, serveHttp } from './serve.ts'

let client: Client
let served: ServedHttp
const cleanups: (() => unknown)[] = []

async function serve(options: Partial<ServeOptions> = {}): Promise<void> {
  client = await openEmbedded({ store: 'memory' })
  served = await serveHttp(client, { host: '127.0.0.1', port: 0, ...options })
  cleanups.push(
    () => client.close(),
    () => served.close(),
  )
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${served.url}/perdure.v1.${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  })
}

const position = (headers?: Record<string, string>) => post('NodeService/GetPosition', {}, headers)

async function dial(): Promise<Socket> {
  const socket = connect(served.port, '127.0.0.1')
  cleanups.push(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** What repeats nothing by itself. */
async function dialChannel(): Promise<Channel> {
  const channel = new Channel(nodeDoor({ url: served.url }))
  cleanups.push(() => channel.close())
  await channel.open()
  return channel
}

describe('the rate of a caller', () => {
  it('is refused with the time to try again', async () => {
    await serve({ limits: { rate: 2 } })
    const began = performance.now()
    const answers = await Promise.all(Array.from({ length: 20 }, () => position()))
    const seconds = (performance.now() - began) / 1_000
    const refused = answers.filter(({ status }) => status === 429)
    const passed = answers.length - refused.length
    expect(passed).toBeGreaterThanOrEqual(2)
    // a second's worth at once, and what came to be allowed meanwhile
    expect(passed).toBeLessThanOrEqual(2 + Math.ceil(2 * seconds))
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('counts in an exchange as well, and breaks nothing there', async () => {
    await serve({ limits: { rate: 2 } })
    const channel = await dialChannel()
    const codes = await Promise.all(
      Array.from({ length: 20 }, () =>
        channel
          .call('get', [1])
          .catch((error: { code: string; data: object }) => [error.code, Object.keys(error.data)]),
      ),
    )
    expect(codes).toContainEqual(['OVERLOADED', ['retryAfterMs']])
    expect(codes).toContainEqual(['NOT_FOUND', ['job']])
  })
})

describe('clients of Perdure', () => {
  it('come back until there is room for what they ask', async () => {
    await serve({ limits: { rate: 50 } })
    const remote = await connectNode({ url: served.url })
    cleanups.push(() => remote.close())
    const all = await Promise.all(Array.from({ length: 100 }, () => remote.enqueue([{ kind: 'a' }])))
    expect(new Set(all.flat().map(({ id }) => id)).size).toBe(100)
    expect(await client.counts()).toMatchObject([{ states: { ready: 100 } }])
  })
})

describe('the rates of a namespace', () => {
  it('are refused with the time to try again, over every door, and changed while it serves', async () => {
    await serve({ limits: { namespace: { jobs: 1 } } })
    const remote = await connectNode({ url: served.url })
    cleanups.push(() => remote.close())
    // a minute's worth, which is let through where nothing came before
    const jobs = (namespace: string) => Array.from({ length: 60 }, () => ({ kind: 'a', namespace }))
    const past = jobs('acme').map((job) => ({ ...job, state: 'ready' as const, createdAt: Date.now() }))
    await remote.import(past)
    await expect(remote.import(past)).rejects.toMatchObject({
      code: 'OVERLOADED',
      data: { namespace: 'acme', retryAfterMs: expect.any(Number) },
    })
    const refused = await post('JobService/Enqueue', { jobs: jobs('acme') })
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1)
    expect((await post('JobService/Enqueue', { jobs: jobs('other') })).status).toBe(200)
    // the owner of the store asks nobody
    await client.enqueue(jobs('acme'))
    served.limit({})
    await remote.import(past)
    expect(await client.counts({ namespace: 'acme' })).toMatchObject([{ states: { ready: 180 } }])
  })
})

describe('requests under way', () => {
  it.each([
    [1, 200],
    [2, 200],
    [3, 429],
  ])('%i where two may be', async (count, status) => {
    await serve({ limits: { requests: 2 } })
    const [job] = await client.enqueue([{ kind: 'a' }])
    const stop = new AbortController()
    const url = `${served.url}/perdure.v1.JobService/Wait`
    const body = JSON.stringify({ id: job?.id })
    const heard: Promise<unknown>[] = []
    for (let waiting = 1; waiting < count; waiting += 1) {
      const headers = { 'content-type': 'application/json' }
      heard.push(fetch(url, { method: 'POST', headers, body, signal: stop.signal }).catch(() => {}))
    }
    // those that wait have been counted once as many are refused as would be
    while (count === 3 && (await position()).status === 200);
    expect((await position()).status).toBe(status)
    stop.abort()
    await Promise.all(heard)
    // their ends are counted too
    while ((await position()).status !== 200);
  })
})

describe('headers', () => {
  it.each([
    ['less than', 8_000, 200],
    ['more than', 8_200, 431],
  ])('of %s 8 KiB', async (_, bytes, status) => {
    await serve({ portLimits: { headers: 8_192 } })
    const call = requestHttp(`${served.url}/healthz`, { headers: { x: 'x'.repeat(bytes) } })
    call.end()
    const [response] = await once(call, 'response')
    expect(response.statusCode).toBe(status)
    response.resume()
  })
})

describe('connections', () => {
  it('beyond the bound are closed, and those within live', async () => {
    await serve({ portLimits: { connections: 3 } })
    const within = await Promise.all([dial(), dial(), dial()])
    const beyond = await dial()
    beyond.resume()
    await once(beyond, 'close')
    within[0]?.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')
    const [answer] = await once(within[0] as Socket, 'data')
    expect(String(answer)).toContain('200 OK')
  })
})

describe('whoever is slow', () => {
  const quick = { portLimits: { headersMs: 300, bodyMs: 600 } }

  it.each([
    ['says nothing', ''],
    ['sends half a header', 'POST /healthz HTTP/1.1\r\nhost: loc'],
    [
      'sends half a body',
      'POST /perdure.v1.JobService/Get HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    ],
  ])('and %s is cut', async (_, text) => {
    await serve(quick)
    const socket = await dial()
    socket.resume()
    socket.write(text)
    await once(socket, 'close')
    expect((await position()).status).toBe(200)
  })

  it('and sends half a body over HTTP/2 is cut, and the connection lives', async () => {
    await serve(quick)
    const session = connectHttp2(served.url)
    cleanups.push(() => session.destroy())
    const path = '/perdure.v1.NodeService/GetPosition'
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/json' }
    const slow = session.request(headers)
    slow.on('error', () => {})
    slow.resume()
    slow.write('{')
    await once(slow, 'close')
    const next = session.request(headers)
    next.end('{}')
    const [answer] = await once(next, 'response')
    expect(answer[':status']).toBe(200)
  })
})

describe('what is malformed', () => {
  it('is the fault of who sent it, in every form', async () => {
    await serve()
    const bytes = Uint8Array.of(255, 255, 255, 255)
    const unary = await post('JobService/Get', bytes, { 'content-type': 'application/proto' })
    expect([unary.status, await unary.json()]).toMatchObject([400, { code: 'invalid_argument' }])
    const session = connectHttp2(served.url)
    cleanups.push(() => session.destroy())
    const path = '/perdure.v1.JobService/Get'
    const call = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    call.end(Buffer.from([0, 0, 0, 0, 4, ...bytes]))
    call.resume()
    const [names] = (await once(call, 'trailers')) as [Record<string, string>]
    expect(names['grpc-status']).toBe('3')
  })

  it.each([
    // the request around it is nested as well
    [96, 200],
    [97, 200],
    [98, 400],
    [1_000, 400],
  ])('an input of %i levels answers %i', async (levels, status) => {
    await serve()
    const input = '['.repeat(levels) + ']'.repeat(levels)
    const { status: found } = await post('JobService/Enqueue', `{"jobs":[{"kind":"a","input":${input}}]}`)
    expect(found).toBe(status)
  })

  it('a bomb of any compression is not unfolded', async () => {
    await serve()
    const bomb = gzipSync(Buffer.alloc(200_000_000))
    const before = process.memoryUsage().arrayBuffers
    for (const encoding of ['gzip', 'deflate', 'br', 'zstd']) {
      const { status } = await post('JobService/Enqueue', bomb, { 'content-encoding': encoding })
      expect(status).toBeGreaterThanOrEqual(400)
    }
    // what the network holds of it, and nothing near what is in it
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000)
  })
})

it('a wait that its caller gives up is answered as cancelled', async () => {
  await serve()
  const [job] = await client.enqueue([{ kind: 'a' }])
  const channel = await dialChannel()
  const stop = new AbortController()
  const waiting = channel.call('wait', [job?.id], { signal: stop.signal, onAbort: 'await' })
  // answered behind the wait, which has begun then
  await channel.call('position', [])
  stop.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
})
