/** Plain data becomes a message or an error of the table, and so do messages that somebody else wrote. */
import {
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  ScalarType,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { anything, json, nearly, outcomeOf, RUNS, text } from '../../std/testdata/fuzz.ts'
import { fc } from '../../std/testdata/properties.ts'
import * as jobs from '../generated/perdure/v1/jobs_pb.ts'
import * as node from '../generated/perdure/v1/node_pb.ts'
import * as workers from '../generated/perdure/v1/workers_pb.ts'
import { toMessage, toPlain } from './convert.ts'

/** Whether all of it has a form as plain data: the frames of an exchange carry bytes, and are made by hand. */
function hasPlainForm(type: DescMessage): boolean {
  return type.fields.every(
    ({ localName, scalar, message }) =>
      localName.endsWith('Json') ||
      (scalar !== ScalarType.BYTES &&
        (message === undefined || WELL_KNOWN.test(message.typeName) || hasPlainForm(message))),
  )
}
const WELL_KNOWN = /^google\./

/** Every message of the protocol that is made of plain data. */
const TYPES = [jobs, node, workers].flatMap((file) =>
  Object.values(file).filter(
    (part): part is DescMessage =>
      typeof part === 'object' && 'kind' in part && part.kind === 'message' && hasPlainForm(part),
  ),
)

/** Names of plain data, and values that fit. Deeper messages are left out: nobody nests more than a few. */
function fieldsOf(type: DescMessage, depth = 2): Record<string, fc.Arbitrary<unknown>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {}
  for (const field of type.fields) {
    if (field.localName.endsWith('Json')) fields[field.localName.slice(0, -4)] = json
    else if (depth > 0) fields[field.localName] = arbitraryOf(field, depth)
  }
  return fields
}

function arbitraryOf(field: DescField, depth: number): fc.Arbitrary<unknown> {
  const one = (): fc.Arbitrary<unknown> =>
    field.message === undefined
      ? scalarOf(field.scalar)
      : fc.oneof(nearly(fieldsOf(field.message, depth - 1)), anything)
  if (field.fieldKind === 'list') return fc.array(one(), { maxLength: 3 })
  if (field.fieldKind === 'map') return fc.dictionary(text, scalarOf(field.scalar), { maxKeys: 3 })
  return one()
}

function scalarOf(type: ScalarType | undefined): fc.Arbitrary<unknown> {
  if (type === ScalarType.STRING) return text
  if (type === ScalarType.BOOL) return fc.boolean()
  return type === ScalarType.DOUBLE ? fc.double() : fc.integer()
}

/** A type of message, and plain data that is nearly of it. */
const plain = fc
  .constantFrom(...TYPES)
  .chain((type) => fc.tuple(fc.constant(type), fc.oneof(nearly(fieldsOf(type)), anything)))

describe('plain data', () => {
  it('becomes a message that can be written and read again, or is refused by name', () => {
    expect(TYPES.length).toBeGreaterThan(50)
    fc.assert(
      fc.property(plain, fc.constantFrom('text' as const, 'value' as const), ([type, data], form) => {
        const came = outcomeOf(() => toMessage(type, data, '', form))
        if ('code' in came) {
          expect(['INVALID_OPTION', 'NOT_SERIALIZABLE']).toContain(came.code)
          return
        }
        const bytes = toBinary(type, came.value)
        const again = fromBinary(type, bytes)
        expect(toBinary(type, again)).toEqual(bytes)
        expect(toPlain(type, again)).toEqual(toPlain(type, came.value))
      }),
      RUNS,
    )
  })
})

describe('a message of others', () => {
  it('becomes plain data or an error of the table, whatever its bytes say', () => {
    fc.assert(
      fc.property(
        plain,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        ([type, data], hits) => {
          const came = outcomeOf(() => toMessage(type, data))
          if ('code' in came) return
          const bytes = toBinary(type, came.value)
          for (const [at, byte] of hits) bytes[at % Math.max(1, bytes.length)] = byte
          let message: ReturnType<typeof fromBinary>
          try {
            message = fromBinary(type, bytes)
          } catch {
            // no message at all: whoever reads the wire says so
            return
          }
          outcomeOf(() => toPlain(type, message, { keepsText: hits.length % 2 === 0 }))
        },
      ),
      RUNS,
    )
  })

  it('that is JSON as a whole holds its values themselves', () => {
    const type = jobs.EnqueueRequestSchema
    fc.assert(
      fc.property(json, (input) => {
        const request = { jobs: [{ kind: 'k', input }] }
        const message = fromJson(type, toJson(type, toMessage(type, request, '', 'value')))
        expect(toPlain(type, message)).toMatchObject(JSON.parse(JSON.stringify(request)))
      }),
      RUNS,
    )
  })
})
