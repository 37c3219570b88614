/** What is told of a job does not depend on what of it is still in memory when it may be told. */
import { expect, it } from 'vitest'
import { routeKey } from '../../core/model/rows.ts'
import { Absent } from '../../core/view.ts'
import { RESIDENCY } from '../../engine/residency.ts'
import { Faulty, follow } from '../../engine/testdata/faulty.ts'
import type { WorkerNotice, WorkerSession } from '../client.ts'

const FAR = { name: 'far', host: 'elsewhere.example', pid: 1 }
const poll = (queue: string, slots = 1) => ({ queues: [queue], kinds: ['k'], slots })

/** An engine that forgets all but one row of each kind as soon as a commit is durable. */
async function openForgetful(): Promise<{ faulty: Faulty; session: WorkerSession }> {
  const faulty = await Faulty.open({ residency: { ...RESIDENCY, others: 1 } })
  return { faulty, session: await faulty.client.openWorker(FAR) }
}

/** Reads other routes, as commands do that come between a grant and its commit. */
function crowdMemory({ engine }: Faulty): void {
  const { jobs, routes } = engine.workingSet
  for (const id of [901, 902, 903]) {
    const row = { id, class: id, namespace: 0, queue: 0, kind: 0, profile: 0 }
    routes.load(routeKey(row), row)
  }
  routes.durable(0)
  expect(() => routes.byId(jobs.peek(1)?.route ?? 0)).toThrow(Absent)
}

/** Brings in other routes, which take the places of those that were there. */
async function crowd({ client }: Faulty): Promise<void> {
  await client.enqueue(['x', 'y', 'z'].map((kind) => ({ kind, queue: 'crowd' })))
}

it('delivers a lease whose route was forgotten between the grant and its commit', async () => {
  const { faulty, session } = await openForgetful()
  const { client } = faulty
  await client.enqueue([
    { kind: 'k', queue: 'q', options: { timeouts: { heartbeatMs: 7_000, graceMs: 300 } } },
  ])
  faulty.isHolding = true
  const leased = follow(session.poll(poll('q')))
  const commit = await faulty.nextHeld()
  crowdMemory(faulty)
  commit.decide('ok')
  await faulty.turns()
  expect(leased.value).toMatchObject([{ job: 1, kind: 'k', queue: 'q', heartbeatMs: 7_000, graceMs: 300 }])
  await client.close()
})

it('delivers a lease whose commit landed without an answer', async () => {
  const { faulty, session } = await openForgetful()
  const { client } = faulty
  await client.enqueue([{ kind: 'k', queue: 'q', input: { n: 1 } }])
  faulty.isHolding = true
  const leased = follow(session.poll(poll('q')))
  const commit = await faulty.nextHeld()
  faulty.isHolding = false
  commit.decide('lose-ack')
  await faulty.turns()
  expect(leased.value).toMatchObject([{ job: 1, kind: 'k', queue: 'q', attempt: 1 }])
  await client.close()
})

it('says how long a forgotten job has to stop', async () => {
  const { faulty, session } = await openForgetful()
  const { client } = faulty
  const notices: WorkerNotice[] = []
  session.onNotice((notice) => notices.push(notice))
  await client.enqueue([{ kind: 'k', queue: 'q', options: { timeouts: { graceMs: 300 } } }])
  await session.poll(poll('q'))
  await crowd(faulty)
  await client.control(1, { verb: 'cancel' })
  await faulty.turns()
  expect(notices).toMatchObject([{ type: 'stop', reason: 'cancel', graceMs: 300 }])
  await client.close()
})

it('shows the events of one queue though its route was forgotten, and none of others', async () => {
  const { faulty, session } = await openForgetful()
  const { client } = faulty
  await client.enqueue(['q', 'p'].map((queue) => ({ kind: 'k', queue })))
  const leases = [...(await session.poll(poll('q'))), ...(await session.poll(poll('p')))]
  await crowd(faulty)
  const seen: string[] = []
  const stop = new AbortController()
  const watched = (async () => {
    for await (const { id, state } of client.watch({ queue: 'q' }, stop.signal)) seen.push(`${id} ${state}`)
  })()
  await session.report(leases.map(({ token }) => ({ token, outcome: { type: 'succeeded' } })))
  await faulty.turns()
  expect(seen).toEqual(['1 succeeded'])
  stop.abort()
  await watched
  await client.close()
})

it('gives each lease its own term after an opening, though their routes do not fit into memory', async () => {
  const { faulty, session } = await openForgetful()
  const terms = [1_000, 60_000, 2_000]
  await faulty.client.enqueue(
    terms.map((heartbeatMs) => ({ kind: 'k', queue: 'q', options: { timeouts: { heartbeatMs } } })),
  )
  expect(await session.poll(poll('q', 3))).toHaveLength(3)
  await faulty.client.close()
  await faulty.reopen()
  const { client } = faulty
  await faulty.time.advance(3_000)
  await faulty.turns()
  const { jobs } = await client.list({ order: 'oldest' })
  expect(jobs.map(({ state }) => state === 'running')).toEqual([false, true, false])
  await client.close()
})
