/** The engine between a caller and a store that fails: what is told, when, and what is left. */
import { hostname } from 'node:os'
import { expect, it } from 'vitest'
import type { WorkerSession } from '../client/client.ts'
import { Faulty, follow } from './testdata/faulty.ts'

const POLL = { queues: ['default'], kinds: ['k'], slots: 1 }
const far = (name = 'far') => ({ name, host: 'elsewhere.example', pid: 1 })

async function openAll(): Promise<{ faulty: Faulty; session: WorkerSession }> {
  const faulty = await Faulty.open()
  return { faulty, session: await faulty.client.openWorker(far()) }
}

async function rest(faulty: Faulty): Promise<void> {
  faulty.isHolding = false
  for (const held of faulty.held) held.decide('ok')
  await faulty.turns()
  expect(await faulty.client.check()).toEqual([])
  await faulty.client.close()
}

it('lets no reply, lease, event or end leave before its commit is durable', async () => {
  const { faulty, session } = await openAll()
  const { client } = faulty
  await client.enqueue([{ kind: 'other' }])
  const events: string[] = []
  const stop = new AbortController()
  const watched = (async () => {
    for await (const { state } of client.watch({}, stop.signal)) events.push(state)
  })()
  faulty.isHolding = true
  const added = follow(client.enqueue([{ kind: 'k' }]))
  const leased = follow(session.poll(POLL))
  const commit = await faulty.nextHeld()
  await faulty.turns()
  expect([added.state, leased.state, events]).toEqual(['pending', 'pending', []])
  commit.decide('ok')
  await faulty.turns()
  if (leased.state === 'pending') (await faulty.nextHeld()).decide('ok')
  await faulty.turns()
  expect([added.state, leased.state, events]).toEqual(['ok', 'ok', ['ready', 'running']])
  const token = leased.value?.[0]?.token as string
  const ended = follow(client.wait(2))
  const reported = follow(session.report([{ token, outcome: { type: 'succeeded' } }]))
  const second = await faulty.nextHeld()
  await faulty.turns()
  expect([reported.state, ended.state, events.length]).toEqual(['pending', 'pending', 2])
  second.decide('ok')
  await faulty.turns()
  expect([reported.state, ended.state, events.length]).toEqual(['ok', 'ok', 3])
  stop.abort()
  await watched
  await rest(faulty)
})

it('answers a call that changes nothing only once what it saw is durable', async () => {
  const { faulty } = await openAll()
  const { client } = faulty
  await client.enqueue([{ kind: 'k' }])
  faulty.isHolding = true
  const held = follow(client.control(1, { verb: 'hold' }))
  const commit = await faulty.nextHeld()
  const again = follow(client.control(1, { verb: 'hold' }))
  await faulty.turns()
  expect([held.state, again.state]).toEqual(['pending', 'pending'])
  commit.decide('ok')
  await faulty.turns()
  expect([held.value?.changed, again.value?.changed]).toEqual([true, false])
  await rest(faulty)
})

it('makes a job that a worker waits for one insert, as running', async () => {
  const { faulty, session } = await openAll()
  await faulty.client.enqueue([{ kind: 'k' }])
  const [first] = await session.poll(POLL)
  await session.report([{ token: first?.token as string, outcome: { type: 'succeeded' } }])
  const leased = session.poll(POLL)
  await faulty.turns()
  faulty.batches.length = 0
  await faulty.client.enqueue([{ kind: 'k' }])
  await leased
  expect(faulty.batches).toHaveLength(1)
  expect(faulty.batches[0]?.jobs).toMatchObject([{ before: undefined, after: { state: 4, attempt: 1 } }])
  await rest(faulty)
})

it('gathers what comes while a commit is on its way into the next one', async () => {
  const { faulty } = await openAll()
  await faulty.client.enqueue([{ kind: 'k' }])
  faulty.isHolding = true
  const calls = [faulty.client.enqueue([{ kind: 'k' }])]
  const first = await faulty.nextHeld()
  for (let i = 0; i < 20; i++) calls.push(faulty.client.enqueue([{ kind: 'k' }]))
  await faulty.turns()
  expect(faulty.held).toEqual([])
  first.decide('ok')
  const second = await faulty.nextHeld()
  expect(second.batch.jobs).toHaveLength(20)
  expect(second.batch.sequence).toBe(first.batch.sequence + 1)
  second.decide('ok')
  await Promise.all(calls)
  await rest(faulty)
})

