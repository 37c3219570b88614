/** At size: the largest calls, long chains, wide fans, many keys. In a store of their own, since each test checks all of it. */
import { expect, it } from 'vitest'
import { codeOf, type World } from './world.suite.ts'

export function sizeTests(world: World): void {
  it('takes 10,000 jobs a call, none, and refuses one more', async () => {
    expect(await world.client.enqueue([])).toEqual([])
    const job = world.spec()
    expect(await codeOf(() => world.client.enqueue(new Array(10_001).fill(job)))).toBe('TOO_LARGE')
    expect(await world.client.enqueue(new Array(10_000).fill(job))).toHaveLength(10_000)
    const [counts] = await world.client.counts({ namespace: world.name })
    expect(counts?.states.ready).toBe(10_000)
  })

  it('grants as many leases as are asked for', async () => {
    const jobs = Array.from({ length: 10_000 }, () => world.spec())
    await world.client.enqueue(jobs)
    await world.client.enqueue(jobs)
    const leases = await world.lease(20_000)
    expect(leases).toHaveLength(20_000)
    const reports = leases.map(({ token }) => ({ token, outcome: { type: 'succeeded' as const } }))
    await (await world.session()).report(reports)
  })

  it('starts 5,000 jobs that are due at one moment', async () => {
    const ids = await world.addAll(Array.from({ length: 5_000 }, () => ({ delayMs: 60_000 })))
    await world.time.advance(60_000)
    expect(await world.runAll()).toEqual(ids)
  })

  it('carries a failure down a chain of 5,000', async () => {
    const ids = await world.addAll(
      Array.from({ length: 5_000 }, (_, i) => (i === 0 ? {} : { after: [{ index: i - 1 }] })),
    )
    expect(await world.client.dependents(ids[0] as number)).toHaveLength(4_999)
    expect(await world.client.dependents(ids[0] as number, 3)).toEqual(ids.slice(1, 4))
    await world.fail(await world.leaseOne(), { retry: false })
    await world.client.wait(ids.at(-1) as number)
    const [counts] = await world.client.counts({ namespace: world.name })
    expect(counts?.states.failed).toBe(5_000)
  })

  it('joins a fan of 9,999', async () => {
    const ids = await world.addAll([
      ...Array.from({ length: 9_999 }, () => ({})),
      { kind: `${world.name}-join`, after: Array.from({ length: 9_999 }, (_, index) => ({ index })) },
    ])
    const join = ids.at(-1) as number
    await world.runAll()
    expect(await world.state(join)).toBe('ready')
  })

  it('opens a fan of 9,999 with one end', async () => {
    const ids = await world.addAll([
      { kind: `${world.name}-first` },
      ...Array.from({ length: 9_999 }, () => ({ after: [{ index: 0 }] })),
    ])
    await world.succeed(await world.leaseOne(`${world.name}-first`))
    const blocked = async () => (await world.client.counts({ namespace: world.name }))[0]?.states.blocked
    // In several commits, which follow without anybody asking.
    while ((await blocked()) !== 0) await world.settle()
    expect(await world.runAll()).toEqual(ids.slice(1))
  })

  it('keeps 20,000 keys apart', async () => {
    for (let call = 0; call < 2; call++) {
      const specs = Array.from({ length: 10_000 }, (_, i) => ({
        limits: [{ key: `${world.name}-${call * 5_000 + (i % 5_000)}`, max: 1 }],
      }))
      await world.addAll(specs)
    }
    const [counts] = await world.client.counts({ namespace: world.name })
    expect(counts?.states).toMatchObject({ ready: 10_000, waiting: 10_000 })
    const order = await world.runAll()
    expect(new Set(order).size).toBe(20_000)
  })
}
