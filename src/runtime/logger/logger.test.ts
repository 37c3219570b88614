/** The logger: what it makes, what it keeps to itself, and what a line can do to whoever reads it. */

import { describe, expect, it } from 'vitest'
import { fc } from '../../std/testdata/properties.ts'
import { formatRecord } from './format.ts'
import { createLogger } from './logger.ts'
import { type LogRecord, readRecord } from './record.ts'
import { isSecretName } from './redact.ts'
import { writeTo } from './writer.ts'

const AT = Date.UTC(2030, 0, 2, 3, 4, 5, 6)
const record = (more: Partial<LogRecord> = {}): LogRecord => ({
  ...{ at: AT, level: 'info', source: 'worker', text: 'hello' },
  ...more,
})

function made(level: LogRecord['level'] = 'info') {
  const records: LogRecord[] = []
  const { logger, control } = createLogger({
    ...{ level, source: 'node', now: () => AT },
    sinks: [(one) => records.push(one)],
  })
  return { logger, control, records }
}

describe('a logger', () => {
  it('makes nothing below its level, which may change for all of its parts', () => {
    const { logger, control, records } = made()
    const part = logger.part({ worker: 'w' })
    part.debug('no')
    expect(part.isOn('debug')).toBe(false)
    control.level = 'debug'
    part.debug('yes')
    control.level = 'error'
    part.warn('no')
    expect(records.map(({ text }) => text)).toEqual(['yes'])
  })

  it('gives records what their part has in common, attributes their place, and everything else a place in data', () => {
    const { logger, records } = made()
    const own: LogRecord[] = []
    logger.part({ source: 'worker', worker: 'w' }, (one) => own.push(one)).warn('odd', { job: 3, ms: 5 })
    const expected = {
      ...{ at: AT, level: 'warn', source: 'worker', worker: 'w', job: 3, text: 'odd', data: { ms: 5 } },
    }
    expect(records).toEqual([expected])
    expect(own).toEqual([expected])
  })

  it('takes secrets out by the names of their fields, however deep', () => {
    const { logger, records } = made()
    const data = {
      ...{ dbPassword: 'p4ss', 'x-api-key': 'k3y', ACCESS_TOKEN: 't0k', Authorization: 'Bearer abc' },
      nested: [{ clientSecret: 's3cret', user: 'ada' }],
    }
    logger.info('in', data)
    const text = JSON.stringify(records)
    for (const secret of ['p4ss', 'k3y', 't0k', 'abc', 's3cret']) expect(text).not.toContain(secret)
    expect(text).toContain('ada')
    expect(['monkey', 'keyboard', 'tokenizer', 'author'].filter(isSecretName)).toEqual([])
  })

  it('takes credentials out of texts: our tokens, URLs, headers', () => {
    const { logger, records } = made()
    const token = `perdure_0123456789ab_${'x'.repeat(43)}`
    logger.error(`${token} postgres://ada:geheim@db/x Authorization: Bearer abcdefgh1234`)
    expect(records[0]?.text).toBe(
      'perdure_0123456789ab_[redacted] postgres://[redacted]@db/x Authorization: Bearer [redacted]',
    )
  })

  it('survives whatever a field holds', () => {
    const { logger, records } = made()
    const circle: Record<string, unknown> = {}
    circle.self = circle
    logger.info('x', {
      circle,
      big: 1n,
      f: () => 1,
      s: Symbol('s'),
      date: new Date(Number.NaN),
      no: undefined,
    })
    expect(() => JSON.stringify(records)).not.toThrow()
    logger.info('y'.repeat(100_000), { long: 'z'.repeat(100_000), many: Array(10_000).fill(1) })
    expect(JSON.stringify(records[1]).length).toBeLessThan(20_000)
  })
})

describe('a line', () => {
  it('is JSON with everything that is known', () => {
    const line = formatRecord(record({ worker: 'w', job: 7, attempt: 2, data: { ms: 5 } }), 'json')
    expect(JSON.parse(line)).toEqual({
      ...{ time: '2030-01-02T03:04:05.006Z', level: 'info', source: 'worker', worker: 'w' },
      ...{ job: 7, attempt: 2, message: 'hello', data: { ms: 5 } },
    })
  })

  it('is text for people', () => {
    expect(
      formatRecord(record({ worker: 'w', queue: 'q', job: 7, attempt: 2, data: { ms: 5 } }), 'text'),
    ).toBe('2030-01-02T03:04:05.006Z info  hello [job=7.2 queue=q worker=w ms=5]')
  })

  it('is one line without control characters, and its JSON means what was said', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, worker) => {
        const said = record({ text, worker, data: { text } })
        const lines = [formatRecord(said, 'json'), formatRecord(said, 'text')]
        const read = JSON.parse(lines[0] as string)
        return !lines.some((line) => controls.test(line)) && read.message === text && read.worker === worker
      }),
    )
  })
})

describe('standard error', () => {
  it('drops lines that nobody takes, and says how many', () => {
    const lines: string[] = []
    const target = { writableLength: 0, write: (text: string) => lines.push(text) }
    const write = writeTo(target, 'text')
    write(record())
    target.writableLength = 2 ** 30
    write(record())
    write(record())
    target.writableLength = 0
    write(record())
    expect(lines).toHaveLength(3)
    expect(lines[1]).toContain('2 lines were dropped')
  })
})

describe('a record that came from elsewhere', () => {
  it('is of the worker, bounded, and without what does not belong there', () => {
    const given = {
      ...record({ source: 'node', data: { password: 'p4ss' } }),
      ...{ text: 'x'.repeat(50_000), queue: 'q'.repeat(50_000), extra: 1, stream: 'stdout' },
    }
    const read = readRecord('it', given)
    expect(read).toMatchObject({ source: 'worker', level: 'info', data: { password: '[redacted]' } })
    expect(JSON.stringify(read).length).toBeLessThan(10_000)
    expect(Object.keys(read).sort()).toEqual(['at', 'data', 'level', 'queue', 'source', 'text'])
    expect(readRecord('it', { ...record(), data: { list: Array(60).fill('y'.repeat(2_000)) } }).data).toEqual(
      {
        cut: true,
      },
    )
  })

  it('is refused when it is none', () => {
    const bad = [
      null,
      'x',
      {},
      { ...record(), level: 'fatal' },
      { ...record(), at: 'now' },
      { ...record(), job: 1.5 },
    ]
    for (const given of bad) {
      expect(() => readRecord('records[0]', given)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      )
    }
  })
})
