import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseAddress } from './app/address.ts'
import { draft, group } from './app/drafts.ts'
import { job } from './app/job.ts'
import { FakeClient } from './app/testdata/fake-client.ts'
import { App, open } from './app.ts'
import { PerdureError } from './errors.ts'
import { fail, snooze } from './executors/function/directives.ts'

function fakeApp(): { app: App; fake: FakeClient } {
  const fake = new FakeClient()
  return { app: new App(fake.client), fake }
}

const double = job('double', { input: z.object({ n: z.number() }), run: ({ n }) => n * 2 })
const plain = job('plain', { run: (input: string) => `${input}!` })

describe('enqueue', () => {
  it('gives a handle, whose result is that of the handler', async () => {
    const { app } = fakeApp()
    app.work([double, plain], { concurrency: 2 })
    const handles = [await app.enqueue(double, { n: 21 }), await app.enqueue(plain, 'a')] as const
    expect([await handles[0].result(), await handles[1].result()]).toEqual([42, 'a!'])
    expect(handles[0]).toMatchObject({ id: 1, created: true })
    await app.close()
  })

  it('takes kinds by name, and drafts', async () => {
    const { app, fake } = fakeApp()
    await app.enqueue('other', { a: 1 }, { queue: 'q' })
    await app.enqueue(draft(plain, 'b', { priority: 3 }))
    await app.enqueue('none')
    expect(fake.specs).toEqual([
      { kind: 'other', queue: 'q', input: { a: 1 } },
      { kind: 'plain', queue: 'default', input: 'b', priority: 3 },
      { kind: 'none', queue: 'default' },
    ])
  })

  it('refuses an input that does not match, before anything is asked', async () => {
    const { app, fake } = fakeApp()
    await expect(app.enqueue(double, { n: 'x' } as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(app.enqueue(double, { n: 1 }, { dely: 1 } as never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
    expect(fake.specs).toEqual([])
  })

  it('tells that a key led to a job that was there before', async () => {
    const { app } = fakeApp()
    expect((await app.enqueue(plain, 'a', { key: 'taken' })).created).toBe(false)
  })

  it('makes a group that joins others', async () => {
    const { app, fake } = fakeApp()
    const first = await app.enqueue(plain, 'a')
    await app.group([first, { job: 7, onFailure: 'run' }], { metadata: { a: 'b' } })
    expect(fake.specs[1]).toEqual({ after: [{ job: 1 }, { job: 7, onFailure: 'run' }], metadata: { a: 'b' } })
  })
})

describe('enqueueMany', () => {
  it('takes a graph in any order, in one call', async () => {
    const { app, fake } = fakeApp()
    const leaf = draft(plain, 'leaf')
    const join = group([leaf, draft(plain, 'unused')].slice(0, 1))
    const root = draft(plain, 'root', { after: [{ job: join, onFailure: 'cancel' }, 99] })
    const handles = await app.enqueueMany([root, join, leaf])
    expect(handles.map(({ id }) => id)).toEqual([1, 2, 3])
    expect(fake.calls).toEqual([3])
    expect(fake.specs.map(({ after }) => after)).toEqual([
      [{ index: 1, onFailure: 'cancel' }, { job: 99 }],
      [{ index: 2 }],
      undefined,
    ])
  })

  it('splits above 10,000, dependencies first, and tells how far it is', async () => {
    const { app, fake } = fakeApp()
    const leaves = Array.from({ length: 25_000 }, (_, n) => draft(double, { n }))
    const join = group(leaves)
    const progress: unknown[] = []
    const handles = await app.enqueueMany([join, ...leaves], {
      request: 'r',
      onProgress: (step) => progress.push(step),
    })
    expect(fake.calls).toEqual([10_000, 10_000, 5_001])
    expect(fake.requests).toEqual(['r:0', 'r:1', 'r:2'])
    expect(progress.at(-1)).toEqual({ done: 25_001, total: 25_001 })
    // the join was given first and is enqueued last; its handle stands where it was given
    expect(handles[0].id).toBe(25_001)
    expect(handles[1]?.id).toBe(1)
    const after = fake.specs[25_000]?.after ?? []
    expect(after).toHaveLength(25_000)
    expect([after[0], after[19_999], after[20_000]]).toEqual([{ job: 1 }, { job: 20_000 }, { index: 0 }])
  })

  it('says how many are durable when a later call fails', async () => {
    const { app, fake } = fakeApp()
    fake.failAt = 1
    const drafts = Array.from({ length: 10_001 }, () => draft(plain, 'a'))
    await expect(app.enqueueMany(drafts)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      data: { enqueued: 10_000 },
    })
  })

  it('refuses cycles, strangers and the same draft twice, before anything is enqueued', async () => {
    const { app, fake } = fakeApp()
    const many = Array.from({ length: 10_000 }, () => draft(plain, 'a'))
    const after: never[] = []
    const looped = draft(plain, 'b', { after })
    after.push(looped as never)
    await expect(app.enqueueMany([...many, looped])).rejects.toMatchObject({
      code: 'CYCLE',
      data: { index: 10_000 },
    })
    const one = draft(plain, 'c')
    await expect(app.enqueueMany([one, one])).rejects.toThrow(/a draft that is given once/)
    await expect(app.enqueueMany([draft(plain, 'd', { after: [one] })])).rejects.toThrow(
      /drafts of the same call/,
    )
    await expect(app.enqueueMany([5 as never])).rejects.toThrow(/\[0\] to be a draft/)
    expect(fake.calls).toEqual([])
  })

  it('does nothing for nothing', async () => {
    const { app, fake } = fakeApp()
    expect(await app.enqueueMany([])).toEqual([])
    expect(fake.calls).toEqual([])
  })
})

describe('a handle', () => {
  it('throws what the job failed with, the error of the handler as its cause', async () => {
    const { app, fake } = fakeApp()
    const handle = await app.enqueue(plain, 'a')
    const error = {
      code: 'HANDLER_FAILED',
      message: 'no luck',
      stack: 'Error: no luck\n    at handler',
      data: { n: 1 },
    }
    fake.end({ id: 1, state: 'failed', result: null, error })
    const thrown = await handle.result().catch((caught: unknown) => caught as PerdureError)
    expect(thrown).toBeInstanceOf(PerdureError)
    expect(thrown).toMatchObject({
      ...{
        code: 'HANDLER_FAILED',
        message: 'Job 1 failed: no luck',
        data: { job: 1, state: 'failed', n: 1 },
      },
      cause: { code: 'HANDLER_FAILED', message: 'no luck', stack: error.stack },
    })
    expect(await handle.wait()).toMatchObject({ state: 'failed' })
  })

  it.each([
    [{ state: 'cancelled', error: null }, 'CANCELLED', 'Job 1 was cancelled.'],
    [{ state: 'failed', error: null }, 'HANDLER_FAILED', 'Job 1 failed.'],
    [{ state: 'failed', error: { code: 'E_MINE', message: 'x' } }, 'HANDLER_FAILED', 'Job 1 failed: x'],
    [{ state: 'failed', error: { code: 'WORKER_LOST', message: 'x' } }, 'WORKER_LOST', 'Job 1 failed: x'],
  ] as const)('throws for %j', async (end, code, message) => {
    const { app, fake } = fakeApp()
    const handle = await app.enqueue(plain, 'a')
    fake.end({ id: 1, result: null, ...end })
    await expect(handle.result()).rejects.toMatchObject({ code, message })
  })

  it('waits no longer than it is told', async () => {
    const { app } = fakeApp()
    const handle = await app.enqueue(plain, 'a')
    await expect(handle.result({ timeout: '20ms' })).rejects.toMatchObject({
      code: 'TIMEOUT',
      data: { job: 1 },
    })
    await expect(handle.result({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    await expect(handle.result({ timout: 1 } as never)).rejects.toThrow(/Did you mean timeout/)
  })

  it('controls its job', async () => {
    const { app, fake } = fakeApp()
    const one = app.job(5)
    await one.cancel({ reason: 'r', grace: '2s', signal: 'SIGINT' })
    await one.cancel()
    for (const verb of ['restart', 'expedite', 'hold', 'release', 'delete'] as const) {
      await one[verb]()
      await app[verb](one)
    }
    await one.snooze('1m')
    await app.reprioritize(5, -1)
    await app.repin(5, '8')
    await one.repin()
    expect(fake.verbs.slice(0, 2)).toEqual([
      { id: 5, verb: { verb: 'cancel', reason: 'r', graceMs: 2_000, signal: 'SIGINT' } },
      { id: 5, verb: { verb: 'cancel' } },
    ])
    expect(fake.verbs.slice(2, -4).map(({ verb }) => verb.verb)).toEqual(
      ['restart', 'expedite', 'hold', 'release', 'delete'].flatMap((verb) => [verb, verb]),
    )
    expect(fake.verbs.slice(-4).map(({ verb }) => verb)).toEqual([
      { verb: 'snooze', delayMs: 60_000 },
      { verb: 'reprioritize', priority: -1 },
      { verb: 'repin', version: '8' },
      { verb: 'repin' },
    ])
    expect(() => app.job(0)).toThrow(/job id/)
  })

  it('asks the client the rest', async () => {
    const { app, fake } = fakeApp()
    expect(await app.get(7)).toEqual({ id: 7 })
    await app.list({ limit: 3 })
    await app.counts({ namespace: 'n' })
    await app.pause('q')
    await app.resume('q')
    app.watch({ queue: 'q' })
    app.job(7).watch()
    app.logs(7, { follow: true })
    expect(fake.asked).toEqual([
      ['list', { limit: 3 }],
      ['counts', { namespace: 'n' }],
      ['pauseQueue', 'q', true],
      ['pauseQueue', 'q', false],
      ['watch', { queue: 'q' }, undefined],
      ['watch', { ids: [7] }, undefined],
      ['logs', 7, { follow: true }],
    ])
  })
})

describe('work', () => {
  it('runs the schema again where the definition says so, and checks results', async () => {
    const { app } = fakeApp()
    const dated = job('dated', {
      input: z.object({ at: z.coerce.date() }),
      output: z.object({ year: z.number().min(2_000) }),
      check: 'both',
      run: ({ at }) => ({ year: at.getUTCFullYear() }),
    })
    app.work([dated])
    expect(await (await app.enqueue(dated, { at: '2026-05-05' })).result()).toEqual({ year: 2026 })
    await expect((await app.enqueue(dated, { at: '1999-05-05' })).result()).rejects.toMatchObject({
      ...{
        code: 'INVALID_OUTPUT',
        message: expect.stringContaining('the result of job("dated") to match its schema'),
      },
    })
    await app.close()
  })

  it('lets directives pass the check of results', async () => {
    const { app } = fakeApp()
    const checked = job('checked', { output: z.number(), run: () => fail('not now', { retry: false }) })
    app.work([checked])
    await expect((await app.enqueue(checked)).result()).rejects.toMatchObject({
      message: 'Job 1 failed: not now',
    })
    await app.close()
  })

  it('works on the queues of its definitions', async () => {
    const { app } = fakeApp()
    const mail = job('mail', { queue: 'mail', run: () => 'sent' })
    app.work([mail, plain])
    expect(await (await app.enqueue(mail)).result()).toBe('sent')
    await app.close()
  })

  it.each<[unknown[], unknown, RegExp]>([
    [[job('a')], {}, /job\("a"\) run to be a function; found undefined/],
    [[plain, job('plain', { run: () => 1 })], {}, /one kind each/],
    [[], {}, /at least one kind/],
    [[plain], { concurency: 1 }, /Did you mean concurrency/],
    [[plain], { drain: 'soon' }, /drain/],
    [[plain], { executors: { plain: { name: 'x' } } }, /a kind that no definition has/],
  ])('refuses %#', (definitions, options, message) => {
    const { app } = fakeApp()
    expect(() => app.work(definitions as never, options as never)).toThrow(message)
  })
})

describe('close', () => {
  it('drains the workers, then closes the client, once', async () => {
    const { app, fake } = fakeApp()
    app.work([job('slow', { run: () => snooze('1s') })])
    app.work([plain])
    await app.close()
    await app.close()
    await app[Symbol.asyncDispose]()
    expect(fake.order).toEqual(['session closed', 'session closed', 'client closed'])
  })
})

describe('addresses', () => {
  it.each([
    ['memory:', { type: 'memory' }],
    ['sqlite:./app.db', { type: 'sqlite', path: './app.db' }],
    ['sqlite:/var/app.db', { type: 'sqlite', path: '/var/app.db' }],
    ['sqlite:///var/app.db', { type: 'sqlite', path: '/var/app.db' }],
    ['sqlite::memory:', { type: 'sqlite', path: ':memory:' }],
    ['sqlite:with space.db', { type: 'sqlite', path: 'with space.db' }],
    ['unix:/run/p.sock', { type: 'unix', path: '/run/p.sock' }],
    ['unix:///run/p.sock', { type: 'unix', path: '/run/p.sock' }],
  ])('%s', (url, address) => {
    expect(parseAddress(url)).toEqual(address)
  })

  it.each([
    '',
    'app.db',
    './app.db',
    'memory',
    'memory:x',
    'sqlite:',
    'sqlite://app.db',
    'sqlite:a.db?mode=ro',
    'unix:',
    'sqlite:a\0b',
    'http://',
    'https://user:secret@node',
    'http://node:7400/path',
    'http://node:7400?tls=1',
    undefined,
    5,
    null,
  ])('refuses %j', async (url) => {
    await expect(open(url as string)).rejects.toMatchObject({ code: 'INVALID_URL' })
  })

  it('does not repeat a password', async () => {
    const error = await open('postgres://me:secret@host/db').catch(
      (caught: unknown) => caught as PerdureError,
    )
    expect((error as PerdureError).message).not.toContain('secret')
  })

  it('refuses unknown options of open', async () => {
    await expect(open('memory:', { surrounding: 1 } as never)).rejects.toThrow(/Did you mean surroundings/)
  })
})
