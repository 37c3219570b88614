/** What a worker says, and how it reaches the node without ever holding up work. */
import { describe, expect, it } from 'vitest'
import type { Outcome } from '../core/model/outcome.ts'
import { createLogger } from '../runtime/logger/logger.ts'
import type { LogRecord } from '../runtime/logger/record.ts'
import type { LogLevel } from '../std/levels.ts'
import { Shipper } from './shipper.ts'
import { FakeSession, startWorker } from './testdata/fake-session.ts'
import { settle, TestTime } from './testdata/test-time.ts'

const DONE: Outcome = { type: 'succeeded' }

function begin(level: LogLevel = 'info') {
  const seen: LogRecord[] = []
  const { logger, control } = createLogger({
    level,
    source: 'worker',
    sinks: [(record) => seen.push(record)],
  })
  return { seen, control, ...startWorker(() => DONE, { logger, name: 'w' }) }
}

const say = (text: string): LogRecord => ({ at: 1, level: 'info', source: 'worker', text })
const textsOf = (records: readonly LogRecord[]): string[] => records.map(({ text }) => text)

describe('the log of a worker', () => {
  it('says nothing of jobs at its usual level, and all of them at debug, which may be switched on meanwhile', async () => {
    const { worker, session, time, seen, control } = begin()
    session.offer(3)
    await settle()
    expect(session.ended.size).toBe(3)
    expect(seen).toEqual([])
    control.level = 'debug'
    worker.configure({})
    session.offer(1)
    await time.advance(1_000)
    const attempt = { level: 'debug', source: 'worker', worker: 'w', job: 4, attempt: 1, queue: 'default' }
    expect(seen).toEqual([expect.objectContaining({ ...attempt, kind: 'work', text: 'Attempt succeeded' })])
    expect(session.records).toEqual(seen)
    control.level = 'info'
    worker.configure({})
    session.offer(1)
    await settle()
    expect(seen).toHaveLength(1)
  })

  it('says what went wrong, and that it ends, and hands both over before it goes', async () => {
    const { worker, session, time, seen } = begin()
    await settle()
    session.fault = (call) => (call === 'poll' ? { code: 'UNAVAILABLE' } : undefined)
    worker.configure({ concurrency: 20 })
    await time.advance(100)
    session.fault = () => undefined
    const stopped = worker.stop({ drainMs: 0 })
    await time.advance(2_000)
    await stopped
    expect(textsOf(seen)).toEqual(
      expect.arrayContaining(['injected: UNAVAILABLE', 'Taking no more work', 'Ended']),
    )
    expect(session.records).toEqual(seen)
    expect(seen.find(({ level }) => level === 'error')).toMatchObject({
      worker: 'w',
      data: { code: 'UNAVAILABLE' },
    })
  })
})

describe('the way to the node', () => {
  function way() {
    const session = new FakeSession()
    const time = new TestTime()
    const shipper = new Shipper(time)
    return { session, time, shipper }
  }

  it('begins with the session, and carries many records in one call', async () => {
    const { session, time, shipper } = way()
    shipper.sink(say('early'))
    await time.advance(60_000)
    shipper.attach(session)
    for (let n = 0; n < 250; n++) shipper.sink(say(`${n}`))
    await time.advance(200)
    expect(session.records).toHaveLength(200)
    await time.advance(200)
    expect(textsOf(session.records)).toEqual(['early', ...Array.from({ length: 250 }, (_, n) => `${n}`)])
  })

  it('keeps a bounded number while the node is away, drops the rest, and says how many', async () => {
    const { session, time, shipper } = way()
    shipper.attach(session)
    session.fault = () => ({ code: 'UNAVAILABLE' })
    for (let n = 0; n < 5_000; n++) shipper.sink(say(`${n}`))
    await time.advance(120_000)
    expect(session.records).toEqual([])
    session.fault = () => undefined
    await time.advance(120_000)
    const texts = textsOf(session.records)
    const told = session.records.filter(({ data }) => data?.dropped !== undefined)
    expect(told).toHaveLength(1)
    expect(texts.length - 1 + (told[0]?.data?.dropped as number)).toBe(5_000)
    expect(texts.slice(0, 3)).toEqual(['0', '1', '2'])
  })

  it('has one call under way, however long that takes', async () => {
    const { session, time, shipper } = way()
    let calls = 0
    const answer = Promise.withResolvers<void>()
    session.record = (records) => {
      calls += 1
      session.records.push(...records)
      return answer.promise
    }
    shipper.attach(session)
    shipper.sink(say('1'))
    await time.advance(200)
    shipper.sink(say('2'))
    await time.advance(60_000)
    expect(calls).toBe(1)
    answer.resolve()
    await time.advance(200)
    expect(textsOf(session.records)).toEqual(['1', '2'])
  })

  it('does not wait long for a node that does not answer at the end', async () => {
    const { session, time, shipper } = way()
    session.record = () => new Promise(() => {})
    shipper.attach(session)
    shipper.sink(say('1'))
    let isClosed = false
    const closing = shipper.close().then(() => {
      isClosed = true
    })
    await time.advance(499)
    expect(isClosed).toBe(false)
    await time.advance(1)
    await closing
    expect(isClosed).toBe(true)
  })

  it('gives up what the node refuses', async () => {
    const { session, time, shipper } = way()
    shipper.attach(session)
    session.fault = () => ({ code: 'INVALID_OPTION' })
    shipper.sink(say('bad'))
    await time.advance(200)
    session.fault = () => undefined
    shipper.sink(say('good'))
    await time.advance(5_000)
    expect(textsOf(session.records)).toEqual(['good', expect.stringContaining('1 records')])
  })
})
