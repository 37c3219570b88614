/** Model and code agree, in both directions; and a difference between them is found. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { judge, record } from './record-jobs.ts'
import { replayJobs } from './replay-jobs.ts'
import { ownershipTraces, replayOwnership } from './replay-ownership.ts'

const TIMEOUT_MS = 120_000

describe('the model of jobs and the core', { timeout: TIMEOUT_MS }, () => {
  it('do the same with the commands of the model', async () => {
    const { traces, parted } = await replayJobs('jobs_sound', { runs: 20, steps: 40, seed: 1 })
    expect(parted).toBeUndefined()
    expect(traces).toBe(20)
  })

  it('part where the model has a defect', async () => {
    const { parted } = await replayJobs('jobs_broken', { runs: 10, steps: 40, seed: 1 })
    expect(parted).toMatch(/model \(expected\) and core \(found\) differ|the core does not allow it/)
  })

  it('do the same with random commands to the core; a command that is not possible is refused', async () => {
    const recordings = Array.from({ length: 10 }, (_, i) => record(i + 1, 40))
    const begun = record(3, 10)
    const token = { job: 1, attempt: 9, nonce: 1 }
    const impossible = { ...begun.at(-1)!, command: { tag: 'Expire', value: token } as const }
    const refusal = await judge([...recordings, [...begun, impossible]])
    expect(refusal).toMatchObject({ recording: 10, followed: 10 })
    expect(refusal?.text).toContain('Expire({ job: 1, attempt: 9, nonce: 1 })')
  })

  it('part where a state of the core is another', async () => {
    const recording = record(2, 40)
    const spoilt = recording.map((step, at) => (at === 30 ? { ...step, shard: recording[20]!.shard } : step))
    expect(await judge([spoilt])).toMatchObject({ recording: 0, followed: 30 })
  })
})

describe('the model of ownership', { timeout: TIMEOUT_MS }, () => {
  let folder: string
  let stores = 0
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'perdure-spec-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('takes and fences the commits that the stores do', async () => {
    const runs = await ownershipTraces({ runs: 30, steps: 50, seed: 1 })
    const memory = await replayOwnership(runs, () => createMemoryStore())
    expect(memory).toEqual({ traces: 30, steps: 1_500, parted: undefined })
    const sqlite = await replayOwnership(runs.slice(0, 4), () =>
      createSqliteStore({ path: join(folder, `${stores++}.db`) }),
    )
    expect(sqlite).toEqual({ traces: 4, steps: 200, parted: undefined })
  })

  it('parts from a store that does something else', async () => {
    const last = { tag: 'Claim', value: 'a' }
    const run = [{ last, world: { store: { epoch: 9, sequence: 0 } } }]
    const { parted } = await replayOwnership([run], () => createMemoryStore())
    expect(parted).toBe('step 0: opened at 1/0, the model at 9/0')
  })
})
