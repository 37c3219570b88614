import { describe, expect, it } from 'vitest'
import type { Outcome } from '../core/model/outcome.ts'
import { type ErrorCode, PerdureError } from '../errors.ts'
import { startWorker } from './testdata/fake-session.ts'
import { settle } from './testdata/test-time.ts'

const DONE: Outcome = { type: 'succeeded' }

describe('polls that fail', () => {
  it('are made again, with growing pauses', async () => {
    const { worker, session, time, errors } = startWorker(() => DONE)
    session.fault = (call) => (call === 'poll' ? { code: 'UNAVAILABLE' } : undefined)
    await time.advance(60_000)
    // 50..100, 100..200, ... up to 5..10 s
    expect(session.polls.length).toBeGreaterThan(10)
    expect(session.polls.length).toBeLessThan(22)
    expect(errors.length).toBeGreaterThanOrEqual(session.polls.length - 2)
    session.fault = () => undefined
    session.offer(3)
    await time.advance(10_000)
    expect(session.ended.size).toBe(3)
    await worker.stop()
  })

  it('are made seldom when trying again cannot help', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    session.fault = (call) => (call === 'poll' ? { code: 'DENIED' } : undefined)
    await time.advance(100_000)
    expect(session.polls.length).toBe(4)
    await worker.stop()
  })

  it('do not spin when they are answered with nothing at once', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    await settle()
    for (let round = 0; round < 20; round++) {
      session.force([])
      await time.advance(10)
    }
    expect(session.polls.length).toBeLessThan(8)
    await worker.stop()
  })
})

describe('reports that fail', () => {
  it.each([
    ['before they take effect', false],
    ['after they took effect', true],
  ])('%s are made again until the answer is known', async (_, takesEffect) => {
    const { worker, session, time } = startWorker(() => DONE)
    const outcomes: string[] = []
    worker.on('attempt', ({ outcome }) => outcomes.push(outcome))
    let failures = 0
    session.fault = (call) =>
      call === 'report' && failures++ < 5 ? { code: 'UNKNOWN_OUTCOME', takesEffect } : undefined
    session.offer(3)
    await time.advance(60_000)
    expect(session.reports.length).toBe(6)
    expect(session.ended.size).toBe(3)
    expect(outcomes).toEqual(['succeeded', 'succeeded', 'succeeded'])
    // leases whose end is not known are renewed
    await worker.stop()
  })

  it('keep their leases renewed meanwhile', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    session.fault = (call) => (call === 'report' ? { code: 'STORE_FAILED' } : undefined)
    session.offer(1)
    await time.advance(40_000)
    expect(session.beats.length).toBeGreaterThanOrEqual(3)
    expect(session.beats.every((tokens) => tokens.includes('t1'))).toBe(true)
    session.fault = () => undefined
    await time.advance(10_000)
    expect(session.ended.get('t1')).toEqual(DONE)
    await worker.stop()
  })

  it('are not made for leases that were lost while they waited', async () => {
    const { worker, session, time } = startWorker(() => DONE)
    const outcomes: string[] = []
    worker.on('attempt', ({ job, outcome }) => outcomes.push(`${job} ${outcome}`))
    let calls = 0
    session.fault = (call) => (call === 'report' && calls++ === 0 ? { code: 'OVERLOADED' } : undefined)
    const [first] = session.offer(1)
    await settle()
    // the pause of the failure: the next ends wait
    const [second] = session.offer(1)
    await settle()
    session.notify(second ?? '', 'lease-lost')
    await time.advance(5_000)
    expect(session.reports.flat().map(({ token }) => token)).toEqual([first, first])
    expect(outcomes.sort()).toEqual(['1 succeeded', '2 lost'])
    await worker.stop()
  })

  it('stop new work from being asked for when too many are unknown', async () => {
    const { worker, session, time } = startWorker(() => DONE, { concurrency: 400 })
    session.fault = (call) => (call === 'report' ? { code: 'UNAVAILABLE' } : undefined)
    session.offer(20_000)
    await time.advance(60_000)
    expect(session.live.size).toBeLessThanOrEqual(2_000)
    session.fault = () => undefined
    await time.advance(60_000)
    expect(session.ended.size).toBe(20_000)
    await worker.stop()
  })

  it.each<ErrorCode>(['TOO_LARGE', 'INTERNAL'])(
    'by one bad outcome (%s) do not harm the others',
    async (code) => {
      const { worker, session, time } = startWorker(({ job }) => ({ type: 'succeeded', result: job }))
      const report = session.report.bind(session)
      session.report = (reports) =>
        reports.some(({ outcome }) => outcome.type === 'succeeded' && outcome.result === 3)
          ? Promise.reject(new PerdureError(code, 'spoiled'))
          : report(reports)
      session.offer(5)
      await time.advance(1_000)
      expect(session.ended.get('t3')).toMatchObject({ type: 'failed', retry: false, error: { code } })
      for (const job of [1, 2, 4, 5])
        expect(session.ended.get(`t${job}`)).toEqual({ type: 'succeeded', result: job })
      await worker.stop()
    },
  )

  it('for good are a loss, with an error', async () => {
    const { worker, session, time, errors } = startWorker(() => DONE)
    const outcomes: string[] = []
    worker.on('attempt', ({ outcome }) => outcomes.push(outcome))
    session.fault = (call) => (call === 'report' ? { code: 'PROTOCOL' } : undefined)
    session.offer(1)
    await time.advance(1_000)
    expect(outcomes).toEqual(['lost'])
    expect(errors).toEqual([expect.objectContaining({ code: 'PROTOCOL' })])
    expect(session.reports).toHaveLength(2)
    await worker.stop()
  })
})

