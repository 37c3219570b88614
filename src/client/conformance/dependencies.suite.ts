/** Dependencies: any order, every policy, chains and fans, groups, cycles. */
import { expect, it } from 'vitest'
import type { EdgePolicy } from '../types.ts'
import { codeOf, refusal, type World } from './world.suite.ts'

export function dependencyTests(world: World): void {
  it('runs a graph in its order, however it was handed in', async () => {
    const [end, middle, start] = await world.addAll([
      { after: [{ index: 1 }, { index: 2 }] },
      { after: [{ index: 2 }] },
      {},
    ])
    expect(await world.states([end, middle, start] as number[])).toEqual(['blocked', 'blocked', 'ready'])
    expect(await world.client.get(end as number)).toMatchObject({
      pendingDependencies: 2,
      dependsOn: [middle, start],
      dependents: [],
    })
    expect(await world.client.dependents(start as number)).toEqual([end, middle])
    expect(await world.runAll()).toEqual([start, middle, end])
  })

  it.each<[EdgePolicy, string]>([
    ['fail', 'failed'],
    ['cancel', 'cancelled'],
    ['run', 'ready'],
  ])('of policy %s leaves a dependent %s when a job fails', async (onFailure, state) => {
    const [job, dependent, further] = await world.addAll([
      {},
      { after: [{ index: 0, onFailure }] },
      { after: [{ index: 1 }] },
    ])
    await world.fail(await world.leaseOne(), { retry: false })
    expect(await world.state(dependent as number)).toBe(state)
    if (state === 'ready') return
    const end = await world.client.wait(dependent as number)
    expect(end.error).toMatchObject({
      code: 'DEPENDENCY_FAILED',
      data: { dependency: job, cause: 'HANDLER_FAILED' },
    })
    expect(await world.client.wait(further as number)).toMatchObject({
      state: 'failed',
      error: { data: { dependency: dependent, cause: 'DEPENDENCY_FAILED' } },
    })
  })

  it('goes by each edge for itself', async () => {
    const [bad, , both] = await world.addAll([
      {},
      { kind: `${world.name}-b` },
      { after: [{ index: 0, onFailure: 'run' }, { index: 1 }] },
    ])
    await world.client.control(bad as number, { verb: 'cancel' })
    expect(await world.state(both as number)).toBe('blocked')
    await world.succeed(await world.leaseOne(`${world.name}-b`))
    expect(await world.state(both as number)).toBe('ready')
  })

  it('takes dependencies that have ended already', async () => {
    const [good, bad] = await world.addAll([{}, {}])
    for (const lease of await world.lease(2)) {
      if (lease.job === good) await world.succeed(lease)
      else await world.fail(lease, { retry: false })
    }
    const ids = await world.addAll([
      { after: [{ job: good as number }] },
      { after: [{ job: bad as number }] },
      { after: [{ job: bad as number, onFailure: 'cancel' }] },
      { after: [{ job: bad as number, onFailure: 'run' }] },
      { after: [{ index: 1 }] },
    ])
    expect(await world.states(ids)).toEqual(['ready', 'failed', 'cancelled', 'ready', 'failed'])
  })

  it('survives the end of dependents that were cancelled or deleted', async () => {
    const [job, cancelled, deleted] = await world.addAll([
      {},
      { after: [{ index: 0 }] },
      { after: [{ index: 0 }] },
    ])
    for (const id of [cancelled, deleted]) await world.client.control(id as number, { verb: 'cancel' })
    await world.client.control(deleted as number, { verb: 'delete' })
    expect((await world.client.control(cancelled as number, { verb: 'restart' })).state).toBe('blocked')
    expect(await world.runAll()).toEqual([job, cancelled])
  })

  it('refuses cycles, itself, and what does not exist, and leaves nothing behind', async () => {
    const spec = world.spec()
    const cycles = [
      [{ ...spec, after: [{ index: 0 }] }],
      [
        { ...spec, after: [{ index: 2 }] },
        { ...spec, after: [{ index: 0 }] },
        { ...spec, after: [{ index: 1 }] },
      ],
      // The second stands for the first, which so would wait for itself.
      [
        { ...spec, key: 'k', after: [{ index: 1 }] },
        { ...spec, key: 'k' },
      ],
    ]
    for (const jobs of cycles) {
      const error = await refusal(() => world.client.enqueue(jobs))
      expect(error.code).toBe('CYCLE')
      expect(error.message).toMatch(/positions 0 -> .*0|positions \d/)
    }
    expect(await codeOf(() => world.client.enqueue([{ ...spec, after: [{ job: 2 ** 45 }] }]))).toBe(
      'NOT_FOUND',
    )
    expect(await codeOf(() => world.client.enqueue([{ ...spec, after: [{ index: 1 }] }]))).toBe(
      'INVALID_OPTION',
    )
    expect((await world.client.list({ namespace: world.name })).jobs).toEqual([])
  })

  it('follows a key to the position that has it', async () => {
    const [dependent, job] = await world.addAll([
      { kind: `${world.name}-d`, after: [{ index: 2 }] },
      { key: 'k' },
      { key: 'k' },
    ])
    await world.succeed(await world.leaseOne())
    expect(await world.state(job as number)).toBe('succeeded')
    expect(await world.state(dependent as number)).toBe('ready')
  })

  it('ends a group with the last of its members, or at once when it has none', async () => {
    const added = await world.client.enqueue([
      world.spec(),
      world.spec(),
      { queue: world.name, namespace: world.name, after: [{ index: 0 }, { index: 1 }] },
      world.spec({ kind: `${world.name}-next`, after: [{ index: 2 }] }),
      { queue: world.name, namespace: world.name },
    ])
    const [, , group, next, empty] = added.map(({ id }) => id) as [number, number, number, number, number]
    expect(await world.states([group, next, empty])).toEqual(['blocked', 'blocked', 'succeeded'])
    await world.runAll()
    expect(await world.states([group, next])).toEqual(['succeeded', 'ready'])
    expect(await world.client.get(group)).toMatchObject({ kind: null, attempts: 0 })
  })
}
