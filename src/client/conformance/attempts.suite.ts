/** Attempts: leases, tokens, reports, retries, and what does not count as one. */
import { expect, it } from 'vitest'
import type { Outcome } from '../../core/model/outcome.ts'
import type { Lease } from '../client.ts'
import type { World } from './world.suite.ts'

export function attemptTests(world: World): void {
  it('leases a job to one worker only', async () => {
    const ids = await world.addAll(Array.from({ length: 60 }, () => ({})))
    const sessions = await Promise.all([1, 2, 3].map((n) => world.openSession(`${world.name}-${n}`)))
    const request = { queues: [world.name], kinds: [world.name], slots: 20 }
    const leases = (await Promise.all(sessions.map((session) => session.poll(request)))).flat()
    expect(leases.map(({ job }) => job).toSorted((a, b) => a - b)).toEqual(ids)
    for (const session of sessions) await session.close()
  })

  it('gives a parked worker the next job that comes', async () => {
    const session = await world.session()
    const polled = session.poll({ queues: [world.name], kinds: ['nothing', world.name], slots: 5 })
    await world.settle()
    const id = await world.add({ input: 1 })
    expect((await polled).map(({ job }) => job)).toEqual([id])
    expect(await world.state(id)).toBe('running')
  })

  it('gives every parked worker its share when its kind appears', async () => {
    const [a, b] = await Promise.all([
      world.openSession(`${world.name}-a`),
      world.openSession(`${world.name}-b`),
    ])
    const request = { queues: [world.name], kinds: [world.name], slots: 1 }
    const first = a?.poll(request)
    await world.settle()
    const added = world.addAll([{}, {}])
    const second = b?.poll(request)
    const leases = (await Promise.all([first, second])).flatMap((leased) => leased ?? [])
    expect(leases.map(({ job }) => job).toSorted()).toEqual(await added)
    await a?.close()
    await b?.close()
  })

  it('resolves a poll empty when it is called off', async () => {
    const session = await world.session()
    const stop = new AbortController()
    const polled = session.poll({ queues: [world.name], kinds: [world.name], slots: 1 }, stop.signal)
    await world.settle()
    stop.abort()
    expect(await polled).toEqual([])
    const id = await world.add()
    expect(await world.state(id)).toBe('ready')
  })

  it('counts attempts and says which is the last', async () => {
    const id = await world.add({ options: { retry: { attempts: 3, minMs: 1_000, factor: 1, jitter: 0 } } })
    for (const attempt of [1, 2, 3]) {
      const lease = await world.leaseOne()
      expect(lease).toMatchObject({ attempt, attemptSinceRestart: attempt, isLastAttempt: attempt === 3 })
      await world.fail(lease)
      await world.time.advance(1_000)
    }
    expect(await world.client.wait(id)).toMatchObject({ state: 'failed', error: { code: 'HANDLER_FAILED' } })
    const { history } = await world.client.get(id)
    expect(history.map(({ number, outcome }) => [number, outcome])).toEqual([
      [1, 'failed'],
      [2, 'failed'],
      [3, 'failed'],
    ])
  })

  it('waits for the back-off of the policy, or for what the failure asks for', async () => {
    const id = await world.add({ options: { retry: { minMs: 1_000, factor: 3, jitter: 0, maxMs: 2_000 } } })
    await world.fail(await world.leaseOne())
    await world.time.advance(999)
    expect(await world.state(id)).toBe('scheduled')
    await world.time.advance(1)
    await world.fail(await world.leaseOne())
    expect((await world.client.get(id)).dueAt).toBe(world.time.now() + 2_000)
    await world.time.advance(2_000)
    await world.fail(await world.leaseOne(), { retryAfterMs: 77_000 })
    expect((await world.client.get(id)).dueAt).toBe(world.time.now() + 77_000)
  })

  it('ends at once where the failure or the policy says so', async () => {
    const [told, once, lostOnly] = await world.addAll([
      {},
      { options: { retry: { attempts: 1 } } },
      { options: { retry: { on: 'lost' } } },
    ])
    for (const lease of await world.lease(3)) {
      expect(lease.isLastAttempt).toBe(lease.job !== told)
      await world.fail(lease, lease.job === told ? { retry: false } : {})
    }
    expect(await world.states([told, once, lostOnly] as number[])).toEqual(['failed', 'failed', 'failed'])
  })

  it('burns no attempt by snooze and release', async () => {
    const id = await world.add({ options: { retry: { attempts: 2, minMs: 0 } } })
    await world.giveBack(await world.leaseOne())
    expect(await world.state(id)).toBe('ready')
    await world.giveBack(await world.leaseOne(), 5_000)
    expect(await world.state(id)).toBe('scheduled')
    await world.time.advance(5_000)
    const lease = await world.leaseOne()
    expect(lease).toMatchObject({ attempt: 3, attemptSinceRestart: 1, isLastAttempt: false })
    await world.fail(lease)
    await world.time.advance(1)
    expect(await world.leaseOne()).toMatchObject({ attempt: 4, attemptSinceRestart: 2, isLastAttempt: true })
    expect((await world.client.get(id)).history.map(({ outcome }) => outcome)).toEqual([
      'released',
      'snoozed',
      'failed',
      'running',
    ])
  })

  it('puts a released job before those that have never run', async () => {
    const [first, second] = await world.addAll([{}, {}])
    await world.giveBack(await world.leaseOne())
    expect(await world.runAll()).toEqual([first, second])
  })

  it('answers a report that is told again as the first time, and changes nothing', async () => {
    const session = await world.session()
    const error = { code: 'HANDLER_FAILED', message: 'it broke' }
    const outcomes: Outcome[] = [
      { type: 'succeeded' },
      { type: 'succeeded', result: { a: 1 } },
      { type: 'succeeded', result: 'x'.repeat(5_000) },
      { type: 'failed', error, retry: false },
      { type: 'failed', error },
      { type: 'cancelled', reason: 'enough' },
      { type: 'snoozed', delayMs: 1_000 },
      { type: 'released' },
    ]
    for (const outcome of outcomes) {
      const id = await world.add({ kind: `${world.name}-${outcomes.indexOf(outcome)}` })
      const { token } = await world.leaseOne(`${world.name}-${outcomes.indexOf(outcome)}`)
      expect(await session.report([{ token, outcome }])).toEqual([true])
      const before = await world.client.get(id)
      expect([outcome, await session.report([{ token, outcome }])]).toEqual([outcome, [true]])
      const others = outcomes.filter((other) => other.type !== outcome.type && other.type !== 'released')
      const isBack = outcome.type === 'released' || outcome.type === 'snoozed'
      for (const other of isBack ? others.filter(({ type }) => type !== 'snoozed') : others)
        expect([other, await session.report([{ token, outcome: other }])]).toEqual([other, [false]])
      expect(await world.client.get(id)).toEqual(before)
    }
  })

  it('tells a worker the truth whose attempt was cancelled, or ended without it', async () => {
    const options = { timeouts: { heartbeatMs: 1_000 }, retry: { minMs: 60_000 } }
    const [asked, forced, lost] = await world.addAll([{}, { options }, { options }])
    const leases = await world.lease(3)
    const of = (id: number | undefined) => leases.find(({ job }) => job === id) as Lease
    for (const id of [asked, forced]) await world.client.control(id as number, { verb: 'cancel' })
    expect(await world.giveBack(of(asked))).toBe(true)
    expect(await world.giveBack(of(asked))).toBe(true)
    expect(await world.succeed(of(asked))).toBe(false)
    await world.time.advance(2_000)
    for (const id of [forced, lost]) {
      expect(await world.succeed(of(id))).toBe(false)
      expect(await world.fail(of(id))).toBe(false)
      expect(await world.giveBack(of(id))).toBe(false)
    }
  })

  it('changes nothing for a stale token', async () => {
    const id = await world.add({ options: { retry: { minMs: 0 } } })
    const session = await world.session()
    const stale = await world.leaseOne()
    await world.fail(stale)
    await world.time.advance(1)
    const valid = await world.leaseOne()
    const before = await world.client.get(id)
    const error = { code: 'X', message: 'late' }
    for (const token of [stale.token, `${id}.2.${'0'.repeat(32)}`, '', 'x', '1.2', `${id}..`, `${id}.2.`]) {
      expect(
        await session.report([
          { token, outcome: { type: 'succeeded', result: 'late' } },
          { token, outcome: { type: 'failed', error } },
          { token, outcome: { type: 'cancelled' } },
          { token, outcome: { type: 'snoozed', delayMs: 1 } },
          { token, outcome: { type: 'released' } },
        ]),
      ).toEqual([false, false, false, false, false])
      await session.log([{ token, stream: 'log', text: 'late' }])
      session.progress(token, 0.5)
      expect((await session.heartbeat([token, valid.token])).lost).toEqual([token])
    }
    await world.settle()
    expect(await world.client.get(id)).toEqual(before)
    expect(await world.succeed(valid, 'in time')).toBe(true)
    expect(await world.succeed(valid, 'again')).toBe(false)
    expect((await world.client.wait(id)).result).toBe('in time')
  })

  it('takes many reports in one call, each for itself', async () => {
    const session = await world.session()
    await world.addAll([{}, {}, {}])
    const leases = await world.lease(3)
    const answers = await session.report([
      ...leases.map(({ token }) => ({ token, outcome: { type: 'succeeded' as const } })),
      { token: 'unknown', outcome: { type: 'succeeded' } },
    ])
    expect(answers).toEqual([true, true, true, false])
  })

  it('makes a result that cannot be kept the failure of its attempt', async () => {
    const [tooLarge, strange, when, noJson, good] = await world.addAll([{}, {}, {}, {}, {}])
    const session = await world.session()
    const leases = await world.lease(5)
    const outcomes = [
      { type: 'succeeded', result: 'x'.repeat(5_000_000) },
      { type: 'strange' },
      { type: 'snoozed', delayMs: 'soon' },
      { type: 'succeeded', result: { a: 1n } },
      { type: 'succeeded', result: 'good' },
    ]
    const reports = leases.map(({ token }, i) => ({ token, outcome: outcomes[i] as never }))
    expect(await session.report(reports)).toEqual([true, true, true, true, true])
    const codes = await Promise.all(
      [tooLarge, strange, when, noJson].map(
        async (id) => (await world.client.wait(id as number)).error?.code,
      ),
    )
    expect(codes).toEqual(['TOO_LARGE', 'INVALID_OPTION', 'INVALID_OPTION', 'NOT_SERIALIZABLE'])
    expect(await world.client.wait(good as number)).toMatchObject({ state: 'succeeded', result: 'good' })
  })

  it('gives nothing to a closed session', async () => {
    const session = await world.openSession(`${world.name}-closed`)
    await session.close()
    const poll = () => session.poll({ queues: [world.name], kinds: [world.name], slots: 1 })
    const id = await world.add()
    const answer = await poll().catch((error: unknown) => (error as { code: string }).code)
    expect(['CLOSED', []]).toContainEqual(answer)
    expect(await world.state(id)).toBe('ready')
  })

  it('lets nothing of a paused queue start, and all of it once it is resumed', async () => {
    await world.client.pauseQueue(world.name, true)
    const id = await world.add()
    expect(await world.lease()).toEqual([])
    const [counts] = await world.client.counts({ namespace: world.name })
    expect(counts?.paused).toBe(true)
    const session = await world.session()
    const polled = session.poll({ queues: [world.name], kinds: [world.name], slots: 1 })
    await world.settle()
    await world.client.pauseQueue(world.name, false)
    expect((await polled).map(({ job }) => job)).toEqual([id])
  })
}
