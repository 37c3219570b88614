import { describe, expect, it } from 'vitest'
import type { Outcome } from '../core/model/outcome.ts'
import type { AttemptControl } from '../executors/executor.ts'
import type { AttemptEndEvent } from './events.ts'
import { executor, FakeSession, makeLease, startWorker } from './testdata/fake-session.ts'
import { settle, TestTime } from './testdata/test-time.ts'
import { createWorker } from './worker.ts'

const DONE: Outcome = { type: 'succeeded' }

/** A handler that ends when a test says so. */
function held() {
  const runs = new Map<string, { control: AttemptControl; end: (outcome: Outcome) => void }>()
  const run = (attempt: { token: string }, control: AttemptControl) =>
    new Promise<Outcome>((resolve) => {
      runs.set(attempt.token, { control, end: resolve })
    })
  const get = (token: string | undefined) => {
    const found = runs.get(token ?? '')
    if (found === undefined) throw new Error(`expected ${token} to run, found ${[...runs.keys()]}`)
    return found
  }
  return { run, runs, get }
}

describe('work', () => {
  it('asks for as many as it has slots, and reports each end once', async () => {
    const { worker, session } = startWorker(() => DONE, { concurrency: 4 })
    const tokens = session.offer(10)
    await settle()
    expect(session.polls[0]).toEqual({ queues: ['default'], kinds: ['work'], slots: 4 })
    expect([...session.ended.keys()]).toEqual(tokens)
    await worker.stop()
    expect(session.reports.flat()).toHaveLength(10)
  })

  it('reports what ended in one turn together, and asks for new work right after', async () => {
    const { worker, session } = startWorker(async () => DONE, { concurrency: 5 })
    await settle()
    session.calls.length = 0
    session.offer(5)
    await settle()
    expect(session.calls).toEqual(['report 5', 'poll 5'])
    await worker.stop()
  })

  it('asks for the slots that are left while others run', async () => {
    const { run, get } = held()
    const { worker, session } = startWorker(run, { concurrency: 3 })
    const [first, second] = session.offer(2)
    await settle()
    expect(session.parked).toEqual([expect.objectContaining({ slots: 1 })])
    expect(worker.running).toBe(2)
    get(first).end(DONE)
    await settle()
    expect(worker.running).toBe(1)
    get(second).end(DONE)
    await worker.stop()
  })

  it('gives each attempt what its lease says', async () => {
    const seen: unknown[] = []
    const { worker, session } = startWorker((attempt, control) => {
      const {
        job,
        kind,
        queue,
        namespace,
        attempt: number,
        isLastAttempt,
        token,
        input,
        metadata,
        command,
      } = attempt
      seen.push({
        job,
        kind,
        queue,
        namespace,
        number,
        isLastAttempt,
        token,
        input,
        metadata,
        command,
        grace: control.graceMs,
      })
      return DONE
    })
    session.offer(1, {
      input: '{"a":[1]}',
      metadata: { x: 'y' },
      command: { cwd: '/tmp' },
      isLastAttempt: true,
      attempt: 7,
    })
    await settle()
    expect(seen).toEqual([
      {
        ...{ job: 1, kind: 'work', queue: 'default', namespace: 'default', number: 7, isLastAttempt: true },
        ...{ token: 't1', input: { a: [1] }, metadata: { x: 'y' }, command: { cwd: '/tmp' }, grace: 1_000 },
      },
    ])
    await worker.stop()
  })

  it('takes an attempt only once, though its lease is delivered twice', async () => {
    const { run, runs, get } = held()
    const { worker, session } = startWorker(run)
    await settle()
    session.force([makeLease(1), makeLease(1)])
    await settle()
    session.force([makeLease(1)])
    await settle()
    expect(runs.size).toBe(1)
    expect(worker.running).toBe(1)
    get('t1').end(DONE)
    await settle()
    expect(session.reports.flat()).toHaveLength(1)
    await worker.stop()
  })

  it('puts back a job of a kind that it does not know, and says so', async () => {
    const { worker, session, errors } = startWorker(() => DONE)
    await settle()
    session.force([makeLease(1, { kind: 'other' })])
    await settle()
    expect(session.ended.get('t1')).toEqual({ type: 'snoozed', delayMs: 5_000 })
    expect(errors).toEqual([expect.objectContaining({ code: 'UNKNOWN_KIND' })])
    await worker.stop()
  })
})

