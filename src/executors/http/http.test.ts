/** HTTP requests as attempts, against a server on this machine. */
import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StandIn } from '../call/testdata/stand-in.ts'
import { attemptOf, start } from '../executor.suite.ts'
import type { Executor } from '../executor.ts'
import { createHttpExecutor, type HttpOptions } from './http.ts'

let server: StandIn
beforeEach(async () => {
  server = await StandIn.open()
})
afterEach(() => server.close())

const create = (options: HttpOptions): Executor => server.serve(createHttpExecutor(options))

/** One attempt at the server's own address. */
function call(input: unknown, options: HttpOptions = {}) {
  const work = { kind: 'charge', input }
  return start(create({ url: `${server.url}/charge`, ...options }), work)
}

/** One attempt at an address that the job names. */
function open(input: unknown, options: HttpOptions = { allow: ['127.0.0.0/8'] }) {
  return start(create(options), { kind: 'http', input }).done
}

describe('an address of the executor', () => {
  it('gets the input as JSON, and its JSON is the result', async () => {
    server.answers = [{ headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{"id":17}' }]
    const { attempt, done } = call({ card: '4242' }, { headers: { 'x-key': 'secret' } })
    expect(await done).toEqual({ type: 'succeeded', result: { id: 17 } })
    expect(server.sent).toMatchObject([{ method: 'POST', path: '/charge', body: '{"card":"4242"}' }])
    expect(server.sent[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-key': 'secret',
      'idempotency-key': `perdure-default-${attempt.job}`,
      'perdure-attempt': '1',
    })
  })

  it('may answer with text, with nothing, and with what only says that it is JSON', async () => {
    const json = { 'content-type': 'application/problem+json' }
    server.answers = [{ body: 'done' }, { status: 204 }, { headers: json }, { headers: json, body: '{' }]
    for (const result of ['done', '', null, '{']) {
      expect(await call(undefined).done).toEqual({ type: 'succeeded', result })
    }
  })

  it('can tell that the request is ours', async () => {
    await call({ a: 1 }, { secret: 'shh' }).done
    const [sent] = server.sent
    const [, time, signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(`${sent?.headers['perdure-signature']}`) ?? []
    expect(signature).toBe(createHmac('sha256', 'shh').update(`${time}.${sent?.body}`).digest('hex'))
    expect(Math.abs(Number(time) - Date.now() / 1_000)).toBeLessThan(60)
  })
})

describe('what a status means', () => {
  it.each([408, 425, 500, 502, 503, 504])('%s may do another time', async (status) => {
    server.answers = [{ status, body: 'sorry' }]
    const outcome = await call(1).done
    expect(outcome).toMatchObject({ type: 'failed', error: { code: 'HANDLER_FAILED', data: { status } } })
    expect(outcome).not.toHaveProperty('retry')
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining(`found ${status}: sorry.`) } })
  })

  it.each([400, 401, 404, 409, 422, 501, 505])('%s is final', async (status) => {
    server.answers = [{ status }]
    expect(await call(1).done).toMatchObject({ type: 'failed', retry: false, error: { data: { status } } })
  })

  it('redirects are not followed', async () => {
    server.answers = [{ status: 302, headers: { location: 'http://169.254.169.254/' } }]
    expect(await call(1).done).toMatchObject({
      retry: false,
      error: { message: expect.stringContaining('302 to http') },
    })
    expect(server.sent).toHaveLength(1)
  })

  it('a server says when to come again', async () => {
    server.answers = [
      { status: 503, headers: { 'retry-after': '120' } },
      { status: 503, headers: { 'retry-after': new Date(Date.now() + 600_000).toUTCString() } },
      { status: 503, headers: { 'retry-after': 'soon' } },
    ]
    expect(await call(1).done).toMatchObject({ type: 'failed', retryAfterMs: 120_000 })
    const later = await call(1).done
    expect(later.type === 'failed' && later.retryAfterMs).toBeGreaterThan(500_000)
    expect(await call(1).done).not.toHaveProperty('retryAfterMs')
  })

  it('a throttled request burns no attempt, and is made later and later', async () => {
    server.answers = [{ status: 429, headers: { 'retry-after': '7' } }, { status: 429 }]
    const executor = create({ url: server.url })
    const work = { kind: 'charge', input: 1 }
    const first = start(executor, work)
    expect(await first.done).toEqual({ type: 'snoozed', delayMs: 7_000 })
    expect(first.control.text('log')).toContain('has too much to do; again in 7s')
    for (const [attempt, delayMs] of [
      [1, 1_000],
      [3, 4_000],
      [40, 60_000],
    ] as const)
      expect(await start(executor, work, { attempt }).done).toEqual({ type: 'snoozed', delayMs })
  })

  it('an answer beyond its bound is final', async () => {
    server.answers = [{ body: 'x'.repeat(200) }]
    expect(await call(1, { maxAnswer: 100 }).done).toMatchObject({
      retry: false,
      error: { code: 'TOO_LARGE' },
    })
    expect(await call(1, { maxAnswer: 200 }).done).toMatchObject({ type: 'succeeded' })
  })

  it('no answer may do another time', async () => {
    const { url } = server
    await server.close()
    const outcome = await start(create({ url }), { kind: 'k', input: 1 }).done
    expect(outcome).toMatchObject({
      error: { code: 'UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') },
    })
    expect(outcome).not.toHaveProperty('retry')
    server = await StandIn.open()
  })
})

