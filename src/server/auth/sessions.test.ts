/**
 * A lease belongs to the caller that it was granted to (L2): another one's report, heartbeat or output changes nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GuardedNode } from './testdata/guarded-node.ts'

const CALLERS = ['worker of q', 'worker', 'worker of other'] as const
const mine = { name: 'w', host: 'h', pid: 1, instance: 'i' }

let node: GuardedNode

beforeAll(async () => {
  node = await GuardedNode.start(CALLERS)
})
afterAll(() => node.close())

async function post(caller: string, call: string, body: object): Promise<{ status: number; body: never }> {
  const response = await fetch(`${node.served.url}/perdure.v1.WorkerService/${call}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...node.headers(caller) },
    body: JSON.stringify({ worker: mine, ...body }),
  })
  return { status: response.status, body: (await response.json()) as never }
}

async function lease(): Promise<{ job: number; token: string }> {
  const [made] = await node.client.enqueue([{ kind: 'a', queue: 'q' }])
  const poll = { queues: ['q'], kinds: ['a'], slots: 1 }
  const { body } = await post('worker of q', 'Poll', poll)
  const { leases } = body as { leases: { job: number; token: string }[] }
  expect(leases[0]?.job).toBe(made?.id)
  return leases[0] as { job: number; token: string }
}

describe('a lease', () => {
  it('is of no use to another caller who learned its token', async () => {
    const { job, token } = await lease()
    const report = { reports: [{ token, outcome: 'succeeded' }] }
    expect((await post('worker', 'Report', report)).body).toEqual({ accepted: [false] })
    expect((await post('worker', 'Heartbeat', { tokens: [token] })).body).toMatchObject({ lost: [token] })
    await post('worker', 'Log', { entries: [{ token, stream: 'stdout', text: 'forged' }] })
    await post('worker', 'Open', { held: [token] })
    const lines = []
    for await (const line of node.client.logs(job)) lines.push(line)
    expect(lines).toEqual([])
    expect((await node.client.get(job)).state).toBe('running')
    expect((await post('worker of q', 'Report', report)).body).toEqual({ accepted: [true] })
    expect((await node.client.get(job)).state).toBe('succeeded')
  })

  it('stays with its caller among reports of others', async () => {
    const { job, token } = await lease()
    const [made] = await node.client.enqueue([{ kind: 'a', queue: 'free' }])
    const { body } = await post('worker', 'Poll', { queues: ['free'], kinds: ['a'], slots: 1 })
    const own = (body as { leases: { token: string }[] }).leases[0]?.token
    const reports = [token, own].map((one) => ({ token: one, outcome: 'succeeded' }))
    expect((await post('worker', 'Report', { reports })).body).toEqual({ accepted: [false, true] })
    expect((await node.client.get(job)).state).toBe('running')
    expect((await node.client.get(made?.id ?? 0)).state).toBe('succeeded')
  })
})

describe('a worker of named queues', () => {
  it.each([[['q', 'free']], [['free']], [['default']]])('may not poll %j', async (queues) => {
    const { status } = await post('worker of q', 'Poll', { queues, kinds: ['a'], slots: 1 })
    expect(status).toBe(403)
  })

  it('may not poll others over an exchange', async () => {
    const client = await node.connect('worker of other')
    const session = await client.openWorker({ name: 'x', host: 'h', pid: 1 })
    const poll = session.poll({ queues: ['q'], kinds: ['a'], slots: 1 })
    await expect(poll).rejects.toMatchObject({ code: 'DENIED' })
    await session.close()
  })
})
