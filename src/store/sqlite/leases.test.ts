/** Leases beside the rows: whoever asks sees them, whatever became of some of the jobs of one lease. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Client, Lease } from '../../client/client.ts'
import { createEmbeddedClient } from '../../client/embedded/client.ts'
import type { JobState } from '../../core/model/states.ts'
import { Engine } from '../../engine/engine.ts'
import { TestSurroundings } from '../../runtime/testdata/test-surroundings.ts'
import { createSqliteStore } from './sqlite-store.ts'

const JOBS = 200

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'perdure-leases-'))
  path = join(directory, 'store.db')
})

afterEach(() => rmSync(directory, { recursive: true }))

async function open(): Promise<Client> {
  return createEmbeddedClient(await Engine.open(createSqliteStore({ path }), new TestSurroundings()))
}

async function leaseSome(
  client: Client,
  slots: number,
): Promise<{ leases: Lease[]; report: (some: Lease[]) => Promise<boolean[]> }> {
  const session = await client.openWorker({ name: 'w', host: 'elsewhere.example', pid: 1 })
  const leases = await session.poll({ queues: ['default'], kinds: ['k'], slots })
  const report = (some: Lease[]) =>
    session.report(some.map(({ token }) => ({ token, outcome: { type: 'succeeded' as const } })))
  return { leases, report }
}

const idsOf = async (client: Client, state: JobState): Promise<number[]> =>
  (await client.list({ states: [state], limit: 1_000 })).jobs.map(({ id }) => id).sort((a, b) => a - b)

/** Members of the rows of leases, as they are on disk. */
function leased(): number[] {
  const db = new Database(path, { readonly: true })
  const ids = db.prepare('SELECT job FROM leased ORDER BY job').pluck().all() as number[]
  db.close()
  return ids
}

it('shows leased jobs as running in every read, and others as what they are', async () => {
  const client = await open()
  await client.enqueue(Array.from({ length: JOBS }, () => ({ kind: 'k' })))
  const { leases, report } = await leaseSome(client, 150)
  const ids = leases.map(({ job }) => job)
  expect(leased()).toEqual(ids)
  expect(await idsOf(client, 'running')).toEqual(ids)
  expect((await idsOf(client, 'ready')).length).toBe(50)
  expect(await client.get(ids[0] as number)).toMatchObject({
    state: 'running',
    attempts: 1,
    worker: 'w',
  })
  // every third, so that no row of leases is done with as a whole
  const some = leases.filter((_, index) => index % 3 === 0)
  expect(await report(some)).toEqual(some.map(() => true))
  const rest = leases.filter((_, index) => index % 3 !== 0).map(({ job }) => job)
  expect(leased()).toEqual(rest)
  expect(await idsOf(client, 'running')).toEqual(rest)
  expect(await idsOf(client, 'succeeded')).toEqual(some.map(({ job }) => job))
  expect(await client.check()).toEqual([])
  await client.close()
})

it('shows jobs that were leased in the moment in which they became due as running, and the others as scheduled', async () => {
  const surroundings = new TestSurroundings()
  const client = createEmbeddedClient(await Engine.open(createSqliteStore({ path }), surroundings))
  const jobs = await client.enqueue(Array.from({ length: JOBS }, () => ({ kind: 'k', delayMs: 60_000 })))
  const session = await client.openWorker({ name: 'w', host: 'elsewhere.example', pid: 1 })
  const polled = session.poll({ queues: ['default'], kinds: ['k'], slots: 150 })
  await surroundings.advance(60_000)
  const ids = (await polled).map(({ job }) => job)
  expect(ids).toEqual(jobs.slice(0, 150).map(({ id }) => id))
  expect(leased()).toEqual(ids)
  expect(await idsOf(client, 'running')).toEqual(ids)
  const late = await idsOf(client, 'scheduled')
  expect([...ids, ...late, ...(await idsOf(client, 'ready'))].sort((a, b) => a - b)).toEqual(
    jobs.map(({ id }) => id),
  )
  expect(await client.check()).toEqual([])
  await client.close()
  const second = await open()
  expect(await idsOf(second, 'running')).toEqual(ids)
  const { leases } = await leaseSome(second, JOBS)
  expect(leases.map(({ job }) => job)).toEqual(jobs.slice(150).map(({ id }) => id))
  expect(await second.check()).toEqual([])
  await second.close()
})

it('knows what runs when it is opened again, and takes the reports of it', async () => {
  const first = await open()
  await first.enqueue(Array.from({ length: JOBS }, () => ({ kind: 'k' })))
  const { leases } = await leaseSome(first, 100)
  // a change of a job that runs writes the whole of its row
  await first.control(leases[7]?.job as number, { verb: 'cancel', graceMs: 60_000 })
  await first.close()
  const second = await open()
  expect(await idsOf(second, 'running')).toEqual(leases.map(({ job }) => job))
  expect(await second.check()).toEqual([])
  const { leases: others, report } = await leaseSome(second, JOBS)
  expect(others.length).toBe(JOBS - leases.length)
  expect((await report(leases)).every((accepted) => accepted)).toBe(true)
  expect(leased()).toEqual(others.map(({ job }) => job))
  expect((await idsOf(second, 'succeeded')).length).toBe(leases.length)
  expect(await second.check()).toEqual([])
  await second.close()
})