describe('a request that takes too long', () => {
  it('is given up', async () => {
    server.answers = [{ hangs: true }]
    expect(await call(1, { timeout: '20ms' }).done).toMatchObject({
      type: 'failed',
      error: { code: 'TIMEOUT' },
    })
  })

  it.each([
    ['cancel', 'cancelled'],
    ['drain', 'released'],
    ['timeout', 'failed'],
  ] as const)('heeds a stop because of %s', async (reason, type) => {
    server.answers = [{ hangs: true }]
    const { control, done } = call(1)
    await server.arrived.promise
    control.stop(reason)
    expect((await done).type).toBe(type)
  })

  it('is not made where it was stopped before, or the executor closed', async () => {
    const executor = create({ url: server.url })
    const { attempt, control } = attemptOf({ kind: 'k', input: 1 })
    control.stop('cancel')
    expect(await executor.run(attempt, control)).toMatchObject({ type: 'cancelled' })
    server.answers = [{ hangs: true }]
    const { done } = start(executor, { kind: 'k', input: 1 })
    await server.arrived.promise
    await executor.close()
    expect(await done).toEqual({ type: 'released' })
    expect(await start(executor, { kind: 'k', input: 1 }).done).toEqual({ type: 'released' })
    expect(server.sent).toHaveLength(1)
  })
})

describe('an address that the job names', () => {
  it('gets what the job says', async () => {
    server.answers = [{ status: 201, headers: { 'x-id': '9', 'set-cookie': 'a=1' }, body: 'made' }]
    const input = { url: `${server.url}/a?b=c`, method: 'PUT', headers: { 'x-mine': 'yes' }, body: 'text' }
    expect(await open(input)).toMatchObject({
      type: 'succeeded',
      result: { status: 201, headers: { 'x-id': '9', 'set-cookie': 'a=1' }, body: 'made' },
    })
    expect(server.sent).toMatchObject([
      { method: 'PUT', path: '/a?b=c', body: 'text', headers: { 'x-mine': 'yes' } },
    ])
    expect(server.sent[0]?.headers).not.toHaveProperty('content-type')
  })

  it.each([
    'http://127.0.0.1:1/',
    'https://127.0.0.1:1/',
    'https://localhost:1/',
    'https://[::1]:1/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::7f00:1]/',
    'https://10.1.2.3/',
    'https://169.254.169.254/latest/meta-data',
    'https://0x7f000001/',
    'https://2130706433/',
    'http://example.com/',
    'file:///etc/passwd',
  ])('is not of the worker’s own network: %s', async (url) => {
    expect(await open({ url }, {})).toMatchObject({ type: 'failed', retry: false, error: { code: 'DENIED' } })
  })

  it('is of an allowed network, and of no other', async () => {
    expect(await open({ url: server.url })).toMatchObject({ type: 'succeeded' })
    expect(await open({ url: server.url }, { allow: ['10.0.0.0/8'] })).toMatchObject({
      error: { code: 'DENIED' },
    })
  })

  it.each([
    null,
    {},
    { url: 'nowhere' },
    { url: 'https://a:b@example.com' },
    { url: 'https://example.com', method: 'get it' },
    { url: 'https://example.com', headers: 'x' },
    { url: 'https://example.com', headers: { host: 'internal' } },
    { url: 'https://example.com', headers: { 'perdure-signature': 'mine' } },
    { url: 'https://example.com', headers: { 'x-a': 'a\r\nx-b: b' } },
  ])('is refused where it makes no sense: %j', async (input) => {
    expect(await open(input)).toMatchObject({ retry: false, error: { code: 'INVALID_INPUT' } })
  })
})

it('options that make no sense are refused', () => {
  for (const wrong of [
    { url: 'nowhere' },
    { url: 'ftp://example.com' },
    { allow: ['all'] },
    { maxAnswer: 0 },
    { timeout: 'soon' },
    { uri: 'x' },
    { secret: '' },
  ])
    expect(() => createHttpExecutor(wrong as HttpOptions), JSON.stringify(wrong)).toThrow(/expected/)
})