describe('ends that cannot be reported as they are', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle

  it.each<[string, unknown, string]>([
    ['a cycle', cycle, 'NOT_SERIALIZABLE'],
    ['a bigint', 5n, 'NOT_SERIALIZABLE'],
    ['a function', () => 1, 'NOT_SERIALIZABLE'],
    ['too many characters', 'x'.repeat(2_000), 'TOO_LARGE'],
  ])('%s becomes a failure without a retry', async (_, result, code) => {
    const { worker, session } = startWorker(() => ({ type: 'succeeded', result }), { maxResult: 1_000 })
    session.offer(1)
    await settle()
    expect(session.ended.get('t1')).toEqual({
      type: 'failed',
      retry: false,
      error: expect.objectContaining({ code }),
    })
    await worker.stop()
  })

  it('hands on the JSON text that the check has made', async () => {
    const { worker, session } = startWorker(() => ({ type: 'succeeded', result: { a: 'é' } }))
    session.offer(1)
    await settle()
    expect(session.reports.flat()).toEqual([
      { token: 't1', outcome: { type: 'succeeded', result: { a: 'é' } }, resultText: '{"a":"é"}' },
    ])
    await worker.stop()
  })

  it.each([
    ['nothing', () => undefined],
    ['a wrong type', () => ({ type: 'done' })],
    [
      'a throw',
      () => {
        throw new Error('no')
      },
    ],
    ['a rejection', () => Promise.reject(new Error('no'))],
    ['a delay that is none', () => ({ type: 'snoozed', delayMs: Number.NaN })],
  ])('an executor that answers %s makes its attempt fail', async (_, run) => {
    const { worker, session } = startWorker(run as never)
    session.offer(1)
    await settle()
    expect(session.ended.get('t1')).toMatchObject({ type: 'failed' })
    await worker.stop()
  })

  it('cuts long messages and stacks', async () => {
    const error = { code: 'HANDLER_FAILED', message: 'm'.repeat(100_000), stack: 's'.repeat(100_000) }
    const { worker, session } = startWorker(() => ({ type: 'failed', error }))
    session.offer(1)
    await settle()
    const ended = session.ended.get('t1') as Outcome & { type: 'failed' }
    expect(ended.error.message.length).toBeLessThan(10_000)
    expect(ended.error.stack?.length).toBeLessThan(20_000)
    await worker.stop()
  })

  it('fails an attempt whose stored input is no JSON, without calling the executor', async () => {
    let calls = 0
    const { worker, session } = startWorker(() => {
      calls++
      return DONE
    })
    session.offer(1, { input: '{' })
    await settle()
    expect(session.ended.get('t1')).toMatchObject({
      type: 'failed',
      retry: false,
      error: { code: 'INVALID_INPUT' },
    })
    expect(calls).toBe(0)
    await worker.stop()
  })
})

