import { describe, expect, it } from 'vitest'
import type { Outcome } from '../core/model/outcome.ts'
import { PerdureError } from '../errors.ts'
import type { AttemptControl } from '../executors/executor.ts'
import { executor, FakeSession, makeLease, startWorker } from './testdata/fake-session.ts'
import { settle, TestTime } from './testdata/test-time.ts'
import { createWorker } from './worker.ts'

const DONE: Outcome = { type: 'succeeded' }

/** Ends when told so, or as soon as it is aborted. */
function obedient() {
  const ends: ((outcome: Outcome) => void)[] = []
  const reasons: unknown[] = []
  const run = (_: unknown, { signal }: AttemptControl) =>
    new Promise<Outcome>((resolve) => {
      ends.push(resolve)
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason)
        resolve({ type: 'failed', error: { code: 'HANDLER_FAILED', message: 'aborted' } })
      })
    })
  return { run, ends, reasons }
}

describe('stop', () => {
  it('accepts no more work, waits for what runs, and closes', async () => {
    const { run, ends, reasons } = obedient()
    const { worker, session } = startWorker(run)
    const events: string[] = []
    worker.on('draining', ({ running }) => events.push(`draining ${running}`))
    worker.on('drained', ({ unrecorded }) => events.push(`drained ${unrecorded}`))
    session.offer(1)
    await settle()
    const stopped = worker.stop().then(() => events.push('stopped'))
    session.offer(1)
    await settle()
    expect(session.parked).toEqual([])
    expect(session.backlog).toBe(1)
    expect(worker.state).toBe('draining')
    ends[0]?.(DONE)
    await stopped
    expect(events).toEqual(['draining 1', 'drained 0', 'stopped'])
    expect(reasons).toEqual([])
    expect([...session.ended]).toEqual([['t1', DONE]])
    expect([worker.state, session.isClosed]).toEqual(['stopped', true])
  })

  it('asks what still runs to end when the time is up, and gives it back', async () => {
    const { run, reasons } = obedient()
    const { worker, session, time } = startWorker(run)
    session.offer(2)
    await settle()
    const stopped = worker.stop({ drainMs: 3_000 })
    await time.advance(2_999)
    expect(reasons).toEqual([])
    await time.advance(1)
    await stopped
    expect(reasons).toEqual(['drain', 'drain'])
    expect([...session.ended.values()]).toEqual([{ type: 'released' }, { type: 'released' }])
  })

  it('gives back what ignores the signal, after its grace', async () => {
    const { worker, session, time } = startWorker(() => new Promise(() => {}))
    session.offer(1, { graceMs: 2_000 })
    await settle()
    const stopped = worker.stop({ drainMs: 0 })
    await time.advance(2_999)
    expect(session.ended.size).toBe(0)
    await time.advance(1)
    await stopped
    expect(session.ended.get('t1')).toEqual({ type: 'released' })
  })

  it('renews leases while it waits', async () => {
    const { run, ends } = obedient()
    const { worker, session, time } = startWorker(run)
    session.offer(1)
    await settle()
    const stopped = worker.stop({ drainMs: 1_000_000 })
    await time.advance(100_000)
    expect(session.beats.length).toBeGreaterThan(8)
    ends[0]?.(DONE)
    await stopped
    expect(session.ended.get('t1')).toEqual(DONE)
  })

  it('can be hurried, and not slowed down', async () => {
    const { worker, session, time } = startWorker(() => new Promise(() => {}))
    session.offer(1, { graceMs: 60_000 })
    await settle()
    const stopped = worker.stop({ drainMs: 1_000 })
    void worker.stop({ drainMs: 500_000 })
    await time.advance(1_000)
    expect(session.ended.size).toBe(0)
    void worker.stop({ drainMs: 0, graceMs: 0 })
    await time.advance(1_000)
    await stopped
    expect(session.ended.get('t1')).toEqual({ type: 'released' })
  })

  it('gives back leases that were on their way', async () => {
    const { worker, session } = startWorker(() => DONE)
    await settle()
    const stopped = Promise.all([session.force([makeLease(1), makeLease(2)]), worker.stop()])
    await stopped
    expect([...session.ended.values()]).toEqual([{ type: 'released' }, { type: 'released' }])
  })

  it('closes each executor once', async () => {
    let closed = 0
    const one = { ...executor(() => DONE), close: () => Promise.resolve(void closed++) }
    const { worker } = startWorker(() => DONE, { executors: { a: one, b: one } })
    await Promise.all([worker.stop(), worker.stop()])
    await worker[Symbol.asyncDispose]()
    expect(closed).toBe(1)
  })

  it('leaves no timer behind', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    session.offer(3)
    await time.advance(5_000)
    await worker.stop()
    expect(time.waiting).toBe(0)
  })

  it('does not wait for ever for an engine that does not answer', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    session.fault = (call) => (call === 'report' ? { code: 'UNAVAILABLE' } : undefined)
    session.offer(2)
    await settle()
    const drained: unknown[] = []
    worker.on('drained', (event) => drained.push(event))
    const stopped = worker.stop()
    await time.advance(9_900)
    expect(worker.state).toBe('draining')
    await time.advance(200)
    await stopped
    expect(drained).toEqual([{ unrecorded: 2 }])
  })

  it('works before the session is there', async () => {
    const session = new FakeSession()
    const time = new TestTime()
    let open = (_: FakeSession): void => {}
    const client = { openWorker: () => new Promise<FakeSession>((resolve) => (open = resolve)) }
    const worker = createWorker({
      client,
      executors: { work: executor(() => DONE) },
      clock: time,
      timers: time,
    })
    const stopped = worker.stop()
    open(session)
    await stopped
    expect([worker.state, session.isClosed, session.polls.length]).toEqual(['stopped', true, 0])
  })
})

