/** Placement: which worker gets jobs with requirements, what they reserve, and why one gets none. */
import { expect, it } from 'vitest'
import type { Requirements, WorkerAttributes } from '../../core/model/requirements.ts'
import type { Lease, WorkerSession } from '../client.ts'
import type { JobSpec, WorkerStatus } from '../types.ts'
import { codeOf, type World } from './world.suite.ts'

const GIB = 2 ** 30
const NODE: WorkerAttributes = {
  hosts: ['node1.example', 'node1'],
  addresses: ['10.1.2.3', 'fd00::17'],
  platform: 'linux/x64',
  user: 'worker',
  uid: 1_000,
  group: 'workers',
  gid: 1_000,
  isRoot: false,
  mounts: [
    { path: '/', type: 'ext4', isNetwork: false },
    { path: '/net', type: 'nfs4', isNetwork: true },
  ],
  cpus: 4,
  memory: 8 * GIB,
  labels: ['gpu=a100', 'big'],
}

export function placementTests(world: World): void {
  const status = (attributes: Partial<WorkerAttributes>, more: Partial<WorkerStatus> = {}): WorkerStatus => ({
    state: 'working',
    startedAt: 1_700_000_000_000,
    kinds: [world.name],
    queues: [world.name],
    slots: 7,
    ended: {},
    attributes: { ...NODE, ...attributes },
    ...more,
  })
  const worker = async (name: string, attributes: Partial<WorkerAttributes> = {}): Promise<WorkerSession> => {
    const session = await world.openSession(`${world.name}-${name}`)
    session.tell(status(attributes))
    await world.settle()
    return session
  }
  const take = (session: WorkerSession, slots = 10): Promise<Lease[]> =>
    session.poll({ queues: [world.name], kinds: [world.name], slots, once: true })
  const jobs = (leases: readonly Lease[]): number[] => leases.map(({ job }) => job)
  const end = (session: WorkerSession, lease: Lease | undefined): Promise<boolean[]> =>
    session.report([{ token: lease?.token ?? '', outcome: { type: 'succeeded' } }])
  const needing = (requires: Requirements, more: JobSpec = {}): JobSpec => ({
    ...more,
    options: { requires },
  })
  const why = async (id: number): Promise<string | null> => (await world.client.get(id)).unplaced

  const MATCHES: readonly Requirements[] = [
    { hosts: ['node*'] },
    { hosts: ['NODE1'] },
    { hosts: ['!node7*'] },
    { hosts: ['other', 'node?.example'] },
    { networks: ['10.0.0.0/8'] },
    { networks: ['fd00::/8', '!192.168.0.0/16'] },
    { platforms: ['linux/*'] },
    { platforms: ['Linux/amd64'] },
    { labels: ['big', 'gpu=*'] },
    { labels: ['!slow'] },
    { user: 'worker', group: '1000' },
    { cpus: 4, memory: 8 * GIB },
  ]
  it('leases to a worker that meets all requirements', async () => {
    const session = await worker('fit')
    for (const requires of MATCHES) {
      const id = await world.add(needing(requires))
      const leases = await take(session)
      expect(jobs(leases)).toEqual([id])
      await end(session, leases[0])
    }
    await session.close()
  })

  const MISSES: readonly (readonly [Requirements, string])[] = [
    [{ hosts: ['other*'] }, 'no worker matches: host other* excludes the only worker here'],
    [{ hosts: ['node*', '!node1'] }, 'no worker matches: host !node1 node* excludes the only worker here'],
    [{ networks: ['10.2.0.0/16'] }, 'no worker matches: network 10.2.0.0/16 excludes the only worker here'],
    [{ networks: ['!10.0.0.0/8'] }, 'no worker matches: network !10.0.0.0/8 excludes the only worker here'],
    [{ platforms: ['linux/arm64'] }, 'no worker matches: platform linux/arm64 excludes the only worker here'],
    [{ labels: ['big', 'tape'] }, 'no worker matches: label big tape excludes the only worker here'],
    [{ user: 'root' }, 'no worker matches: user root excludes the only worker here'],
    [{ cpus: 64 }, 'needs 64 cpus; the largest worker has 4'],
    [{ memory: 9 * GIB }, 'needs 9GiB of memory; the largest worker has 8GiB'],
  ]
  it('never leases to another, and says why', async () => {
    const session = await worker('unfit')
    for (const [requires, reason] of MISSES) {
      const id = await world.add(needing(requires))
      expect(await take(session)).toEqual([])
      expect(await why(id)).toBe(reason)
      const { jobs: listed } = await world.client.list({ ids: [id] })
      expect(listed[0]?.unplaced).toBe(reason)
      await world.client.control(id, { verb: 'cancel' })
      expect(await why(id)).toBeNull()
    }
    await session.close()
  })

  it('counts workers per reason, and says nothing when one of them can', async () => {
    const id = await world.add(needing({ hosts: ['!node1'], labels: ['big'] }))
    expect(await why(id)).toBe('no worker is here for its queue and kind')
    const first = await worker('one')
    const second = await worker('two', { hosts: ['node2'], labels: [] })
    const both = 'no worker matches: host !node1 excludes 1, label big excludes 1 of the 2 workers here'
    expect(await why(id)).toBe(both)
    const third = await worker('three', { hosts: ['node3'] })
    expect(await why(id)).toBeNull()
    for (const session of [first, second, third]) await session.close()
  })

  it('leases what needs nothing to a worker that says nothing of itself, and nothing else', async () => {
    const session = await world.session()
    const plain = await world.add()
    await world.add(needing({ cpus: 1 }))
    expect(jobs(await take(session))).toEqual([plain])
  })

  it('gives a parked worker a job as soon as it says that it fits', async () => {
    const session = await worker('late', { labels: [] })
    const id = await world.add(needing({ labels: ['big'] }))
    const leases = session.poll({ queues: [world.name], kinds: [world.name], slots: 1 })
    await world.settle()
    session.tell(status({}))
    expect(jobs(await leases)).toEqual([id])
    await session.close()
  })

  it('asks whether paths exist, and leases where they do', async () => {
    const session = await worker('paths')
    const asked: (readonly string[])[] = []
    const answered = Promise.withResolvers<void>()
    session.onNotice((notice) => {
      if (notice.type !== 'look') return
      asked.push(notice.paths)
      answered.resolve()
    })
    const id = await world.add(needing({ paths: ['/data', '/net/in'] }))
    const leases = session.poll({ queues: [world.name], kinds: [world.name], slots: 1 })
    await answered.promise
    expect(asked).toEqual([['/data', '/net/in']])
    // not known yet is no reason
    expect(await why(id)).toBeNull()
    session.tell(status({}, { paths: { '/data': true, '/net/in': false } }))
    await world.settle()
    expect(await why(id)).toBe('no worker matches: path /data /net/in excludes the only worker here')
    session.tell(status({}, { paths: { '/data': true, '/net/in': true } }))
    expect(jobs(await leases)).toEqual([id])
    await session.close()
  })

  it('never gives away more than a worker has, and gives it on when it comes back', async () => {
    const session = await worker('share')
    const [one, two, three] = await world.addAll([
      needing({ cpus: 3 }),
      needing({ cpus: 3 }),
      needing({ cpus: 1, memory: 8 * GIB }),
    ])
    const first = await take(session)
    expect(jobs(first).sort()).toEqual([one, three].sort())
    const next = session.poll({ queues: [world.name], kinds: [world.name], slots: 5 })
    await world.settle()
    // a failure with a later try gives it back as well as a success
    const lease = first.find(({ job }) => job === one)
    await session.report([
      {
        token: lease?.token ?? '',
        outcome: { type: 'failed', error: { code: 'HANDLER_FAILED', message: 'no' } },
      },
    ])
    expect(jobs(await next)).toEqual([two])
    await session.close()
  })

  it('lets smaller jobs pass one that does not fit, but not for ever', async () => {
    const session = await worker('pass')
    const small = needing({ cpus: 1 })
    await world.addAll([small, small])
    const held = await take(session)
    expect(held).toHaveLength(2)
    const large = await world.add(needing({ cpus: 4 }))
    const waiting = await world.addAll(Array.from({ length: 100 }, () => small))
    const passed: number[] = []
    for (;;) {
      const [lease] = await take(session, 1)
      if (lease === undefined) break
      passed.push(lease.job)
      await end(session, lease)
    }
    expect(passed).toEqual(waiting.slice(0, passed.length))
    expect(passed.length).toBeGreaterThan(10)
    expect(passed.length).toBeLessThan(50)
    for (const lease of held) await end(session, lease)
    expect(jobs(await take(session, 1))).toEqual([large])
    await session.close()
  })

  it('gives longer jobs before others of equal standing, and then those whose files are near', async () => {
    const session = await worker('hints')
    const sizes = [5, 0, 9, 5, 5]
    const paths = ['/net/a', '', '/net/b', '/home/c', '/net/d']
    const ids = await world.addAll(
      sizes.map((durationMs, i) => ({ hint: { durationMs, path: paths[i] as string } })),
    )
    const order = [2, 3, 0, 4, 1].map((at) => ids[at])
    const leases = await take(session)
    expect(jobs(leases)).toEqual(order)
    for (const lease of leases) await end(session, lease)
    await session.close()
  })

  it('lets hints choose among equals only, and passes nobody for ever', async () => {
    const session = await worker('equals')
    const [late] = await world.addAll([{ priority: 1, hint: { durationMs: 1e6 } }])
    const ids = await world.addAll(Array.from({ length: 100 }, (_, i) => ({ hint: { durationMs: 1 + i } })))
    const order: (number | undefined)[] = []
    for (let [lease] = await take(session, 1); lease !== undefined; [lease] = await take(session, 1)) {
      order.push(lease.job)
      await end(session, lease)
    }
    expect(order).toHaveLength(101)
    expect(order.at(-1)).toBe(late)
    // longer ones first, and yet nobody further from its place than a block is wide
    expect(order.slice(0, 100)).not.toEqual(ids)
    for (const [at, id] of ids.entries()) expect(Math.abs(order.indexOf(id) - at)).toBeLessThan(32)
    await session.close()
  })

  const MALFORMED: readonly Record<string, unknown>[] = [
    { hosts: ['node['] },
    { hosts: [''] },
    { networks: ['10.0.0.0/33'] },
    { networks: ['node1'] },
    { platforms: ['a/b/c'] },
    { paths: ['data'] },
    { labels: ['a\nb'] },
    { cpus: 0 },
    { cpus: 1.5 },
    { memory: 0 },
    { color: 'red' },
  ]
  it('refuses what is malformed by name', async () => {
    for (const requires of MALFORMED)
      expect(await codeOf(() => world.add(needing(requires as Requirements)))).toBe('INVALID_OPTION')
  })
}