it('tells STORE_FAILED when a commit is refused, and nothing has changed', async () => {
  const { faulty } = await openAll()
  const { client } = faulty
  await client.enqueue([{ kind: 'k' }])
  const before = [await client.get(1), await client.position()] as const
  faulty.isHolding = true
  const added = follow(client.enqueue([{ kind: 'k', key: 'x' }]))
  const held = follow(client.control(1, { verb: 'hold' }))
  for (const commit = await faulty.nextHeld(); ; ) {
    // Later calls have been applied to what is now thrown away, and begin again.
    const later = follow(client.control(1, { verb: 'reprioritize', priority: 5 }))
    await faulty.turns()
    faulty.isHolding = false
    commit.decide('refuse')
    await faulty.turns()
    expect(later).toMatchObject({ state: 'ok', value: { changed: true } })
    break
  }
  expect([added, held].some(({ code }) => code === 'STORE_FAILED')).toBe(true)
  const job = await client.get(1)
  expect(job.priority).toBe(5)
  expect((await client.position()).epoch).toBe(before[1].epoch + 1)
  if (added.state === 'failed') expect((await client.list({})).jobs).toHaveLength(1)
  if (held.state === 'failed') expect(job.state).toBe('ready')
  await rest(faulty)
})

it('tells OK when only the acknowledgement was lost, and everything took effect', async () => {
  const { faulty, session } = await openAll()
  const { client } = faulty
  await client.enqueue([{ kind: 'k' }])
  faulty.isHolding = true
  const leased = follow(session.poll(POLL))
  ;(await faulty.nextHeld()).decide('lose-ack')
  await faulty.turns()
  expect(leased.value).toMatchObject([{ job: 1, attempt: 1 }])
  const ended = follow(client.wait(1))
  const reported = follow(
    session.report([
      { token: leased.value?.[0]?.token as string, outcome: { type: 'succeeded', result: 7 } },
    ]),
  )
  ;(await faulty.nextHeld()).decide('lose-ack')
  await faulty.turns()
  await faulty.time.advance(100)
  expect(reported.value).toEqual([true])
  expect(ended.value).toMatchObject({ state: 'succeeded', result: 7 })
  await rest(faulty)
})

it('keeps a poll whose lease was undone, and serves it later', async () => {
  const { faulty, session } = await openAll()
  const { client } = faulty
  await client.enqueue([{ kind: 'k', key: 'first' }])
  const [first] = await session.poll(POLL)
  await session.report([{ token: first?.token as string, outcome: { type: 'succeeded' } }])
  faulty.isHolding = true
  const added = follow(client.enqueue([{ kind: 'k' }]))
  const commit = await faulty.nextHeld()
  const leased = follow(session.poll(POLL))
  await faulty.turns()
  faulty.isHolding = false
  commit.decide('refuse')
  await faulty.turns()
  expect([added.code, leased.state]).toEqual(['STORE_FAILED', 'pending'])
  const [later] = await client.enqueue([{ kind: 'k' }])
  await faulty.turns()
  expect(leased.value).toMatchObject([{ job: later?.id }])
  await rest(faulty)
})

it('answers a poll that was called off while its lease failed', async () => {
  const { faulty, session } = await openAll()
  await faulty.client.enqueue([{ kind: 'k' }])
  faulty.isHolding = true
  const stop = new AbortController()
  const leased = follow(session.poll(POLL, stop.signal))
  const commit = await faulty.nextHeld()
  stop.abort()
  await faulty.turns()
  faulty.isHolding = false
  commit.decide('refuse')
  await faulty.turns()
  expect(leased.state === 'ok' ? leased.value : leased.state).toEqual([])
  expect((await faulty.client.get(1)).state).toBe('ready')
  await rest(faulty)
})

