/** Enqueue: what goes in comes out, all of a call or none, in the right order, at the right time. */
import { expect, it } from 'vitest'
import { codeOf, type World } from './world.suite.ts'

const DAY = 86_400_000

export function enqueueTests(world: World): void {
  it('keeps everything that was said about a job', async () => {
    const parent = await world.add()
    const id = await world.add({
      input: { deep: [1, 'two', null, { '': true }] },
      priority: -7,
      metadata: { customer: '17', 'with space': '✓' },
      parent,
      limits: [{ key: world.name, max: 3 }],
      options: { retry: { attempts: 9 }, timeouts: { graceMs: 1 }, weight: 2 },
    })
    const job = await world.client.get(id)
    expect(job).toMatchObject({
      kind: world.name,
      queue: world.name,
      namespace: world.name,
      state: 'ready',
      input: { deep: [1, 'two', null, { '': true }] },
      priority: -7,
      metadata: { customer: '17', 'with space': '✓' },
      parent,
      limits: [world.name],
      maxAttempts: 9,
      attempts: 0,
      error: null,
      history: [],
    })
    expect(job.result).toBeUndefined()
    expect(job.options).toMatchObject({
      retry: { attempts: 9, factor: 2 },
      timeouts: { graceMs: 1 },
      weight: 2,
    })
  })

  it('hands a worker the job as it was given', async () => {
    const input = { text: 'x'.repeat(10_000), more: [0.1, -0] }
    const id = await world.add({ input, metadata: { a: 'b' } })
    const lease = await world.leaseOne()
    expect(lease).toMatchObject({ job: id, attempt: 1, attemptSinceRestart: 1, isLastAttempt: false })
    expect(lease.metadata).toEqual({ a: 'b' })
    expect(JSON.parse(lease.input as string)).toEqual(JSON.parse(JSON.stringify(input)))
    await world.succeed(lease, { y: 'z'.repeat(5_000) })
    expect(await world.client.wait(id)).toMatchObject({
      state: 'succeeded',
      result: { y: 'z'.repeat(5_000) },
    })
  })

  it('tells no input from an input of null', async () => {
    const [without, withNull] = await world.addAll([{}, { input: null }])
    const leases = await world.lease(2)
    expect(leases.map(({ job, input }) => [job, input])).toEqual([
      [without, undefined],
      [withNull, 'null'],
    ])
  })

  it('answers ids in the order of the call, growing', async () => {
    const ids = await world.addAll(Array.from({ length: 500 }, () => ({})))
    expect(new Set(ids).size).toBe(500)
    expect(ids.toSorted((a, b) => a - b)).toEqual(ids)
    expect(await world.runAll()).toEqual(ids)
  })

  it('leaves nothing of a call of which one job is refused', async () => {
    await world.add({ key: 'taken', input: 1 })
    const call = () =>
      world.client.enqueue([
        world.spec({ metadata: { a: '1' }, limits: [{ key: `${world.name}-new`, max: 1 }] }),
        world.spec({ key: 'taken', input: 2 }),
      ])
    expect(await codeOf(call)).toBe('KEY_CONFLICT')
    expect((await world.client.list({ namespace: world.name })).jobs).toHaveLength(1)
  })

  it('runs smaller priorities first, and equal ones in order', async () => {
    const [late, first, second, urgent] = await world.addAll([
      { priority: 5 },
      {},
      {},
      { priority: -1_000_000 },
    ])
    expect(await world.runAll()).toEqual([urgent, first, second, late])
  })

  it('leaves other queues and unknown kinds alone', async () => {
    await world.addAll([{ queue: `${world.name}-other` }, { kind: `${world.name}-other` }])
    expect(await world.lease(10)).toEqual([])
  })

  it('shares a queue between namespaces, and keeps their lists apart', async () => {
    const other = `${world.name}-b`
    const [a, b] = await world.addAll([{}, { namespace: other }])
    expect((await world.client.list({ namespace: other })).jobs.map(({ id }) => id)).toEqual([b])
    expect((await world.runAll()).toSorted()).toEqual([a, b].toSorted())
  })

  it('holds a delayed job until its time and not a ms longer', async () => {
    const id = await world.add({ delayMs: 60_000 })
    await world.time.advance(59_999)
    expect(await world.state(id)).toBe('scheduled')
    expect(await world.lease()).toEqual([])
    await world.time.advance(1)
    expect((await world.leaseOne()).job).toBe(id)
  })

  it('takes a moment instead of a delay, also one that is past', async () => {
    const now = world.time.now()
    const [soon, past] = await world.addAll([{ dueAt: now + 1_000 }, { dueAt: 5 }])
    expect(await world.states([soon as number, past as number])).toEqual(['scheduled', 'ready'])
    expect((await world.client.get(soon as number)).dueAt).toBe(now + 1_000)
    await world.time.advance(1_000)
    expect(await world.state(soon as number)).toBe('ready')
  })

  it('keeps any delay below 2^53 ms', async () => {
    const ids = await world.addAll([
      { delayMs: 2 ** 31 },
      { delayMs: 400 * DAY },
      { delayMs: Number.MAX_SAFE_INTEGER },
    ])
    await world.time.sleep(2 ** 31 - 1)
    expect(await world.states(ids)).toEqual(['scheduled', 'scheduled', 'scheduled'])
    await world.time.sleep(1)
    expect(await world.states(ids)).toEqual(['ready', 'scheduled', 'scheduled'])
  })

  it('starts jobs that are due at one moment by priority, then in order', async () => {
    const [a, b, c] = await world.addAll([{ delayMs: 10, priority: 1 }, { delayMs: 10 }, { delayMs: 5 }])
    await world.time.advance(10)
    expect(await world.runAll()).toEqual([c, b, a].toSorted((x, y) => (x === a ? 1 : y === a ? -1 : 0)))
  })

  it('does not enqueue twice when a call is repeated under its request id', async () => {
    const call = () => world.client.enqueue([world.spec(), world.spec({ key: 'k' })], { request: world.name })
    const first = await call()
    expect(await call()).toEqual(first)
    expect((await world.client.list({ namespace: world.name })).jobs).toHaveLength(2)
  })

  it('gives two calls of the same request at the same time the same answer', async () => {
    const call = () => world.client.enqueue([world.spec()], { request: world.name })
    const answers = await Promise.all([call(), call(), call()])
    expect(new Set(answers.flat().map(({ id }) => id)).size).toBe(1)
  })

  it('interns thousands of new names in one call', async () => {
    const specs = Array.from({ length: 2_000 }, (_, i) => ({
      fairKey: `${world.name}-${i}`,
      namespace: `${world.name}-${i % 500}`,
      limits: [{ key: `${world.name}-${i}`, max: 1 }],
    }))
    const ids = await world.addAll(specs)
    expect((await world.runAll()).toSorted((a, b) => a - b)).toEqual(ids)
  })

  it('imports jobs with their past', async () => {
    const past = {
      number: 3,
      worker: 'old',
      startedAt: 1_000,
      endedAt: 2_000,
      outcome: 'failed' as const,
      error: { code: 'X', message: 'y' },
    }
    const limits = [{ key: world.name, max: 1 }]
    const imported = await world.client.import([
      { ...world.spec({ key: 'imported', limits }), createdAt: 500, state: 'ready', history: [past] },
      { ...world.spec({ limits }), createdAt: 600, state: 'scheduled', dueAt: 0 },
      {
        ...world.spec(),
        createdAt: 500,
        state: 'succeeded',
        finishedAt: world.time.now(),
        result: { ok: 1 },
      },
      { ...world.spec(), createdAt: 500, state: 'held' },
      { ...world.spec({ key: 'imported' }), createdAt: 1, state: 'ready' },
    ])
    const ids = imported.map(({ id }) => id)
    expect(imported.map(({ created }) => created)).toEqual([true, true, true, true, false])
    expect(ids[4]).toBe(ids[0])
    expect(await world.states(ids.slice(0, 4))).toEqual(['ready', 'waiting', 'succeeded', 'held'])
    const job = await world.client.get(ids[0] as number)
    expect(job).toMatchObject({ createdAt: 500, key: 'imported', attempts: 3, history: [past] })
    expect((await world.leaseOne()).attempt).toBe(4)
    expect((await world.client.wait(ids[2] as number)).result).toEqual({ ok: 1 })
  })
}