describe('stops', () => {
  it('aborts with the reason, and turns what follows into what the reason means', async () => {
    const { run, get } = held()
    const { worker, session } = startWorker(run)
    const [a, b] = session.offer(2)
    await settle()
    const { signal } = get(a).control
    session.notify(a ?? '', 'cancel')
    session.notify(b ?? '', 'cancel')
    expect(signal.reason).toBe('cancel')
    // looked at only after the abort
    expect(get(b).control.signal.aborted).toBe(true)
    get(a).end({ type: 'failed', error: { code: 'HANDLER_FAILED', message: 'aborted' } })
    get(b).end(DONE)
    await settle()
    expect(session.ended.get(a ?? '')).toEqual({ type: 'cancelled' })
    expect(session.ended.get(b ?? '')).toEqual(DONE)
    await worker.stop()
  })

  it('passes on what insists: less time or another signal, and neither more time nor the same again', async () => {
    const { run, get } = held()
    const { worker, session } = startWorker(run)
    const [token = ''] = session.offer(1)
    await settle()
    const { control } = get(token)
    const seen: unknown[] = []
    control.onInsist(() => seen.push([control.graceMs, control.stopSignal]))
    session.notify(token, 'cancel', 60_000)
    session.notify(token, 'cancel', 90_000)
    session.notify(token, 'cancel', 90_000, 'SIGINT')
    session.notify(token, 'cancel', 90_000, 'SIGINT')
    session.notify(token, 'cancel', 5_000)
    session.notify(token, 'cancel', 0, 'SIGKILL')
    expect(seen).toEqual([
      [60_000, 'SIGINT'],
      [5_000, 'SIGINT'],
      [0, 'SIGKILL'],
    ])
    get(token).end(DONE)
    await worker.stop()
  })

  it('aborts at the time limit, and reports TIMEOUT when the handler has settled', async () => {
    const { run, get } = held()
    const { worker, session, time } = startWorker(run)
    const [token] = session.offer(1, { startToCloseMs: 5_000 })
    await time.advance(4_999)
    expect(get(token).control.signal.aborted).toBe(false)
    await time.advance(1)
    expect(get(token).control.signal.reason).toBe('timeout')
    expect(session.ended.size).toBe(0)
    get(token).end({ type: 'failed', error: { code: 'HANDLER_FAILED', message: 'aborted' }, retryAfterMs: 7 })
    await settle()
    expect(session.ended.get('t1')).toMatchObject({
      type: 'failed',
      error: { code: 'TIMEOUT' },
      retryAfterMs: 7,
    })
    await worker.stop()
  })

  it('gives up a handler that ignores its signal, and frees the slot', async () => {
    const { run, get } = held()
    const { worker, session, time } = startWorker(run, { concurrency: 1 })
    const ends: AttemptEndEvent[] = []
    worker.on('attempt', (event) => ends.push(event))
    const [token] = session.offer(1, { startToCloseMs: 1_000, graceMs: 3_000 })
    await time.advance(4_999)
    expect(session.ended.size).toBe(0)
    await time.advance(1)
    expect(session.ended.get('t1')).toMatchObject({ type: 'failed', error: { code: 'TIMEOUT' } })
    expect(ends).toEqual([expect.objectContaining({ outcome: 'failed', abandoned: true, durationMs: 5_000 })])
    expect(worker.running).toBe(0)
    // what comes too late changes nothing
    get(token).end(DONE)
    await settle()
    expect(session.reports.flat()).toHaveLength(1)
    await worker.stop()
  })

  it('keeps many time limits apart with one timer', async () => {
    const { run, runs } = held()
    const { worker, session, time } = startWorker(run, { concurrency: 500 })
    for (let i = 0; i < 500; i++)
      session.offer(1, { startToCloseMs: 10_000 + ((i * 7_919) % 500), heartbeatMs: 60_000 })
    await settle()
    expect(time.waiting).toBe(1)
    await time.advance(10_250)
    const stopped = [...runs.values()].filter(({ control }) => control.signal.aborted)
    expect(stopped).toHaveLength(251)
    const stopping = worker.stop({ drainMs: 0, graceMs: 0 })
    await time.advance(2_000)
    await stopping
    expect(session.ended.size).toBe(500)
  })

  it('a lost lease aborts and reports nothing', async () => {
    const { run, get } = held()
    const { worker, session, time } = startWorker(run)
    const ends: AttemptEndEvent[] = []
    worker.on('attempt', (event) => ends.push(event))
    const [a, b] = session.offer(2)
    await settle()
    session.expire(a ?? '')
    session.expire(b ?? '')
    session.notify(b ?? '', 'lease-lost')
    expect(get(b).control.signal.reason).toBe('lease-lost')
    await time.advance(10_000)
    expect(get(a).control.signal.reason).toBe('lease-lost')
    get(a).end(DONE)
    get(b).end(DONE)
    await settle()
    expect(session.reports).toEqual([])
    expect(ends.map(({ outcome }) => outcome)).toEqual(['lost', 'lost'])
    await worker.stop()
  })
})

describe('heartbeats', () => {
  it('renew all leases at a third of the shortest term', async () => {
    const { run, runs } = held()
    const { worker, session, time } = startWorker(run)
    session.offer(2, { heartbeatMs: 30_000 })
    session.offer(1, { heartbeatMs: 9_000 })
    await time.advance(9_100)
    expect(session.beats).toEqual([
      ['t1', 't2', 't3'],
      ['t1', 't2', 't3'],
      ['t1', 't2', 't3'],
    ])
    for (const { end } of runs.values()) end(DONE)
    await time.advance(60_000)
    expect(session.beats).toHaveLength(3)
    await worker.stop()
  })

  it('are not needed by jobs that end at once', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    session.offer(100)
    await time.advance(300_000)
    expect(session.beats).toEqual([])
    await worker.stop()
  })

  it('count leases as lost when nobody answers for a whole term', async () => {
    const { run, get } = held()
    const { worker, session, time } = startWorker(run)
    const [a, b] = session.offer(2)
    await settle()
    session.isSilent = true
    await time.advance(29_000)
    expect(get(a).control.signal.aborted).toBe(false)
    await time.advance(2_000)
    expect(get(a).control.signal.reason).toBe('lease-lost')
    // the engine may know better: what is said stays fenced by the token
    get(a).end(DONE)
    get(b).end({ type: 'failed', error: { code: 'HANDLER_FAILED', message: 'aborted' } })
    await settle()
    expect(session.ended.get('t1')).toEqual(DONE)
    expect(session.ended.get('t2')).toMatchObject({ type: 'failed', error: { code: 'LEASE_LOST' } })
    await worker.stop()
  })

  it('go on through failures, and keep the leases once one succeeds', async () => {
    const { run, get } = held()
    const { worker, session, time, errors } = startWorker(run)
    const [token] = session.offer(1)
    await settle()
    let failures = 0
    session.fault = (call) => (call === 'heartbeat' && failures++ < 4 ? { code: 'UNAVAILABLE' } : undefined)
    await time.advance(120_000)
    expect(errors).toHaveLength(4)
    expect(get(token).control.signal.aborted).toBe(false)
    get(token).end(DONE)
    await worker.stop()
    expect(session.ended.get('t1')).toEqual(DONE)
  })
})

