/** Limits and fairness: never over the bound, nobody forgotten, everybody's turn. */
import { expect, it } from 'vitest'
import type { Lease } from '../client.ts'
import type { ControlVerb, JobSpec } from '../types.ts'
import type { World } from './world.suite.ts'

export function limitTests(world: World): void {
  const limited = (max: number, ...keys: string[]): JobSpec => ({
    limits: keys.map((key) => ({ key: `${world.name}-${key}`, max })),
  })

  it('belong to a namespace: one key in two of them is two limits', async () => {
    const limits = [{ key: world.name, max: 1 }]
    const first = await world.add({ limits })
    const second = await world.add({ limits, namespace: `${world.name}-b` })
    expect((await world.client.get(second))?.limits).toEqual([world.name])
    expect((await world.lease(2)).map(({ job }) => job)).toEqual([first, second])
  })

  it('never runs more than the bound, and grants in order', async () => {
    const ids = await world.addAll(Array.from({ length: 12 }, () => limited(3, 'a')))
    const order: number[] = []
    for (let leases = await world.lease(100); leases.length > 0; leases = await world.lease(100)) {
      expect(leases).toHaveLength(3)
      order.push(...leases.map(({ job }) => job))
      for (const lease of leases) await world.succeed(lease)
    }
    expect(order).toEqual(ids)
  })

  it('hands a slot on with whatever ends its holder', async () => {
    const options = { timeouts: { heartbeatMs: 1_000 }, retry: { attempts: 9, minMs: 3_600_000 } }
    const ids = await world.addAll(Array.from({ length: 6 }, () => ({ ...limited(1, 'a'), options })))
    const [failed, snoozed, lost, held, cancelled, last] = ids as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    await world.fail(await world.leaseOne())
    await world.giveBack(await world.leaseOne(), 3_600_000)
    expect((await world.leaseOne()).job).toBe(lost)
    await world.time.advance(2_000)
    await world.client.control(held, { verb: 'hold' })
    await world.client.control(cancelled, { verb: 'cancel' })
    expect((await world.leaseOne()).job).toBe(last)
    expect(await world.states([failed, snoozed, lost])).toEqual(['scheduled', 'scheduled', 'scheduled'])
  })

  it('keeps its slot when it is given back unfinished', async () => {
    const [first] = await world.addAll([limited(1, 'a'), limited(1, 'a')])
    await world.giveBack(await world.leaseOne())
    expect((await world.leaseOne()).job).toBe(first)
    expect(await world.lease()).toEqual([])
  })

  it('takes any number of limits, and holds all of them while it runs', async () => {
    const many = Array.from({ length: 16 }, (_, i) => `l${i}`)
    const [all, one, other] = await world.addAll([limited(1, ...many), limited(1, 'l15'), limited(1, 'x')])
    expect(await world.states([all, one, other] as number[])).toEqual(['ready', 'waiting', 'ready'])
    await world.runAll()
    expect(await world.states([all, one, other] as number[])).toEqual(['succeeded', 'succeeded', 'succeeded'])
  })

  it('cannot be deadlocked by opposite orders', async () => {
    const orders = [
      ['a', 'b', 'c'],
      ['c', 'b', 'a'],
      ['b', 'c', 'a'],
    ]
    const ids = await world.addAll(
      Array.from({ length: 30 }, (_, i) => limited(1, ...(orders[i % 3] as string[]))),
    )
    const running = new Set<number>()
    for (let i = 0; i < 30; i++) {
      const [lease, more] = await world.lease(5)
      expect(more).toBeUndefined()
      running.add((lease as Lease).job)
      await world.succeed(lease as Lease)
    }
    expect([...running].toSorted((a, b) => a - b)).toEqual(ids)
  })

  it('grants at once when a bound is raised, and takes nothing away when it is lowered', async () => {
    const ids = await world.addAll(Array.from({ length: 6 }, () => limited(1, 'a')))
    const raised = await world.add(limited(3, 'a'))
    expect(await world.states([...ids.slice(0, 4), raised])).toEqual([
      'ready',
      'ready',
      'ready',
      'waiting',
      'waiting',
    ])
    const leases = await world.lease(10)
    expect(leases).toHaveLength(3)
    await world.add(limited(1, 'a'))
    for (const lease of leases.slice(0, 2)) await world.succeed(lease)
    expect(await world.lease(10)).toEqual([])
    await world.succeed(leases[2] as Lease)
    expect(await world.lease(10)).toHaveLength(1)
  })

  it('goes by the bound that a call names last, for all of its jobs', async () => {
    const ids = await world.addAll([limited(1, 'a'), limited(1, 'a'), limited(3, 'a')])
    expect(await world.states(ids)).toEqual(['ready', 'ready', 'ready'])
  })

  it('forgets nobody who moves from one line to the next', async () => {
    await world.addAll([
      { ...limited(1, 'a'), key: 'x1' },
      { ...limited(1, 'b'), key: 'x2' },
    ])
    const both = await world.add(limited(1, 'a', 'b'))
    expect(await world.state(both)).toBe('waiting')
    await world.addAll([
      { key: 'x1', onConflict: 'replace' },
      { key: 'x2', onConflict: 'replace' },
    ])
    expect(await world.state(both)).toBe('ready')
  })

  it('forgets nobody when two bounds are raised by one call', async () => {
    await world.addAll([limited(1, 'a'), limited(1, 'b')])
    const both = await world.add(limited(1, 'a', 'b'))
    await world.add(limited(2, 'a', 'b'))
    expect(await world.state(both)).toBe('ready')
  })

  it('does not let a tenant with 5,000 jobs delay the first of another', async () => {
    const many = await world.addAll(Array.from({ length: 5_000 }, () => ({ fairKey: `${world.name}-many` })))
    const few = await world.addAll([{ fairKey: `${world.name}-few` }, { fairKey: `${world.name}-few` }])
    const leased = (await world.lease(4)).map(({ job }) => job)
    expect(leased).toEqual([many[0], few[0], many[1], few[1]])
  })

  it.each<ControlVerb>([{ verb: 'cancel' }, { verb: 'hold' }, { verb: 'snooze', delayMs: 60_000 }])(
    'does not make a key wait for jobs that were taken out of its line: $verb',
    async (verb) => {
      const limits = [{ key: world.name, max: 40 }]
      const backlog = Array.from({ length: 50 }, () => ({ fairKey: `${world.name}-many`, limits }))
      for (const id of await world.addAll(backlog)) await world.client.control(id, verb)
      const order = [await world.add({ fairKey: `${world.name}-many` })]
      order.push(...(await world.addAll([1, 2].map(() => ({ fairKey: `${world.name}-few` })))))
      expect(await world.runAll()).toEqual(order)
    },
  )

  it('is fair between namespaces where nothing else is said', async () => {
    const many = await world.addAll(Array.from({ length: 100 }, () => ({})))
    const few = await world.add({ namespace: `${world.name}-b` })
    expect((await world.lease(2)).map(({ job }) => job)).toEqual([many[0], few])
  })

  it('takes one key in two namespaces for two', async () => {
    const many = await world.addAll(Array.from({ length: 3 }, () => ({ fairKey: world.name })))
    const [own] = await world.addAll([{ fairKey: world.name, namespace: `${world.name}-b` }])
    expect((await world.lease(3)).map(({ job }) => job)).toEqual([many[0], own, many[1]])
  })

  it('serves keys by their weight', async () => {
    const of = (key: string, weight: number): JobSpec[] =>
      Array.from({ length: 60 }, () => ({ fairKey: `${world.name}-${key}`, options: { weight } }))
    const heavy = new Set(await world.addAll(of('heavy', 3)))
    await world.addAll(of('light', 1))
    const leased = await world.lease(40)
    const share = leased.filter(({ job }) => heavy.has(job)).length
    expect(share).toBeGreaterThanOrEqual(29)
    expect(share).toBeLessThanOrEqual(31)
  })

  it('is first in, first out within a key', async () => {
    const keys = ['a', 'b', 'c', 'a', 'a', 'b', 'c', 'c', 'a', 'b']
    const ids = await world.addAll(keys.map((key) => ({ fairKey: `${world.name}-${key}` })))
    const order = await world.runAll()
    for (const key of ['a', 'b', 'c']) {
      const mine = ids.filter((_, i) => keys[i] === key)
      expect(order.filter((id) => mine.includes(id))).toEqual(mine)
    }
  })

  it('does not make a busy queue wait for the past of a new one', async () => {
    await world.addAll(Array.from({ length: 300 }, () => ({})))
    await world.runAll()
    const old = await world.add()
    await world.addAll(Array.from({ length: 300 }, () => ({ queue: `${world.name}-new` })))
    const session = await world.session()
    const request = { queues: [`${world.name}-new`, world.name], kinds: [world.name], slots: 3 }
    expect((await session.poll(request)).map(({ job }) => job)).toContain(old)
  })
}