it('gives a lease back whose poll was called off before it was durable', async () => {
  const { faulty, session } = await openAll()
  await faulty.client.enqueue([{ kind: 'k' }])
  faulty.isHolding = true
  const stop = new AbortController()
  const leased = session.poll(POLL, stop.signal)
  const commit = await faulty.nextHeld()
  stop.abort()
  faulty.isHolding = false
  commit.decide('ok')
  expect(await leased).toEqual([])
  await faulty.turns()
  expect(await faulty.client.get(1)).toMatchObject({ state: 'ready', attempts: 1, attemptsSinceRestart: 0 })
  await rest(faulty)
})

it('resolves a poll that was called off while its line was being read', async () => {
  const { faulty, session } = await openAll()
  await faulty.client.enqueue([{ kind: 'k' }])
  const [lease] = await session.poll(POLL)
  await session.report([{ token: lease?.token as string, outcome: { type: 'succeeded' } }])
  await faulty.client.close()
  await faulty.reopen()
  const fresh = await faulty.client.openWorker(far())
  for (let turns = 0; turns < 12; turns++) {
    const stop = new AbortController()
    const polled = follow(fresh.poll(POLL, stop.signal))
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    await faulty.turns()
    expect([turns, polled.value]).toEqual([turns, []])
  }
  await rest(faulty)
})

it('ends everything when another owner has the shard', async () => {
  const { faulty, session } = await openAll()
  const { client } = faulty
  await client.enqueue([{ kind: 'k', queue: 'elsewhere' }])
  const waiting = [
    follow(client.wait(1)),
    follow(session.poll(POLL)),
    follow(
      (async () => {
        for await (const _ of client.watch({}));
      })(),
    ),
    follow(
      (async () => {
        for await (const _ of client.logs(1, { follow: true }));
      })(),
    ),
  ]
  await faulty.turns()
  // Whoever takes the shard over grows its epoch.
  await faulty.store.close()
  await faulty.store.open()
  const added = follow(client.enqueue([{ kind: 'k' }]))
  const queued = follow(client.enqueue([{ kind: 'k' }]))
  await faulty.turns(50)
  expect(['UNKNOWN_OUTCOME', 'FENCED']).toContain(added.code)
  expect(queued.state).toBe('failed')
  expect(waiting.map(({ state }) => state)).toEqual(['failed', 'failed', 'failed', 'failed'])
  expect(follow(client.enqueue([{ kind: 'k' }])).state).toBe('pending')
  await expect(client.enqueue([{ kind: 'k' }])).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(session.poll(POLL)).rejects.toMatchObject({ code: 'CLOSED' })
  await client.close()
  expect(faulty.time.waiting).toBe(0)
})

it('tells all who wait that it was closed, and leaves no timer', async () => {
  const { faulty, session } = await openAll()
  const { client } = faulty
  await client.enqueue([{ kind: 'other', delayMs: 1_000 }, { kind: 'k' }])
  await session.poll(POLL)
  const waited = follow(client.wait(1))
  const watched = follow(
    (async () => {
      for await (const _ of client.watch({}));
    })(),
  )
  const polled = follow(session.poll(POLL))
  await faulty.turns()
  await client.close()
  await client.close()
  await faulty.turns()
  expect([waited.code, watched.code, polled.value]).toEqual(['CLOSED', 'CLOSED', []])
  expect(faulty.time.waiting).toBe(0)
  await expect(client.enqueue([{ kind: 'k' }])).rejects.toMatchObject({ code: 'CLOSED' })
})

it('never lets a stop overtake the lease that it is about', async () => {
  const { faulty, session } = await openAll()
  const { client } = faulty
  // What the lease needs is in memory afterwards, so that it can be applied while a commit is on its way.
  await client.enqueue([{ kind: 'k' }, { kind: 'k' }, { kind: 'other' }])
  const [first] = await session.poll(POLL)
  await session.report([{ token: first?.token as string, outcome: { type: 'succeeded' } }])
  const seen: string[] = []
  session.onNotice((notice) => seen.push(notice.type === 'stop' ? `stop ${notice.token}` : notice.type))
  faulty.isHolding = true
  const blocker = client.enqueue([{ kind: 'other' }])
  const commit = await faulty.nextHeld()
  const leased = session.poll(POLL).then(([lease]) => seen.push(`lease ${lease?.token}`))
  await faulty.turns()
  const cancelled = client.control(2, { verb: 'cancel' })
  await faulty.turns()
  faulty.isHolding = false
  commit.decide('ok')
  await Promise.all([blocker, leased, cancelled])
  await faulty.turns()
  expect(seen.map((line) => line.split(' ')[0])).toEqual(['lease', 'stop'])
  await rest(faulty)
})

