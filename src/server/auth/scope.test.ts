/**
 * Namespaces are walls (S1): no answer, event or error to a caller of one holds anything of another, over a real node.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../client/client.ts'
import type { JobEvent } from '../../client/types.ts'
import { PerdureError } from '../../errors.ts'
import { GuardedNode } from './testdata/guarded-node.ts'

const CALLERS = ['producer+operator in acme', 'reader in acme,globex', 'admin in acme', 'admin'] as const
const SECRET = 'canary-5f1d'

let node: GuardedNode
let acme: Client
let both: Client
let own: number
let foreign: number

beforeAll(async () => {
  node = await GuardedNode.start(CALLERS)
  acme = await node.connect('producer+operator in acme')
  both = await node.connect('reader in acme,globex')
  const job = { queue: 'shared', kind: 'a', namespace: 'globex', key: SECRET, metadata: { note: SECRET } }
  const made = await node.client.enqueue([
    { ...job, input: SECRET },
    { kind: 'a', queue: 'q', namespace: 'other' },
  ])
  foreign = made[0]?.id ?? 0
  own = (await acme.enqueue([{ kind: 'a', queue: 'shared' }]))[0]?.id ?? 0
})
afterAll(() => node.close())

async function refusal(act: Promise<unknown>): Promise<PerdureError> {
  const thrown = await act.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof PerdureError) return thrown
  throw new Error('expected a refusal')
}

describe('a caller of one namespace', () => {
  it('has its jobs in that one without naming it', async () => {
    expect((await node.client.get(own)).namespace).toBe('acme')
    expect((await acme.get(own)).id).toBe(own)
    expect((await acme.list({})).jobs.map(({ id }) => id)).toEqual([own])
    expect((await acme.counts()).map(({ namespace }) => namespace)).toEqual(['acme'])
  })

  const byId: Record<string, (client: Client, id: number) => Promise<unknown>> = {
    get: (client, id) => client.get(id),
    control: (client, id) => client.control(id, { verb: 'cancel' }),
    wait: (client, id) => client.wait(id),
    signal: (client, id) => client.workflows.signal(id, 'go', SECRET),
    fork: (client, id) => client.workflows.fork(id),
    journal: (client, id) => client.workflows.journal(id),
    dependents: (client, id) => client.dependents(id),
    logs: async (client, id) => {
      for await (const _ of client.logs(id)) break
    },
    after: (client, id) => client.enqueue([{ kind: 'a', after: [{ job: id }] }]),
    parent: (client, id) => client.enqueue([{ kind: 'a', parent: id }]),
  }
  it.each(Object.entries(byId))('%s cannot tell a job of another one from none', async (_, act) => {
    const [theirs, nobodys] = [await refusal(act(acme, foreign)), await refusal(act(acme, 99_999))]
    expect(theirs.code).toBe('NOT_FOUND')
    const normal = ({ message, data }: PerdureError) => [message.replace(/\d+/g, 'N'), Object.keys(data)]
    expect(normal(theirs)).toEqual(normal(nobodys))
    expect((await node.client.get(foreign)).state).toBe('ready')
  })

  const named: Record<string, (client: Client) => Promise<unknown>> = {
    list: (client) => client.list({ namespace: 'globex' }),
    counts: (client) => client.counts({ namespace: 'globex' }),
    enqueue: (client) => client.enqueue([{ kind: 'a' }, { kind: 'a', namespace: 'globex' }]),
    watch: async (client) => {
      for await (const _ of client.watch({ namespace: 'globex' })) break
    },
  }
  it.each(Object.entries(named))('%s of another one is refused', async (_, act) => {
    const error = await refusal(act(acme))
    expect(error.code).toBe('DENIED')
    expect(error.message).not.toContain(SECRET)
    expect((await acme.list({})).jobs).toHaveLength(1)
  })

  it('finds nothing of others by ids, keys, metadata or queue', async () => {
    expect((await acme.list({ ids: [own, foreign] })).jobs.map(({ id }) => id)).toEqual([own])
    expect((await acme.list({ metadata: [{ name: 'note', value: SECRET }] })).jobs).toEqual([])
    expect((await acme.list({ queue: 'shared' })).jobs.map(({ id }) => id)).toEqual([own])
    const [made] = await acme.enqueue([{ kind: 'a', key: SECRET }])
    expect(made).toMatchObject({ created: true })
    await acme.control(made?.id ?? 0, { verb: 'cancel' })
    await acme.control(made?.id ?? 0, { verb: 'delete' })
  })

  it('hears nothing of others', async () => {
    const stop = new AbortController()
    const events: JobEvent[] = []
    const watching = (async () => {
      for await (const event of acme.watch({}, stop.signal)) {
        events.push(event)
        stop.abort()
      }
    })()
    // an answer on the same connection: the watch has begun
    await acme.position()
    await node.client.control(foreign, { verb: 'hold' })
    await node.client.control(foreign, { verb: 'release' })
    await node.client.control(own, { verb: 'hold' })
    await watching
    await node.client.control(own, { verb: 'release' })
    expect(events.map(({ id, state }) => [id, state])).toEqual([[own, 'held']])
  })

  it('sees of workers what they do for it', async () => {
    const session = await node.client.openWorker({ name: 'secret-host:1', host: 'h', pid: 1 })
    await session.tell({ state: 'working', startedAt: 1, kinds: [SECRET], queues: [], slots: 1, ended: {} })
    const leases = await session.poll({ queues: ['shared'], kinds: ['a'], slots: 9 })
    expect(leases.map(({ job }) => job).sort()).toEqual([own, foreign].sort())
    const seen = await acme.workers()
    expect(seen.flatMap(({ running }) => running.map(({ job }) => job))).toEqual([own])
    expect(JSON.stringify(seen)).not.toContain(SECRET)
    await session.report(leases.map(({ token }) => ({ token, outcome: { type: 'released' } as const })))
    expect(await acme.workers()).toEqual([])
    await session.close()
  })

  it('is told of its own neighbours only', async () => {
    const [other] = await node.client.enqueue([{ kind: 'a', namespace: 'globex', after: [{ job: own }] }])
    expect((await node.client.get(own)).dependents).toContain(other?.id)
    expect((await acme.get(own)).dependents).toEqual([])
    expect(await acme.dependents(own)).toEqual([])
  })
})

describe('a caller of some namespaces', () => {
  it('sees those and no more', async () => {
    expect((await both.get(foreign)).input).toBe(SECRET)
    const counted = new Set((await both.counts()).map(({ namespace }) => namespace))
    expect([...counted].sort()).toEqual(['acme', 'globex'])
    expect((await both.list({ namespace: 'globex' })).jobs.length).toBeGreaterThan(0)
  })

  it('says which one it means', async () => {
    expect((await refusal(both.list({}))).code).toBe('DENIED')
    expect((await refusal(both.list({ namespace: 'other' }))).code).toBe('DENIED')
  })
})
