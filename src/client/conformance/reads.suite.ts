/** Reads: lists and pages, counts, waits, watches, logs, progress. */
import { expect, it } from 'vitest'
import type { Client } from '../client.ts'
import type { JobEvent, JobQuery, LogEntry } from '../types.ts'
import { codeOf, type World } from './world.suite.ts'

async function pages(client: Client, query: JobQuery, between?: () => Promise<unknown>): Promise<number[]> {
  const ids: number[] = []
  let cursor: string | undefined
  do {
    const page = await client.list(cursor === undefined ? query : { ...query, cursor })
    ids.push(...page.jobs.map(({ id }) => id))
    cursor = page.next
    await between?.()
  } while (cursor !== undefined)
  return ids
}

/** Reads a stream to its end. */
async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}

export function readTests(world: World): void {
  it('lists by state, queue, kind, namespace, parent, ids, metadata and time', async () => {
    const { client, name: namespace } = world
    const start = world.time.now()
    const [a, b, c] = (await world.addAll([
      { metadata: { color: 'red', shape: 'round' } },
      { metadata: { color: 'reddish' }, kind: 'other' },
      { delayMs: 60_000, queue: `${namespace}-q`, metadata: { color: 'blue' } },
    ])) as [number, number, number]
    await world.time.advance(10)
    const d = await world.add({ parent: a, metadata: { color: 'red_' } })
    const list = (query: JobQuery) => pages(client, { namespace, order: 'oldest', ...query })
    expect(await list({})).toEqual([a, b, c, d])
    expect(await list({ order: 'newest' })).toEqual([d, c, b, a])
    expect(await list({ states: ['scheduled'] })).toEqual([c])
    expect(await list({ states: ['scheduled', 'ready'] })).toEqual([a, b, c, d])
    expect(await list({ queue: `${namespace}-q` })).toEqual([c])
    expect(await list({ kind: 'other' })).toEqual([b])
    expect(await list({ parent: a })).toEqual([d])
    expect(await list({ ids: [d, a, 2 ** 40] })).toEqual([a, d])
    expect(await list({ ids: [] })).toEqual([])
    expect(await list({ metadata: [{ name: 'color', value: 'red' }] })).toEqual([a])
    expect(await list({ metadata: [{ name: 'color', prefix: 'red' }] })).toEqual([a, b, d])
    expect(await list({ metadata: [{ name: 'color', prefix: 'red_' }] })).toEqual([d])
    const both = [
      { name: 'color', prefix: 'r' },
      { name: 'shape', value: 'round' },
    ]
    expect(await list({ metadata: both })).toEqual([a])
    expect(await list({ createdAfter: start + 1 })).toEqual([d])
    expect(await list({ createdBefore: start + 1 })).toEqual([a, b, c])
    expect(await list({ queue: 'nobody-has-this' })).toEqual([])
  })

  it.each(['newest', 'oldest'] as const)(
    'pages in order of %s, stable while jobs come and go',
    async (order) => {
      const ids = await world.addAll(Array.from({ length: 47 }, () => ({})))
      const expected = order === 'newest' ? ids.toReversed() : ids
      const query: JobQuery = { namespace: world.name, limit: 10, order, createdBefore: world.time.now() + 1 }
      await world.time.advance(1)
      let added = 0
      const between = async () => {
        if (added++ < 5) await world.addAll([{}, {}])
      }
      expect(await pages(world.client, { ...query, createdBefore: world.time.now() }, between)).toEqual(
        expected,
      )
    },
  )

  it('takes no cursor but its own, in its own order', async () => {
    await world.addAll(Array.from({ length: 3 }, () => ({})))
    const query: JobQuery = { namespace: world.name, limit: 1 }
    const cursor = (await world.client.list(query)).next as string
    const call = (more: JobQuery) => codeOf(() => world.client.list({ ...query, ...more }))
    expect(await call({ cursor, order: 'oldest' })).toBe('INVALID_CURSOR')
    for (const bad of ['', 'x', `${cursor}x`, cursor.slice(0, -1), `n${cursor.slice(1)}0`]) {
      expect([bad, await call({ cursor: bad })]).toEqual([bad, 'INVALID_CURSOR'])
    }
  })

  it('counts what is there, in every state', async () => {
    const ids = await world.addAll([{}, {}, {}, {}, { delayMs: 1 }, { after: [{ index: 4 }] }, {}, {}])
    for (const lease of await world.lease(3)) {
      if (lease.job === ids[0]) await world.succeed(lease)
      else if (lease.job === ids[1]) await world.fail(lease, { retry: false })
    }
    await world.client.control(ids[3] as number, { verb: 'hold' })
    await world.client.control(ids[6] as number, { verb: 'cancel' })
    await world.client.control(ids[6] as number, { verb: 'delete' })
    const [counts, ...more] = await world.client.counts({ namespace: world.name })
    expect(more).toEqual([])
    expect(counts).toEqual({
      namespace: world.name,
      queue: world.name,
      paused: false,
      states: {
        blocked: 1,
        scheduled: 1,
        waiting: 0,
        ready: 1,
        running: 1,
        suspended: 0,
        held: 1,
        succeeded: 1,
        failed: 1,
        cancelled: 0,
      },
    })
    expect(await world.client.counts({ namespace: `${world.name}-none` })).toEqual([])
  })

  it('waits for the end, which may have been long ago', async () => {
    const id = await world.add()
    const waits = [world.client.wait(id), world.client.wait(id)]
    await world.succeed(await world.leaseOne(), { n: 1 })
    const end = { id, state: 'succeeded', result: { n: 1 }, error: null }
    expect(await Promise.all([...waits, world.client.wait(id)])).toEqual([end, end, end])
  })

  it('stops waiting when told to, and never waits for nobody', async () => {
    const id = await world.add()
    const stop = new AbortController()
    const waited = codeOf(() => world.client.wait(id, stop.signal))
    await world.settle()
    stop.abort(Object.assign(new Error('enough'), {}))
    await expect(waited).rejects.toThrow('enough')
    expect(await codeOf(() => world.client.wait(2 ** 45))).toBe('NOT_FOUND')
    const aborted = world.client.wait(id, AbortSignal.abort(new Error('before')))
    await expect(aborted).rejects.toThrow('before')
  })

  it('watches state changes in commit order', async () => {
    const stop = new AbortController()
    const events: JobEvent[] = []
    const stream = world.client.watch({ namespace: world.name }, stop.signal)
    const watched = (async () => {
      for await (const event of stream) {
        events.push(event)
        if (event.state === 'succeeded') stop.abort()
      }
    })()
    await world.settle()
    const id = await world.add({ options: { retry: { minMs: 0 } } })
    await world.add({ namespace: `${world.name}-other`, kind: 'other' })
    await world.fail(await world.leaseOne())
    await world.time.advance(1)
    await world.succeed(await world.leaseOne())
    await watched
    expect(events.map(({ id: job, previous, state }) => [job, previous, state])).toEqual([
      [id, null, 'ready'],
      [id, 'ready', 'running'],
      [id, 'running', 'ready'],
      [id, 'ready', 'running'],
      [id, 'running', 'succeeded'],
    ])
    const sequences = events.map(({ position }) => position.sequence)
    expect(sequences.toSorted((a, b) => a - b)).toEqual(sequences)
  })

  it('watches some jobs only, with their progress', async () => {
    const [a] = await world.addAll([{}, {}])
    const stop = new AbortController()
    const stream = world.client.watch({ ids: [a as number] }, stop.signal)
    const watched = (async () => {
      const events: JobEvent[] = []
      for await (const event of stream) {
        events.push(event)
        if (event.state === 'succeeded') break
      }
      return events
    })()
    await world.settle()
    const [first, second] = await world.lease(2)
    const session = await world.session()
    session.progress(first?.token as string, 0.5, 'half')
    session.progress(second?.token as string, 0.1)
    session.progress(first?.token as string, 7)
    await world.settle()
    expect((await world.client.get(a as number)).progress).toEqual({ fraction: 0.5, message: 'half' })
    for (const lease of [first, second]) if (lease) await world.succeed(lease)
    const events = await watched
    expect(events.map(({ id, state, progress }) => [id, state, progress?.fraction])).toEqual([
      [a, 'running', undefined],
      [a, 'running', 0.5],
      [a, 'succeeded', undefined],
    ])
  })

  it('keeps output per attempt and stream, and follows it', async () => {
    const id = await world.add({ options: { retry: { minMs: 0 } } })
    const session = await world.session()
    const followed = all(world.client.logs(id, { follow: true }))
    const write = async (token: string, ...texts: string[]) => {
      for (const text of texts) await session.log([{ token, stream: 'stdout', text }])
    }
    const first = await world.leaseOne()
    await write(first.token, 'a', '', 'bc')
    await session.log([
      { token: first.token, stream: 'stderr', text: 'err' },
      { token: first.token, stream: 'log', text: 'note' },
    ])
    await world.fail(first)
    await world.time.advance(1)
    const second = await world.leaseOne()
    await write(second.token, 'again ✓')
    await world.succeed(second)
    const told = (entries: LogEntry[]) =>
      entries.map(({ attempt, offset, stream, text }) => [attempt, offset, stream, text])
    const expected = [
      [1, 0, 'stdout', 'a'],
      [1, 1, 'stdout', 'bc'],
      [1, 3, 'stderr', 'err'],
      [1, 6, 'log', 'note'],
      [2, 0, 'stdout', 'again ✓'],
    ]
    expect(told(await followed)).toEqual(expected)
    expect(told(await all(world.client.logs(id)))).toEqual(expected)
    expect(told(await all(world.client.logs(id, { attempt: 2 })))).toEqual(expected.slice(4))
    expect(await codeOf(() => all(world.client.logs(2 ** 45)))).toBe('NOT_FOUND')
  })

  it('reads a log of many pages, and cuts one that is too long with a word about it', async () => {
    const id = await world.add()
    const lease = await world.leaseOne()
    const session = await world.session()
    await session.log(
      Array.from({ length: 1_300 }, (_, i) => ({ token: lease.token, stream: 'log', text: `${i}\n` })),
    )
    const lines = (await all(world.client.logs(id))).map(({ text }) => text)
    expect(lines).toEqual(Array.from({ length: 1_300 }, (_, i) => `${i}\n`))
    const piece = 'x'.repeat(1024 * 1024)
    for (let i = 0; i < 5; i++) await session.log([{ token: lease.token, stream: 'stdout', text: piece }])
    const entries = await all(world.client.logs(id))
    const kept = entries
      .filter(({ text }) => !text.includes('output cut'))
      .reduce((sum, { text }) => sum + text.length, 0)
    expect(kept).toBe(4 * 1024 * 1024)
    expect(entries.at(-1)?.text).toContain('output cut')
    await world.succeed(lease)
  })

  it('knows where it stands, and grows', async () => {
    const before = await world.client.position()
    await world.add()
    const after = await world.client.position()
    expect(after.epoch).toBe(before.epoch)
    expect(after.sequence).toBeGreaterThan(before.sequence)
    expect(Object.keys(await world.client.info())).not.toHaveLength(0)
  })
}
