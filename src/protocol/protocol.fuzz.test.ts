/** The decoders of the local protocol: bytes and messages of any kind are understood or refused with PROTOCOL. */

import { expect, it } from 'vitest'
import { anything, json, nearly, outcomeOf, RUNS, text } from '../std/testdata/fuzz.ts'
import { fc } from '../std/testdata/properties.ts'
import { FrameReader, joinFrames } from './frames.ts'
import { decodeBody, encodeExact } from './json.ts'
import { assertHello, hello, readClientMessage, readServerMessage } from './messages.ts'
import { assertArguments, METHODS, type MethodName } from './methods.ts'
import { packJobs, unpackJobs } from './pack.ts'

const PROTOCOL_OR_VALUE = /^(PROTOCOL|value)$/
const said = (came: ReturnType<typeof outcomeOf>): string => ('code' in came ? came.code : 'value')

it('frames of any bytes, in any pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
      const reader = new FrameReader()
      const came = outcomeOf(() => {
        for (const chunk of chunks) for (const _ of reader.push(Buffer.from(chunk)));
      })
      expect(said(came)).toMatch(PROTOCOL_OR_VALUE)
    }),
    RUNS,
  )
})

it('frames of which one bit is another', () => {
  fc.assert(
    fc.property(fc.array(json, { minLength: 1, maxLength: 3 }), fc.nat(), (values, at) => {
      const bytes = joinFrames(values.map((value) => JSON.stringify(value)))
      const bit = at % (bytes.length * 8)
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      const came = outcomeOf(() => [...new FrameReader().push(bytes)])
      expect(said(came)).toMatch(PROTOCOL_OR_VALUE)
    }),
    RUNS,
  )
})

it('what can be encoded is decoded as it was, and all else is refused by name', () => {
  fc.assert(
    fc.property(anything, (value) => {
      const came = outcomeOf(() => encodeExact({ value }))
      if ('code' in came) expect(came.code).toBe('NOT_SERIALIZABLE')
      else if (said(outcomeOf(() => decodeBody(Buffer.from(came.value)))) === 'value')
        expect(encodeExact(decodeBody(Buffer.from(came.value)))).toBe(came.value)
    }),
    RUNS,
  )
})

it('messages of any form', () => {
  const tags = fc.constantFrom('hello', 'call', 'open', 'credit', 'cancel', 'tell', 'beat', 'reply', 'fatal')
  const message = fc.oneof(
    json,
    fc.tuple(fc.oneof(tags, text), fc.array(json)).map(([tag, rest]) => [tag, ...rest]),
  )
  fc.assert(
    fc.property(message, (value) => {
      for (const read of [readClientMessage, readServerMessage]) {
        const came = outcomeOf(() => read(value))
        if ('code' in came) expect(came.code).toBe('PROTOCOL')
        else expect(came.value).toBe(value)
      }
    }),
    RUNS,
  )
})

it('a hello with anything in it', () => {
  const good = Object.fromEntries(
    Object.entries(hello('a')).map(([name, value]) => [name, fc.constant(value)]),
  )
  fc.assert(
    fc.property(nearly(good, json), (peer) => {
      expect(said(outcomeOf(() => assertHello(peer as never)))).toMatch(PROTOCOL_OR_VALUE)
    }),
    RUNS,
  )
})

it('arguments of every method', () => {
  const names = fc.constantFrom(...(Object.keys(METHODS) as MethodName[]))
  fc.assert(
    fc.property(names, fc.array(json, { maxLength: 4 }), (name, values) => {
      expect(said(outcomeOf(() => assertArguments(name, values)))).toMatch(PROTOCOL_OR_VALUE)
    }),
    RUNS,
  )
})

it('packed jobs: any value is refused, or holds objects only', () => {
  const packed = nearly(
    { jobs: fc.array(nearly({ options: fc.nat(3) }, json)), options: fc.array(json, { maxLength: 4 }) },
    json,
  )
  fc.assert(
    fc.property(packed, (value) => {
      const came = outcomeOf(() => unpackJobs(value))
      if ('code' in came) expect(came.code).toBe('PROTOCOL')
      else for (const job of came.value) expect(job).toBeTypeOf('object')
    }),
    RUNS,
  )
})

it('packed jobs come out as they went in, shared option sets included', () => {
  const sets = fc.array(fc.dictionary(fc.string(), fc.nat()), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(sets, fc.array(fc.option(fc.nat(), { nil: undefined })), (options, uses) => {
      const jobs = uses.map((use) => (use === undefined ? {} : { options: options[use % options.length] }))
      const unpacked = unpackJobs(JSON.parse(JSON.stringify(packJobs(jobs))))
      expect(unpacked).toEqual(JSON.parse(JSON.stringify(jobs)))
      uses.forEach((use, i) => {
        if (use !== undefined)
          expect(unpacked.findIndex((job) => job.options === unpacked[i]?.options)).toBe(
            jobs.findIndex((job) => job.options === jobs[i]?.options),
          )
      })
    }),
    RUNS,
  )
})