it('ends the attempts of its own process when it is opened anew, and no others', async () => {
  const { faulty, session } = await openAll()
  const local = await faulty.client.openWorker({ name: 'local', host: hostname(), pid: process.pid })
  await faulty.client.enqueue([{ kind: 'k' }, { kind: 'k' }])
  const [ours] = await local.poll(POLL)
  const [theirs] = await session.poll(POLL)
  faulty.store.close().catch(() => {})
  await faulty.turns()
  await faulty.reopen()
  await faulty.turns()
  expect(await faulty.client.get(ours?.job as number)).toMatchObject({
    state: 'scheduled',
    error: { code: 'WORKER_LOST' },
  })
  expect((await faulty.client.get(theirs?.job as number)).state).toBe('running')
  const again = await faulty.client.openWorker(far())
  expect(await again.heartbeat([ours?.token as string, theirs?.token as string])).toEqual({
    lost: [ours?.token],
  })
  expect(await again.report([{ token: theirs?.token as string, outcome: { type: 'succeeded' } }])).toEqual([
    true,
  ])
  await rest(faulty)
})

it('gives back a lease that nobody takes any more, also when the first try could not be written', async () => {
  const faulty = await Faulty.open()
  const session = await faulty.client.openWorker({ name: 'near', host: hostname(), pid: process.pid })
  await faulty.client.enqueue([{ kind: 'k' }])
  faulty.isHolding = true
  const stop = new AbortController()
  const polled = follow(session.poll(POLL, stop.signal))
  const lease = await faulty.nextHeld()
  stop.abort()
  lease.decide('ok')
  const release = await faulty.nextHeld()
  release.decide('refuse')
  faulty.isHolding = false
  await faulty.turns()
  expect(polled.value).toEqual([])
  expect((await faulty.client.get(1)).state).toBe('running')
  await faulty.time.advance(1_000)
  expect((await faulty.client.get(1)).state).toBe('ready')
  await rest(faulty)
})

it('refuses commands beyond those that may wait, before they begin, and takes others when there is room', async () => {
  const faulty = await Faulty.open({ maxWaiting: 2 })
  const { client } = faulty
  faulty.isHolding = true
  const asked = [1, 2, 3].map(() => follow(client.enqueue([{ kind: 'k' }])))
  const commit = await faulty.nextHeld()
  expect(asked.map(({ code }) => code)).toEqual([undefined, undefined, 'OVERLOADED'])
  faulty.isHolding = false
  commit.decide('ok')
  await faulty.turns()
  expect(asked.map(({ state }) => state)).toEqual(['ok', 'ok', 'failed'])
  expect(await client.enqueue([{ kind: 'k' }])).toEqual([{ id: 3, created: true }])
  await rest(faulty)
})

it('pauses between the tries of a parked poll on a full disk, and grants when there is room again', async () => {
  const faulty = await Faulty.open()
  const { client, time } = faulty
  const session = await client.openWorker({ name: 'w', host: 'h', pid: 1 })
  await client.enqueue([{ kind: 'k' }])
  faulty.isFull = true
  const before = faulty.batches.length
  const polled = follow(session.poll(POLL))
  await faulty.turns()
  for (let second = 0; second < 60; second++) await time.advance(1_000)
  expect(faulty.batches.length - before).toBeLessThan(60)
  expect(polled.state).toBe('pending')
  faulty.isFull = false
  await time.advance(2_000)
  await faulty.turns()
  expect(polled.value).toMatchObject([{ job: 1 }])
  await session.close()
  await rest(faulty)
})

