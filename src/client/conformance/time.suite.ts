/** Time: leases that run out, time limits, and what clocks may do. */
import { expect, it } from 'vitest'
import type { JobSpec } from '../types.ts'
import type { World } from './world.suite.ts'

export function timeTests(world: World): void {
  const withTimeouts = (timeouts: NonNullable<JobSpec['options']>['timeouts']): JobSpec => ({
    options: { timeouts: timeouts ?? {}, retry: { attempts: 2, minMs: 1_000, jitter: 0 } },
  })

  it('loses an attempt that is not heard of for its lease, and says WORKER_LOST', async () => {
    const id = await world.add(withTimeouts({ heartbeatMs: 10_000 }))
    const lease = await world.leaseOne()
    await world.time.advance(9_500)
    expect(await world.state(id)).toBe('running')
    await world.time.advance(1_000)
    const job = await world.client.get(id)
    expect(job).toMatchObject({ state: 'scheduled', attempts: 1, error: { code: 'WORKER_LOST' } })
    expect(job.history).toMatchObject([{ number: 1, outcome: 'lost', worker: world.name }])
    expect(await world.succeed(lease)).toBe(false)
    expect((await (await world.session()).heartbeat([lease.token])).lost).toEqual([lease.token])
  })

  it('ends a held job when the time for the whole of it is over, and no other', async () => {
    const options = { timeouts: { scheduleToCloseMs: 10_000, scheduleToStartMs: 1_000 } }
    const [held, released, other] = await world.addAll([{ options }, { options }, {}])
    for (const id of [held, released, other]) await world.client.control(id as number, { verb: 'hold' })
    await world.time.advance(9_000)
    expect(await world.states([held, released, other] as number[])).toEqual(['held', 'held', 'held'])
    await world.client.control(released as number, { verb: 'release' })
    await world.succeed(await world.leaseOne())
    await world.time.advance(1_500)
    expect(await world.client.wait(held as number)).toMatchObject({
      state: 'failed',
      error: { code: 'TIMEOUT', data: { limit: 'schedule-to-close' } },
    })
    expect(await world.states([released, other] as number[])).toEqual(['succeeded', 'held'])
  })

  it('keeps an attempt that is renewed, however long it takes', async () => {
    const id = await world.add(withTimeouts({ heartbeatMs: 10_000 }))
    const lease = await world.leaseOne()
    for (let i = 0; i < 5; i++) {
      await world.time.advance(9_000)
      expect(await (await world.session()).heartbeat([lease.token])).toEqual({ lost: [] })
    }
    expect(await world.state(id)).toBe('running')
    expect(await world.succeed(lease)).toBe(true)
  })

  it('ends a job that loses every worker', async () => {
    const id = await world.add(withTimeouts({ heartbeatMs: 1_000 }))
    await world.leaseOne()
    await world.time.advance(3_000)
    await world.leaseOne()
    await world.time.advance(3_000)
    expect(await world.client.wait(id)).toMatchObject({ state: 'failed', error: { code: 'WORKER_LOST' } })
    expect(await world.lease()).toEqual([])
  })

  it('runs a job again whose worker was lost, even where failures are not tried again', async () => {
    const id = await world.add({
      options: { retry: { on: 'lost', minMs: 0 }, timeouts: { heartbeatMs: 1_000 } },
    })
    await world.leaseOne()
    await world.time.advance(2_000)
    expect(await world.state(id)).toBe('ready')
  })

  it('loses nobody because the wall clock was set', async () => {
    const id = await world.add(withTimeouts({ heartbeatMs: 10_000 }))
    const lease = await world.leaseOne()
    await world.time.advance(1_000)
    world.time.step(3_600_000)
    await world.time.advance(1_000)
    expect(await world.state(id)).toBe('running')
    world.time.step(-3_600_000)
    await world.time.advance(1_000)
    expect(await world.succeed(lease)).toBe(true)
    // Shard time never goes back, so the next tests would wait for the clock to come round.
    world.time.step(3_600_000)
  })

  it('gives every lease a fresh term after the owner itself was away', async () => {
    const id = await world.add(withTimeouts({ heartbeatMs: 10_000 }))
    const lease = await world.leaseOne()
    await world.time.sleep(60_000)
    expect(await world.state(id)).toBe('running')
    expect(await world.succeed(lease)).toBe(true)
  })

  it('ends a job that does not start in time', async () => {
    const id = await world.add({ delayMs: 500, ...withTimeouts({ scheduleToStartMs: 1_000 }) })
    await world.time.advance(1_499)
    expect(await world.state(id)).toBe('ready')
    await world.time.advance(1)
    const end = await world.client.wait(id)
    expect(end).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
    expect(end.error?.data).toMatchObject({ limit: 'schedule-to-start' })
  })

  it('counts a start as late only while it could happen', async () => {
    const timeouts = withTimeouts({ scheduleToStartMs: 1_000 })
    const [first, blocked] = await world.addAll([{}, { ...timeouts, after: [{ index: 0 }] }])
    const drained = await world.add({ ...timeouts, kind: `${world.name}-b` })
    const drainedLease = await world.leaseOne(`${world.name}-b`)
    const lease = await world.leaseOne()
    expect(lease.job).toBe(first)
    await world.time.advance(5_000)
    expect(await world.states([blocked as number, drained])).toEqual(['blocked', 'running'])
    await world.giveBack(drainedLease)
    await world.succeed(lease)
    await world.time.advance(900)
    expect(await world.states([blocked as number, drained])).toEqual(['ready', 'ready'])
    await world.time.advance(100)
    expect(await world.states([blocked as number, drained])).toEqual(['failed', 'failed'])
  })

  it('ends a job whose whole time is over, wherever it stands', async () => {
    const timeouts = withTimeouts({ scheduleToCloseMs: 10_000, graceMs: 100 })
    const [waits, , blocked, group, delayed] = await world.addAll([
      timeouts,
      { kind: `${world.name}-never` },
      { ...timeouts, after: [{ index: 1 }] },
      { ...timeouts, after: [{ index: 1 }] },
      { ...timeouts, delayMs: 3_600_000 },
    ])
    await world.time.advance(9_999)
    const ids = [waits, blocked, group, delayed] as number[]
    expect(await world.states(ids)).toEqual(['ready', 'blocked', 'blocked', 'scheduled'])
    await world.time.advance(1)
    expect(await world.states(ids)).toEqual(['failed', 'failed', 'failed', 'failed'])
    expect((await world.client.wait(waits as number)).error?.data).toMatchObject({
      limit: 'schedule-to-close',
    })
  })

  it('tells a worker the shorter of its time limits, and ends an attempt that ignores it', async () => {
    const id = await world.add(
      withTimeouts({
        startToCloseMs: 60_000,
        scheduleToCloseMs: 20_000,
        graceMs: 1_000,
        heartbeatMs: 600_000,
      }),
    )
    await world.time.advance(5_000)
    const lease = await world.leaseOne()
    expect(lease.startToCloseMs).toBe(15_000)
    await world.time.advance(15_000)
    expect(await world.state(id)).toBe('running')
    await world.time.advance(3_000)
    expect(await world.client.wait(id)).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
    expect(await world.succeed(lease)).toBe(false)
  })

  it('tries an attempt again that ran out of time', async () => {
    const id = await world.add(withTimeouts({ startToCloseMs: 5_000, graceMs: 500, heartbeatMs: 600_000 }))
    await world.leaseOne()
    await world.time.advance(6_000 + 500)
    const job = await world.client.get(id)
    expect(job.state).toBe('scheduled')
    expect(job.history).toMatchObject([{ number: 1, outcome: 'timeout', error: { code: 'TIMEOUT' } }])
  })

  it('deletes ended jobs when their retention is over, each kind for itself', async () => {
    const HOUR = 3_600_000
    const options = { retention: { succeededMs: 0, failedMs: HOUR, cancelledMs: 2 * HOUR } }
    const [done, failed, cancelled, kept, live] = await world.addAll([
      { options, input: 'x'.repeat(5_000), metadata: { a: 'b' }, key: 'k' },
      { options },
      { options },
      { options: { retention: { succeededMs: Number.POSITIVE_INFINITY } } },
      { options, kind: `${world.name}-live` },
    ])
    await world.client.control(cancelled as number, { verb: 'cancel' })
    for (const lease of await world.lease(10)) {
      if (lease.job === failed) await world.fail(lease, { retry: false })
      else await world.succeed(lease)
    }
    // The purge looks at a bounded number of rows at a time, so it may need several reads.
    const becomes = async (ids: unknown[]) => {
      for (let i = 0; i < 100 && (await left()).length > ids.length; i++) await world.settle()
      expect(await left()).toEqual(ids)
    }
    const left = async () =>
      (await world.client.list({ namespace: world.name, order: 'oldest' })).jobs.map((job) => job.id)
    await becomes([done, failed, cancelled, kept, live])
    await world.time.advance(61_000)
    await becomes([failed, cancelled, kept, live])
    await world.time.sleep(HOUR)
    await world.time.advance(60_000)
    await becomes([cancelled, kept, live])
    await world.time.sleep(HOUR)
    await world.time.advance(60_000)
    await becomes([kept, live])
  })
}
