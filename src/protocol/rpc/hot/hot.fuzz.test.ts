/** What is written and read by hand means what the generated code says, for every value, and refuses the same. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { json, nearly, outcomeOf, RUNS, text } from '../../../std/testdata/fuzz.ts'
import { fc } from '../../../std/testdata/properties.ts'
import type { MethodName } from '../../methods.ts'
import { CALLS } from '../calls.ts'
import { toMessage, toPlain } from '../convert.ts'
import { Reader, readHot } from './reader.ts'
import { HOT } from './table.ts'
import { Writer } from './writer.ts'

/** What the generated code makes of values, and of bytes. */
function generated(method: MethodName) {
  const { procedure, toRequest, fromRequest, toResponse, fromResponse, keepsText = false } = CALLS[method]
  const { input, output } = procedure
  return {
    writeRequest: (values: readonly unknown[]) => toBinary(input, toMessage(input, toRequest(values))),
    readRequest: (bytes: Uint8Array) => fromRequest(toPlain(input, fromBinary(input, bytes), { keepsText })),
    writeResponse: (answer: unknown) => toBinary(output, toMessage(output, toResponse(answer as never))),
    readResponse: (bytes: Uint8Array) =>
      fromResponse(toPlain(output, fromBinary(output, bytes), { keepsText })),
  }
}

/** What is written by hand; undefined where that is left to the generated code. */
function written(write: (writer: Writer) => boolean): Buffer | undefined {
  // small, so that it has to grow
  const writer = new Writer(2)
  return write(writer) ? Buffer.from(writer.written) : undefined
}

const count = fc.nat(100_000)
const name = fc.oneof(fc.constantFrom('default', 'resize', '', 'größe', 'x'.repeat(200)), text)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const moment = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(0, -0, 2 ** 53, Infinity))

const job = fc.record(
  {
    kind: name,
    input: fc.oneof(json, fc.constant('ä'.repeat(500))),
    queue: name,
    namespace: name,
    priority: fc.integer(),
    delayMs: moment,
    dueAt: moment,
    key: name,
    metadata: fc.dictionary(name, name),
    limits: fc.array(fc.record({ key: name, max: count })),
    after: fc.array(fc.record({ job: count }, { requiredKeys: [] })),
    options: fc.constantFrom(0, 1),
  },
  { requiredKeys: [] },
)
const enqueue = fc.tuple(
  fc.record({
    jobs: fc.array(job, { maxLength: 4 }),
    options: fc.constant([{ weight: 2 }, { retry: { attempts: 3 } }]),
  }),
  fc.record({ request: name, isNewRequest: fc.constant(true) }, { requiredKeys: [] }),
)
const enqueued = fc.array(fc.record({ id: fc.nat(), created: fc.boolean() }))

const LEASE_FIELDS = [
  ...(['job', 'kind', 'queue', 'namespace', 'attempt', 'attemptSinceRestart', 'isLastAttempt'] as const),
  ...(['token', 'input', 'metadata', 'startToCloseMs', 'heartbeatMs', 'graceMs', 'priority'] as const),
]
const lease = fc.record(
  {
    job: count,
    kind: name,
    queue: name,
    namespace: name,
    attempt: count,
    attemptSinceRestart: count,
    isLastAttempt: fc.boolean(),
    token: name,
    input: maybe(json.map((value) => JSON.stringify(value))),
    metadata: fc.oneof(fc.constant({}), fc.dictionary(name, name)),
    startToCloseMs: moment,
    heartbeatMs: moment,
    graceMs: moment,
    priority: fc.integer(),
    command: fc.record({ cwd: name }),
  },
  { requiredKeys: LEASE_FIELDS },
)

const outcome = fc.oneof(
  fc.record({ type: fc.constant('succeeded'), result: json }, { requiredKeys: ['type'] }),
  fc.record({
    type: fc.constant('failed'),
    error: fc.record({ code: name, message: name }),
    retry: fc.boolean(),
  }),
  fc.record({ type: fc.constant('snoozed'), delayMs: moment }),
  fc.constant({ type: 'released' }),
)
const report = fc.record(
  { token: name, outcome, resultText: json.map((value) => JSON.stringify(value)) },
  { requiredKeys: ['token', 'outcome'] },
)
const reports = fc.tuple(fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.array(report, { maxLength: 4 }), name)

const settled = fc.record({
  type: fc.constant('settled'),
  position: fc.nat(1_000),
  name,
  kind: fc.constantFrom(1, 7),
  state: fc.constantFrom(1, 2),
  value: fc.option(json.map((value) => JSON.stringify(value))),
  undo: fc.boolean(),
})
const asked = fc.oneof(
  fc.record({ type: fc.constant('timer'), position: count, name, delayMs: moment, dueAt: moment }),
  fc.record({
    ...{ type: fc.constant('child'), position: count, name, closes: fc.boolean(), awaits: fc.boolean() },
    spec: fc.record({ kind: name, input: json }, { requiredKeys: [] }),
  }),
  fc.record({
    type: fc.constant('send'),
    position: count,
    name,
    to: count,
    signal: name,
    value: fc.constant(null),
  }),
)
const entries = fc.array(fc.oneof(settled, asked), { maxLength: 4 })
const record = fc.tuple(fc.integer({ min: 1, max: 2 ** 32 - 1 }), name, moment, entries, name)
const row = fc.record({
  ...{ sequence: count, position: fc.integer({ min: -1, max: 1_000 }), name, at: moment },
  kind: fc.constantFrom(1, 2, 3, 4, 5, 6, 7),
  state: fc.constantFrom(0, 1, 2),
  value: fc.option(json.map((value) => JSON.stringify(value))),
})

