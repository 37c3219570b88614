import { describe, expect, it } from 'vitest'
import { PerdureError } from '../errors.ts'
import { fc } from '../std/testdata/properties.ts'
import { socketPath } from './address.ts'
import { assertFits, FrameReader, joinFrames } from './frames.ts'
import { decodeBody, encodeExact, jsonDepth } from './json.ts'
import { MAX_DEPTH, MAX_FRAME_BYTES } from './limits.ts'
import { assertHello, hello, readClientMessage, readServerMessage } from './messages.ts'
import { assertArguments, isMethod, METHODS } from './methods.ts'
import { packJobs, unpackJobs } from './pack.ts'

const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    return error instanceof PerdureError ? error.code : String(error)
  }
  return 'nothing was thrown'
}

const readAll = (reader: FrameReader, chunk: Buffer): unknown[] =>
  [...reader.push(chunk)].map((frame) => frame.message)

describe('frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (values, cuts) => {
          const bytes = joinFrames(values.map((value) => JSON.stringify(value)))
          const reader = new FrameReader()
          const seen: unknown[] = []
          let at = 0
          for (const cut of cuts) {
            seen.push(...readAll(reader, bytes.subarray(at, at + cut)))
            at = Math.min(at + cut, bytes.length)
          }
          seen.push(...readAll(reader, bytes.subarray(at)))
          expect(seen).toEqual(values.map((value) => JSON.parse(JSON.stringify(value))))
        },
      ),
    )
  })

  it('are refused from their header on when they are too large', () => {
    const header = Buffer.alloc(4)
    header.writeUInt32BE(MAX_FRAME_BYTES + 1)
    expect(codeOf(() => readAll(new FrameReader(), header))).toBe('PROTOCOL')
    header.writeUInt32BE(MAX_FRAME_BYTES)
    expect(readAll(new FrameReader(), header)).toEqual([])
  })

  it('fit up to the limit, to the byte', () => {
    expect(() => assertFits('x'.repeat(MAX_FRAME_BYTES))).not.toThrow()
    expect(codeOf(() => assertFits('x'.repeat(MAX_FRAME_BYTES + 1)))).toBe('TOO_LARGE')
    expect(codeOf(() => assertFits('é'.repeat(MAX_FRAME_BYTES / 2 + 1)))).toBe('TOO_LARGE')
  })
})

describe('bodies', () => {
  it('never throw anything but PROTOCOL for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const code = codeOf(() => readClientMessage(decodeBody(Buffer.from(bytes))))
        expect(['PROTOCOL', 'nothing was thrown']).toContain(code)
      }),
    )
  })

  it('are refused beyond the deepest level, and accepted at it', () => {
    const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
    expect(() => decodeBody(nested(MAX_DEPTH))).not.toThrow()
    expect(codeOf(() => decodeBody(nested(MAX_DEPTH + 1)))).toBe('PROTOCOL')
  })

  it('are as deep as their structure, whatever their strings hold', () => {
    const depth = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(jsonDepth(Buffer.from(JSON.stringify(value)), 100)).toBe(depth(value))
      }),
    )
    expect(jsonDepth(Buffer.from(String.raw`["[[[", "\"[[", {"\\": []}]`), 100)).toBe(3)
  })

  it('keep infinities and refuse what JSON would quietly turn into null', () => {
    const sent = { window: Number.POSITIVE_INFINITY, low: Number.NEGATIVE_INFINITY }
    expect(decodeBody(Buffer.from(encodeExact(sent)))).toEqual(sent)
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    for (const value of [Number.NaN, 1n, () => 0, Symbol('s'), cyclic]) {
      expect(codeOf(() => encodeExact({ input: [value] }))).toBe('NOT_SERIALIZABLE')
    }
  })
})

describe('messages', () => {
  it('must have the form of their tag', () => {
    expect(readClientMessage(['cancel', 3])).toEqual(['cancel', 3])
    const bad = [
      null,
      7,
      {},
      [],
      ['cancel'],
      ['cancel', -1],
      ['cancel', 1.5],
      ['cancel', 1, 2],
      ['reply', 1, 2],
      ['__proto__', 1],
    ]
    for (const message of bad) expect(codeOf(() => readClientMessage(message))).toBe('PROTOCOL')
    expect(codeOf(() => readServerMessage(['call', 1, 'get', []]))).toBe('PROTOCOL')
  })

  it('begin with a hello of this version', () => {
    expect(() => assertHello(hello('a'))).not.toThrow()
    expect(codeOf(() => assertHello({ ...hello('a'), version: 2 }))).toBe('PROTOCOL')
    expect(codeOf(() => assertHello({ ...hello('a'), protocol: 'http' as 'perdure-local' }))).toBe('PROTOCOL')
  })
})

describe('methods', () => {
  it('are only those of the table', () => {
    expect(isMethod('get')).toBe(true)
    for (const name of ['close', 'constructor', '__proto__', 'toString', ''])
      expect(isMethod(name)).toBe(false)
  })

  it('take arguments of their shapes only', () => {
    expect(() => assertArguments('dependents', [5, null])).not.toThrow()
    expect(() => assertArguments('dependents', [5])).not.toThrow()
    for (const values of [[], ['5'], [5, 'x'], [5, 6, 7], [1.5]]) {
      expect(codeOf(() => assertArguments('dependents', values))).toBe('PROTOCOL')
    }
    for (const name of Object.keys(METHODS)) {
      if (METHODS[name as keyof typeof METHODS].arguments.length === 0) continue
      expect(codeOf(() => assertArguments(name as keyof typeof METHODS, [Symbol('no shape')]))).toBe(
        'PROTOCOL',
      )
    }
  })
})

describe('packed jobs', () => {
  it('carry a shared option set once and share it again', () => {
    const options = { weight: 2, command: { env: { A: 'b' } } }
    const jobs = [
      { kind: 'a', options },
      { kind: 'b' },
      { kind: 'c', options },
      { kind: 'd', options: { weight: 1 } },
    ]
    const packed = JSON.parse(JSON.stringify(packJobs(jobs)))
    expect(packed.options).toHaveLength(2)
    const unpacked = unpackJobs(packed)
    expect(unpacked).toEqual(jobs)
    expect(unpacked[0]?.options).toBe(unpacked[2]?.options)
  })

  it('refuse positions that lead nowhere', () => {
    for (const position of [1, -1, 'length', null, '__proto__']) {
      expect(codeOf(() => unpackJobs({ jobs: [{ options: position }], options: [{}] }))).toBe('PROTOCOL')
    }
    expect(codeOf(() => unpackJobs({ jobs: 3, options: [] }))).toBe('PROTOCOL')
    expect(codeOf(() => unpackJobs({ jobs: [3], options: [] }))).toBe('PROTOCOL')
  })
})

describe('the address of a socket', () => {
  it('is beside the store, or short enough elsewhere', () => {
    expect(socketPath('/data/app.db')).toBe('/data/app.db.sock')
    const far = `/data/${'deep/'.repeat(30)}app.db`
    expect(Buffer.byteLength(socketPath(far))).toBeLessThan(104)
    expect(socketPath(far)).not.toBe(socketPath(`${far}2`))
  })
})
