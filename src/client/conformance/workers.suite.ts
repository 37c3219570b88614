/** Workers: what each runs and says of itself, and jobs that are asked for by their urgency. */
import { expect, it } from 'vitest'
import type { WorkerStatus, WorkerView } from '../types.ts'
import type { World } from './world.suite.ts'

export function workerTests(world: World): void {
  const status = (more: Partial<WorkerStatus> = {}): WorkerStatus => ({
    state: 'working',
    startedAt: 1_700_000_000_000,
    kinds: [world.name],
    queues: [world.name],
    slots: 7,
    ended: { succeeded: 3, failed: 1 },
    ...more,
  })
  const own = async (name = world.name): Promise<WorkerView | undefined> =>
    (await world.client.workers()).find((worker) => worker.name === name)

  it('shows the workers, what they said last, and what each runs', async () => {
    const session = await world.session()
    expect(await own()).toMatchObject({ name: world.name, status: null, running: [] })
    session.tell(status())
    session.tell(status({ state: 'draining', lastError: 'no luck', supervisor: 17 }))
    await world.settle()
    const ids = await world.addAll([{}, {}])
    const leases = await session.poll({ queues: [world.name], kinds: [world.name], slots: 5 })
    await world.settle()
    const shown = await own()
    expect(shown?.host).toEqual(expect.any(String))
    expect(shown?.pid).toEqual(expect.any(Number))
    expect(shown?.status).toEqual(status({ state: 'draining', lastError: 'no luck', supervisor: 17 }))
    expect(shown?.running).toEqual(
      ids.map((job) => ({
        job,
        kind: world.name,
        queue: world.name,
        attempt: 1,
        startedAt: expect.any(Number),
      })),
    )
    await session.report(leases.map(({ token }) => ({ token, outcome: { type: 'succeeded' } })))
    expect((await own())?.running).toEqual([])
  })

  it('shows a worker that has gone as long as it holds leases', async () => {
    const name = `${world.name}-gone`
    const session = await world.openSession(name)
    const id = await world.add()
    const [lease] = await session.poll({ queues: [world.name], kinds: [world.name], slots: 1 })
    await session.close()
    await world.settle()
    expect(await own(name)).toMatchObject({ host: null, pid: null, status: null, running: [{ job: id }] })
    const other = await world.session()
    await other.report([{ token: lease?.token ?? '', outcome: { type: 'succeeded' } }])
    await world.settle()
    expect(await own(name)).toBeUndefined()
  })

  it('leases only what is more urgent, where that is asked for, and says how urgent each is', async () => {
    const session = await world.session()
    const request = { queues: [world.name], kinds: [world.name], slots: 5, once: true }
    await world.addAll([{ priority: 5 }, { priority: -2 }, { priority: 4 }])
    expect(await session.poll({ ...request, below: -2 })).toEqual([])
    const urgent = await session.poll({ ...request, below: 5 })
    expect(urgent.map(({ priority }) => priority)).toEqual([-2, 4])
    expect(await session.poll({ ...request, below: 5 })).toEqual([])
    expect((await session.poll(request)).map(({ priority }) => priority)).toEqual([5])
  })

  it('answers at once where it is told to, and leaves nothing parked', async () => {
    const session = await world.session()
    expect(await session.poll({ queues: [world.name], kinds: [world.name], slots: 1, once: true })).toEqual(
      [],
    )
    const id = await world.add()
    await world.settle()
    expect(await world.state(id)).toBe('ready')
  })
}
