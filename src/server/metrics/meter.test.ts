import { describe, expect, it } from 'vitest'
import type { Client } from '../../client/client.ts'
import { openEmbedded } from '../embedded.ts'
import { Meter } from './meter.ts'

async function measured(): Promise<{ meter: Meter; client: Client }> {
  const meter = new Meter()
  return { meter, client: await openEmbedded({ store: 'memory', meter }) }
}

/** The value of a series, or undefined where there is none. */
function numberIn(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

describe('the meter', () => {
  it('counts a job through its life', async () => {
    const { meter, client } = await measured()
    await client.enqueue([{ kind: 'a' }, { kind: 'a' }, { kind: 'a', delayMs: 60_000 }])
    const session = await client.openWorker({ name: 'w', host: 'elsewhere.example', pid: 1 })
    const leases = await session.poll({ queues: ['default'], kinds: ['a'], slots: 2 })
    expect(numberIn((await meter.text(client)).text, 'perdure_leases')).toBe(2)
    await session.report([
      { token: leases[0]?.token ?? '', outcome: { type: 'succeeded' } },
      { token: leases[1]?.token ?? '', outcome: { type: 'released' } },
    ])
    const { text } = await meter.text(client)
    expect(numberIn(text, 'perdure_jobs_enqueued_total{state="ready"}')).toBe(2)
    expect(numberIn(text, 'perdure_jobs_enqueued_total{state="scheduled"}')).toBe(1)
    expect(numberIn(text, 'perdure_attempts_started_total{state="ready"}')).toBe(2)
    expect(numberIn(text, 'perdure_attempts_ended_total{state="succeeded"}')).toBe(1)
    expect(numberIn(text, 'perdure_attempts_ended_total{state="ready"}')).toBe(1)
    expect(numberIn(text, 'perdure_jobs_ended_total{state="succeeded"}')).toBe(1)
    expect(numberIn(text, 'perdure_ready_to_start_seconds_count')).toBe(2)
    expect(numberIn(text, 'perdure_due_to_start_seconds_count')).toBe(2)
    expect(numberIn(text, 'perdure_due_to_start_seconds_bucket{le="600"}')).toBe(2)
    expect(numberIn(text, 'perdure_due_to_start_seconds_bucket{le="+Inf"}')).toBe(2)
    expect(numberIn(text, 'perdure_commit_seconds_count')).toBeGreaterThan(1)
    expect(numberIn(text, 'perdure_leases')).toBe(0)
    expect(text).toContain('nodejs_eventloop_lag_seconds')
    await session.close()
    await client.close()
  })

  it('has no more series than 200 queues make, however many there are', async () => {
    const { meter, client } = await measured()
    await client.enqueue(Array.from({ length: 300 }, (_, n) => ({ kind: 'a', queue: `q${n}` })))
    const { text } = await meter.text(client)
    const series = text.split('\n').filter((line) => line.startsWith('perdure_jobs{'))
    expect(new Set(series.map((line) => /queue="([^"]+)"/.exec(line)?.[1])).size).toBe(201)
    expect(numberIn(text, 'perdure_jobs{queue="other",state="ready"}')).toBe(100)
    await client.close()
  })
})