const REQUESTS = [
  ['enqueue', enqueue],
  ['session.report', reports],
  ['session.workflows.record', record],
] as const
const RESPONSES = [
  ['enqueue', enqueued],
  ['session.poll', fc.array(lease, { maxLength: 4 })],
  ['session.report', fc.array(fc.boolean(), { maxLength: 300 })],
  ['session.workflows.record', fc.record({ rows: fc.array(row, { maxLength: 4 }), lost: fc.boolean() })],
] as const

describe.each(REQUESTS)('requests of %s', (method, values) => {
  const oracle = generated(method)
  const { writeRequest, readRequest } = HOT[method] as Required<(typeof HOT)['enqueue'] & object>

  it('are written so that the generated code reads the same, and refused alike', () => {
    fc.assert(
      fc.property(values as fc.Arbitrary<readonly unknown[]>, (request) => {
        const expected = outcomeOf(() => oracle.readRequest(oracle.writeRequest(request)))
        const came = outcomeOf(() => {
          const bytes = written((writer) => writeRequest(writer, request))
          return oracle.readRequest(bytes ?? oracle.writeRequest(request))
        })
        expect(came).toEqual(expected)
      }),
      RUNS,
    )
  })

  it('are read as the generated code reads them, or left to it', () => {
    fc.assert(
      fc.property(values as fc.Arbitrary<readonly unknown[]>, (request) => {
        const bytes = outcomeOf(() => oracle.writeRequest(request))
        if ('code' in bytes) return
        const came = readHot(new Reader(bytes.value), readRequest)
        if (came !== undefined) expect(came).toEqual(oracle.readRequest(bytes.value))
      }),
      RUNS,
    )
  })

  it('of which some bytes are others are read as the generated code reads them, or refused', () => {
    fc.assert(
      fc.property(
        values as fc.Arbitrary<readonly unknown[]>,
        fc.array(fc.tuple(fc.nat(), fc.nat(255))),
        (request, flips) => {
          const made = outcomeOf(() => Buffer.from(oracle.writeRequest(request)))
          if ('code' in made || made.value.length === 0) return
          for (const [at, byte] of flips) made.value[at % made.value.length] = byte
          const came = outcomeOf(() => readHot(new Reader(made.value), readRequest))
          if ('code' in came) expect(came.code).toBe('PROTOCOL')
          else if (came.value !== undefined) expect(came.value).toEqual(oracle.readRequest(made.value))
        },
      ),
      RUNS,
    )
  })
})

describe.each(RESPONSES)('answers of %s', (method, answers) => {
  const oracle = generated(method)
  const { writeResponse, readResponse } = HOT[method] as Required<(typeof HOT)['enqueue'] & object>

  it('are written and read as the generated code does', () => {
    fc.assert(
      fc.property(answers as fc.Arbitrary<unknown>, (answer) => {
        const expected = outcomeOf(() => oracle.readResponse(oracle.writeResponse(answer)))
        const bytes = outcomeOf(() => written((writer) => writeResponse(writer, answer)))
        if ('code' in bytes) expect(bytes).toEqual(expected)
        if ('code' in bytes || bytes.value === undefined) return
        expect({ value: oracle.readResponse(bytes.value) }).toEqual(expected)
        const came = readHot(new Reader(bytes.value), readResponse)
        if (came !== undefined) expect({ value: came }).toEqual(expected)
      }),
      RUNS,
    )
  })
})

it('most of what is sent needs no generated code', () => {
  const plain = [
    { jobs: [{ kind: 'a', input: { n: 1 }, priority: -3, dueAt: 5 }], options: [] },
    { request: 'r' },
  ]
  const bytes = written((writer) => HOT.enqueue?.writeRequest?.(writer, plain) === true) as Buffer
  expect(HOT.enqueue?.readRequest?.(new Reader(bytes))).toEqual(plain)
})

it('values that are nearly right are refused as the generated code refuses them', () => {
  const oracle = generated('enqueue')
  fc.assert(
    fc.property(
      nearly({ kind: name, input: json, priority: fc.integer(), delayMs: moment, key: name, queue: name }),
      (one) => {
        if (typeof one !== 'object' || one === null || Array.isArray(one)) return
        const values = [{ jobs: [one], options: [] }, {}]
        const expected = outcomeOf(() => oracle.readRequest(oracle.writeRequest(values)))
        const came = outcomeOf(() => {
          const bytes = written((writer) => HOT.enqueue?.writeRequest?.(writer, values) === true)
          return oracle.readRequest(bytes ?? oracle.writeRequest(values))
        })
        expect('code' in came ? came.code : came).toEqual('code' in expected ? expected.code : expected)
      },
    ),
    RUNS,
  )
})