it('refuses a command that waited while two commits failed, also when it was in neither', async () => {
  const { faulty, session } = await openAll()
  const { client } = faulty
  await client.enqueue([{ kind: 'k' }, { kind: 'k' }])
  const leases = await session.poll({ ...POLL, slots: 2 })
  const report = (index: number) =>
    follow(session.report([{ token: leases[index]?.token as string, outcome: { type: 'succeeded' } }]))
  faulty.isHolding = true
  const reports = [report(0)]
  const first = await faulty.nextHeld()
  // The key has to be looked up first whenever the shard is opened anew; the jobs that run are at hand.
  const added = follow(client.enqueue([{ kind: 'k', key: 'x' }]))
  reports.push(report(1))
  await faulty.turns()
  first.decide('refuse')
  const second = await faulty.nextHeld()
  expect([reports[0]?.code, reports[1]?.state, added.state]).toEqual(['STORE_FAILED', 'pending', 'pending'])
  second.decide('refuse')
  await faulty.turns()
  expect([reports[1]?.state, added.code]).toEqual(['pending', 'STORE_FAILED'])
  faulty.isHolding = false
  await faulty.time.advance(20)
  await faulty.turns()
  expect(reports[1]?.code).toBe('STORE_FAILED')
  expect((await client.list({})).jobs).toHaveLength(2)
  expect((await client.enqueue([{ kind: 'k', key: 'x' }]))[0]?.created).toBe(true)
  await session.close()
  await rest(faulty)
})

it('stands where it is durable', async () => {
  const { faulty, session } = await openAll()
  const { client } = faulty
  await client.enqueue([{ kind: 'other' }])
  const before = await client.position()
  faulty.isHolding = true
  const added = follow(client.enqueue([{ kind: 'k' }]))
  const commit = await faulty.nextHeld()
  expect(await client.position()).toEqual(before)
  commit.decide('ok')
  await faulty.turns()
  expect(added.state).toBe('ok')
  expect((await client.position()).sequence).toBe(before.sequence + 1)
  await session.close()
  await rest(faulty)
})

it('is there again after a read that failed, and pauses between one reload and the next', async () => {
  const faulty = await Faulty.open()
  const { client, engine } = faulty
  await client.enqueue([{ kind: 'k' }])
  const { epoch } = await client.position()
  const ask = (job: number) => follow(client.control(job, { verb: 'hold' }))
  faulty.failingLoads = 1
  const first = ask(2 ** 40)
  await faulty.turns()
  expect([first.code, engine.isOpen, (await client.position()).epoch]).toEqual([
    'STORE_FAILED',
    true,
    epoch + 1,
  ])
  for (const [index, pause] of [20, 40, 80].entries()) {
    faulty.failingLoads = 1
    const asked = ask(2 ** 40 + index)
    await faulty.turns()
    await faulty.time.advance(pause - 1)
    expect([asked.code, engine.isOpen]).toEqual(['STORE_FAILED', false])
    await faulty.time.advance(1)
    expect(engine.isOpen).toBe(true)
  }
  await faulty.time.advance(10_000)
  faulty.failingLoads = 1
  ask(2 ** 41)
  await faulty.turns()
  expect([engine.isOpen, (await client.position()).epoch]).toEqual([true, epoch + 5])
  expect((await client.control(1, { verb: 'hold' })).state).toBe('held')
  await rest(faulty)
})

it('never goes back in time, also when it is opened with a clock that was set back', async () => {
  const faulty = await Faulty.open()
  await faulty.client.enqueue([{ kind: 'k' }, { kind: 'k', delayMs: 1_000 }])
  const { createdAt } = await faulty.client.get(1)
  await faulty.client.close()
  faulty.time.step(-3_600_000)
  await faulty.reopen()
  const { client, engine } = faulty
  expect(engine.now()).toBe(createdAt)
  await client.enqueue([{ kind: 'k' }])
  expect((await client.get(3)).createdAt).toBe(createdAt)
  await faulty.time.advance(3_600_000 + 2_000)
  expect((await client.get(2)).state).toBe('ready')
  await rest(faulty)
})