describe('output', () => {
  const write = (pieces: [stream: 'stdout' | 'stderr' | 'log', text: string][]) =>
    startWorker(async (_, control) => {
      for (const [stream, text] of pieces) control.log(stream, text)
      return DONE
    })

  it('is gathered, in order, and sent before the report', async () => {
    const { worker, session } = write([
      ['stdout', 'a'],
      ['stdout', 'b'],
      ['stderr', 'c'],
      ['stdout', ''],
      ['log', 'd'],
    ])
    session.offer(1)
    await settle()
    expect(session.logs.map(({ stream, text }) => `${stream} ${text}`)).toEqual([
      'stdout ab',
      'stderr c',
      'log d',
    ])
    expect(session.calls.filter((call) => /log|report/.test(call))).toEqual(['log 3', 'report 1'])
    await worker.stop()
  })

  it('of a long attempt is sent every 50 ms', async () => {
    const { worker, session, time } = startWorker(async (_, control) => {
      control.log('stdout', 'one')
      await new Promise<void>((resolve) => time.after(60, resolve))
      control.log('stdout', 'two')
      await new Promise<void>((resolve) => time.after(1_000, resolve))
      return DONE
    })
    session.offer(1)
    await time.advance(49)
    expect(session.logs).toEqual([])
    await time.advance(1)
    expect(session.logs.map(({ text }) => text)).toEqual(['one'])
    await time.advance(60)
    expect(session.logs.map(({ text }) => text)).toEqual(['one', 'two'])
    await time.advance(1_000)
    await worker.stop()
  })

  it('takes bounded memory, and says how much was dropped', async () => {
    const { worker, session, time } = startWorker(
      async (_, control) => {
        for (let i = 0; i < 100; i++) control.log('stdout', 'x'.repeat(100))
        return DONE
      },
      { maxPendingOutput: 1_000 },
    )
    session.offer(1)
    await time.advance(100)
    const text = session.logs.map((entry) => entry.text).join('')
    expect(text.startsWith('x'.repeat(1_000))).toBe(true)
    expect(text).toContain('[9000 characters of output were dropped')
    await worker.stop()
  })

  it('that fails is sent again, before the report', async () => {
    const { worker, session, time } = write([['stdout', 'kept']])
    let failures = 0
    session.fault = (call) =>
      (call === 'log' || call === 'report') && failures++ < 4 ? { code: 'STORE_FAILED' } : undefined
    session.offer(1)
    await time.advance(30_000)
    expect(session.ended.get('t1')).toEqual(DONE)
    expect(session.logs.map(({ text }) => text)).toEqual(['kept'])
    await worker.stop()
  })

  it('that cannot be sent does not keep a job from ending', async () => {
    const { worker, session, time, errors } = write([['stdout', 'lost']])
    session.fault = (call) => (call === 'log' ? { code: 'OVERLOADED' } : undefined)
    session.offer(1)
    await time.advance(10_000)
    expect(session.ended.get('t1')).toEqual(DONE)
    expect(errors).toHaveLength(1)
    await worker.stop()
  })

  it('of an attempt that ended is not accepted', async () => {
    let late = (): void => {}
    const { worker, session } = startWorker((_, control) => {
      late = () => {
        control.log('stdout', 'late')
        control.progress(1)
      }
      return DONE
    })
    session.offer(1)
    await settle()
    late()
    await worker.stop()
    expect([session.logs, session.moves]).toEqual([[], []])
  })
})

describe('progress', () => {
  it('is told in steps, the latest only, within 0 and 1', async () => {
    const { worker, session, time } = startWorker(async (_, control) => {
      for (let i = 0; i <= 1_000; i++) control.progress(i / 1_000, `step ${i}`)
      await new Promise<void>((resolve) => time.after(100, resolve))
      control.progress(7)
      await new Promise<void>((resolve) => time.after(100, resolve))
      control.progress(Number.NaN, 'hm')
      return DONE
    })
    session.offer(1)
    await time.advance(1_000)
    expect(session.moves).toEqual([
      { token: 't1', fraction: 1, message: 'step 1000' },
      { token: 't1', fraction: 1, message: undefined },
      { token: 't1', fraction: 0, message: 'hm' },
    ])
    await worker.stop()
  })
})
