/** L10 and the promise of the worker: every lease ends in exactly one report that counts, or in a known loss. */

import { afterEach, expect, it, vi } from 'vitest'
import type { Outcome } from '../core/model/outcome.ts'
import type { Executor } from '../executors/executor.ts'
import { fc, times } from '../std/testdata/properties.ts'
import type { AttemptEndEvent } from './events.ts'
import { type FakeSession, type Fault, makeLease, startWorker } from './testdata/fake-session.ts'
import { settle } from './testdata/test-time.ts'

/** The lease term of the fake. */
const TERM = 30_000

interface Job {
  readonly after: number
  readonly outcome: Outcome
  readonly style: 'now' | 'soon' | 'later' | 'on abort' | 'deaf' | 'never' | 'throws' | 'blocks'
}

const outcome = fc.constantFrom<Outcome>(
  { type: 'succeeded', result: { a: 1 } },
  { type: 'succeeded', result: 1n },
  { type: 'failed', error: { code: 'HANDLER_FAILED', message: 'no' } },
  { type: 'cancelled' },
  { type: 'snoozed', delayMs: 5 },
)
const style = fc.constantFrom<Job['style']>(
  'now',
  'soon',
  'later',
  'on abort',
  'deaf',
  'never',
  'throws',
  'blocks',
)
const job = fc.record({ after: fc.integer({ min: 0, max: 40_000 }), outcome, style })
const step = fc.oneof(
  fc.record({
    do: fc.constant('offer' as const),
    count: fc.integer({ min: 1, max: 8 }),
    limit: fc.constantFrom(0, 300, 20_000),
  }),
  fc.record({
    do: fc.constantFrom('expire' as const, 'cancel' as const, 'lose' as const),
    which: fc.nat(50),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 30_000 }) }),
  fc.record({ do: fc.constant('again' as const), which: fc.nat(50) }),
  fc.record({
    do: fc.constantFrom('stall' as const, 'offer and stall' as const),
    ms: fc.integer({ min: 1_000, max: 60_000 }),
  }),
)
const fault = fc.constantFrom<Fault>(
  ...Array<Fault>(8).fill(undefined),
  { code: 'UNAVAILABLE' },
  { code: 'UNKNOWN_OUTCOME', takesEffect: true },
  { code: 'STORE_FAILED' },
)
const scenario = fc.record({
  jobs: fc.array(job, { minLength: 1, maxLength: 12 }),
  steps: fc.array(step, { minLength: 1, maxLength: 20 }),
  faults: fc.array(fault, { minLength: 1, maxLength: 40 }),
  concurrency: fc.integer({ min: 1, max: 10 }),
  jitter: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 }),
})

type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never

/** What the handlers saw. */
interface Seen {
  readonly starts: Map<string, number>
  /** Attempts that began after their lease had run out, whether or not somebody had noticed. */
  readonly startedLate: string[]
}

/** Handlers that do as their jobs say. */
function handler(jobs: readonly Job[], { starts, startedLate }: Seen, world: () => World): Executor['run'] {
  return (attempt, control) => {
    const { session, time } = world()
    starts.set(attempt.token, (starts.get(attempt.token) ?? 0) + 1)
    const renewedAt = session.renewedAt.get(attempt.token) ?? Number.NEGATIVE_INFINITY
    if (time.monotonic() >= renewedAt + TERM) startedLate.push(attempt.token)
    const { after, outcome, style } = jobs[attempt.job % jobs.length] as Job
    control.log('log', 'begins')
    if (style === 'throws') throw new Error('thrown')
    if (style === 'blocks') time.block(after)
    if (style === 'now' || style === 'blocks') return outcome
    if (style === 'soon') return Promise.resolve(outcome)
    return new Promise((resolve) => {
      if (style === 'later' || style === 'deaf') time.after(after, () => resolve(outcome))
      if (style !== 'never' && style !== 'deaf')
        control.signal.addEventListener('abort', () => resolve(outcome))
    })
  }
}

type World = ReturnType<typeof startWorker>

/** Does to one of the leases what an engine might. */
function meddle(
  session: FakeSession,
  what: 'again' | 'cancel' | 'expire' | 'lose',
  token: string | undefined,
): void {
  if (token === undefined) return
  if (what === 'again') session.force([makeLease(Number(token.slice(1)), { token })])
  else if (what === 'cancel') session.notify(token, 'cancel', 500)
  else session.expire(token)
  if (what === 'lose') session.notify(token, 'lease-lost')
}

async function play({ jobs, steps, faults, concurrency, jitter }: Scenario): Promise<void> {
  // pauses are part of the scenario: what was found is to be found again
  let drawn = 0
  vi.spyOn(Math, 'random').mockImplementation(() => jitter[drawn++ % jitter.length] as number)
  const seen: Seen = { starts: new Map(), startedLate: [] }
  const world: World = startWorker(
    handler(jobs, seen, () => world),
    { concurrency },
  )
  const { worker, session, time } = world
  session.clock = () => time.monotonic()
  const ends: AttemptEndEvent[] = []
  worker.on('attempt', (event) => ends.push(event))
  let calls = 0
  session.fault = () => faults[calls++ % faults.length]
  const offered: string[] = []
  const granted = () => offered.filter((token) => session.live.has(token))
  for (const one of steps) {
    if (one.do === 'offer') {
      offered.push(...session.offer(one.count, { startToCloseMs: one.limit, graceMs: 500 }))
    } else if (one.do === 'wait') {
      await time.advance(one.ms)
    } else if ('ms' in one) {
      if (one.do === 'offer and stall') offered.push(...session.offer(2, { graceMs: 500 }))
      time.block(one.ms)
    } else {
      meddle(session, one.do, granted()[one.which % Math.max(1, granted().length)])
    }
    await settle()
    expect(worker.running).toBeLessThanOrEqual(concurrency)
    expect(worker.running).toBeGreaterThanOrEqual(0)
  }
  const taken = () => offered.length - session.backlog
  session.fault = () => undefined
  const stopped = worker.stop({ drainMs: 1_000 })
  await time.advance(120_000)
  await stopped

  // every lease that was granted has exactly one end
  expect(ends).toHaveLength(taken())
  expect(new Set(ends.map(({ token }) => token)).size).toBe(taken())
  expect(worker.running).toBe(0)
  expect(seen.startedLate).toEqual([])
  expect(session.reportedAfterLoss).toEqual([])
  // none ran twice
  for (const count of seen.starts.values()) expect(count).toBe(1)
  for (const { token, outcome } of ends) {
    // what the worker says was recorded was, and as it says; what it calls lost was not
    const recorded = session.ended.get(token)
    if (outcome === 'lost') expect(recorded).toBeUndefined()
    else expect(recorded?.type).toBe(outcome)
  }
  // nothing is left that nobody knows of
  expect([...session.live]).toEqual([])
  expect(time.waiting).toBeLessThanOrEqual(seen.starts.size)
}

afterEach(() => void vi.restoreAllMocks())

it('every lease ends in exactly one report, or in a known loss', async () => {
  await fc.assert(fc.asyncProperty(scenario, play), times(300))
})