describe('a process that was stalled', () => {
  it('asks about leases before it starts the rest of them', async () => {
    const time = new TestTime()
    const started: string[] = []
    const { worker, session } = startWorker(
      (attempt) => {
        started.push(attempt.token)
        if (attempt.token === 't1') time.block(40_000)
        return DONE
      },
      { clock: time, timers: time },
    )
    await settle()
    session.offer(3)
    session.expire('t3')
    await settle()
    expect(session.beats[0]).toEqual(expect.arrayContaining(['t2', 't3']))
    expect(started).toEqual(['t1', 't2'])
    expect([...session.ended.keys()]).toEqual(['t1', 't2'])
    await worker.stop()
  })

  it.each([
    ['blocked', (time: TestTime) => time.block(40_000)],
    ['suspended', (time: TestTime) => time.suspend(40_000)],
  ])('asks about leases that arrived while it was %s', async (_, sleep) => {
    const { worker, session, time } = startWorker(() => DONE)
    await time.advance(5_000)
    sleep(time)
    const [a, b] = session.offer(2)
    session.expire(b ?? '')
    await settle()
    expect(session.beats).toEqual([[a, b]])
    expect([...session.ended.keys()]).toEqual([a])
    await worker.stop()
  })

  it('asks about them also when its timers run before it reads what came', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    await time.advance(5_000)
    time.block(40_000)
    await time.advance(0)
    const [a, b] = session.offer(2)
    session.expire(b ?? '')
    await settle()
    expect(session.beats).toEqual([[a, b]])
    expect([...session.ended.keys()]).toEqual([a])
    // what is asked for from now on came after the stall
    session.offer(1)
    await settle()
    expect(session.beats).toHaveLength(1)
    expect(session.ended.size).toBe(2)
    await worker.stop()
  })

  it('does not give up running attempts before it has asked', async () => {
    const { run, get } = held()
    const { worker, session, time } = startWorker(run)
    const [a, b] = session.offer(2)
    await time.advance(1_000)
    session.expire(b ?? '')
    time.block(100_000)
    await time.advance(0)
    expect(get(a).control.signal.aborted).toBe(false)
    expect(get(b).control.signal.reason).toBe('lease-lost')
    get(a).end(DONE)
    get(b).end(DONE)
    await worker.stop()
    expect([...session.ended.keys()]).toEqual([a])
  })

  it('starts fresh leases without asking', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    await time.advance(600_000)
    session.offer(3)
    await settle()
    expect(session.beats).toEqual([])
    expect(session.ended.size).toBe(3)
    await worker.stop()
  })
})

describe('options', () => {
  const session = new FakeSession()
  const client = { openWorker: () => Promise.resolve(session) }
  const executors = { work: executor(() => DONE) }

  it.each([
    [{ client, executors, concurency: 5 }, /Did you mean concurrency/],
    [{ client, executors, concurrency: 0 }, /concurrency to be a whole number from 1/],
    [{ client, executors, queues: [] }, /at least one queue/],
    [{ client, executors, queues: { a: 0 } }, /queues.a to be a whole number/],
    [{ client, executors, queues: [''] }, /1 to 200 characters/],
    [{ client, executors, queues: 'default' }, /queues to be/],
    [{ client, executors: {} }, /at least one kind/],
    [{ client, executors: { work: () => 1 } }, /executors.work to be an executor/],
    [{ executors }, /client to be a client/],
    [{ client, executors, name: 'x'.repeat(201) }, /name to be text/],
    [{ client, executors, drainMs: -1 }, /drainMs/],
    [undefined, /the options of createWorker to be an object/],
  ])('%# are refused when they are wrong', (options, message) => {
    expect(() => createWorker(options as never)).toThrow(message)
  })

  it('are refused by stop as well', async () => {
    const { worker } = startWorker(() => DONE)
    expect(() => worker.stop({ drain: 5 } as never)).toThrow(/Did you mean drainMs/)
    await worker.stop()
  })

  it('give each worker a name of its own', async () => {
    const workers = [startWorker(() => DONE).worker, startWorker(() => DONE).worker]
    expect(new Set(workers.map(({ name }) => name)).size).toBe(2)
    await Promise.all(workers.map((worker) => worker.stop()))
  })
})
