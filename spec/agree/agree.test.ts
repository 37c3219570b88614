/** Model and code agree, in both directions; and a difference between them is found. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { judge, record } from './record-jobs.ts'
import { replayJobs } from './replay-jobs.ts'
import { replayOwnership } from './replay-ownership.ts'

const TIMEOUT_MS = 120_000

describe('the model of jobs and the core', { timeout: TIMEOUT_MS }, () => {
  it('do the same with the commands of the model', async () => {
    const { traces, parted } = await replayJobs('jobs_sound', { runs: 30, steps: 40, seed: 1 })
    expect(parted).toBeUndefined()
    expect(traces).toBe(30)
  })

  it('part where the model has a defect', async () => {
    const { parted } = await replayJobs('jobs_broken', { runs: 10, steps: 40, seed: 1 })
    expect(parted).toMatch(/model \(expected\) and core \(found\) differ|the core does not allow it/)
  })

  it('do the same with random commands to the core; and a state that is not the core’s is refused', async () => {
    const recordings = Array.from({ length: 15 }, (_, i) => record(i + 1, 40))
    expect(await judge(recordings)).toBeUndefined()
    const [first = [], second = []] = recordings
    const spoilt = second.map((step, at) => (at === 30 ? { ...step, shard: second[20]!.shard } : step))
    expect(await judge([first, spoilt])).toMatchObject({ recording: 1, followed: 30 })
  })

  it('refuse a command that is not possible', async () => {
    const recording = record(3, 10)
    const last = recording.at(-1)!
    const token = { job: 1, attempt: 9, nonce: 1 }
    const impossible = [...recording, { ...last, command: { tag: 'Expire', value: token } as const }]
    expect(await judge([impossible])).toMatchObject({ recording: 0, followed: 10 })
  })
})

describe('the model of ownership', { timeout: TIMEOUT_MS }, () => {
  let folder: string
  let stores = 0
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'perdure-spec-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each([
    ['memory', () => createMemoryStore()],
    ['SQLite', () => createSqliteStore({ path: join(folder, `${stores++}.db`) })],
  ])('takes and fences the commits that the %s store does', async (_, makeStore) => {
    const { traces, parted } = await replayOwnership(makeStore, { runs: 15, steps: 50, seed: 1 })
    expect(parted).toBeUndefined()
    expect(traces).toBe(15)
  })
})