describe('opening', () => {
  const options = (openWorker: () => Promise<FakeSession>, time: TestTime) => ({
    ...{ client: { openWorker }, executors: { work: executor(() => DONE) }, clock: time, timers: time },
  })

  it('is tried again while that can help', async () => {
    const time = new TestTime()
    const session = new FakeSession()
    let tries = 0
    const openWorker = () =>
      ++tries < 4 ? Promise.reject(new PerdureError('UNAVAILABLE', 'not yet')) : Promise.resolve(session)
    const worker = createWorker(options(openWorker, time))
    const errors: Error[] = []
    worker.on('error', (error) => errors.push(error))
    await time.advance(10_000)
    await worker.ready
    expect([tries, errors.length, worker.state]).toEqual([4, 3, 'working'])
    await worker.stop()
  })

  it('ends the worker when it cannot be', async () => {
    const time = new TestTime()
    const worker = createWorker(options(() => Promise.reject(new PerdureError('DENIED', 'no')), time))
    const errors: Error[] = []
    worker.on('error', (error) => errors.push(error))
    await expect(worker.ready).rejects.toMatchObject({ code: 'DENIED' })
    await worker.stop()
    expect(errors).toHaveLength(1)
    expect(worker.state).toBe('stopped')
  })
})

describe('a session that is closed under the worker', () => {
  it('loses all leases, and stops the worker', async () => {
    const { run, reasons } = obedient()
    const { worker, session, time, errors } = startWorker(run)
    const outcomes: string[] = []
    worker.on('attempt', ({ outcome }) => outcomes.push(outcome))
    session.offer(2)
    await settle()
    session.fault = () => ({ code: 'CLOSED' })
    await time.advance(10_000)
    await worker.stop()
    expect(errors[0]).toMatchObject({ code: 'CLOSED' })
    expect(reasons).toEqual(['lease-lost', 'lease-lost'])
    expect(outcomes).toEqual(['lost', 'lost'])
    expect(session.reports).toEqual([])
  })
})

describe('events', () => {
  it('tell when the worker is idle: at first, and after work', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    let idle = 0
    worker.on('idle', () => idle++)
    await time.advance(19)
    expect(idle).toBe(0)
    await time.advance(1)
    expect(idle).toBe(1)
    await time.advance(5_000)
    expect(idle).toBe(1)
    session.offer(3)
    await time.advance(100)
    expect(idle).toBe(2)
    await worker.stop()
  })

  it('tell about each attempt, and no more once the listener is removed', async () => {
    const { worker, session, time } = startWorker(async () => {
      time.block(7)
      return { type: 'failed', error: { code: 'HANDLER_FAILED', message: 'no' } }
    })
    const seen: unknown[] = []
    const remove = [
      worker.on('started', (event) => seen.push(event)),
      worker.on('attempt', (event) => seen.push(event)),
    ]
    session.offer(1, { attempt: 3 })
    await settle()
    const attempt = { job: 1, kind: 'work', queue: 'default', attempt: 3, token: 't1' }
    const error = { code: 'HANDLER_FAILED', message: 'no' }
    expect(seen).toEqual([attempt, { ...attempt, outcome: 'failed', error, durationMs: 7, abandoned: false }])
    for (const off of remove) off()
    session.offer(1)
    await settle()
    expect(seen).toHaveLength(2)
    await worker.stop()
  })

  it('survive listeners that throw', async () => {
    const { worker, session, errors } = startWorker(() => DONE)
    worker.on('attempt', () => {
      throw new Error('listener')
    })
    session.offer(2)
    await settle()
    expect(errors.map(({ message }) => message)).toEqual(['listener', 'listener'])
    expect(session.ended.size).toBe(2)
    await worker.stop()
  })
})
