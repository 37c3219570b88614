/** Errors as records: anything can be thrown, and anything can stand in a record that comes from elsewhere. */

import { expect, it } from 'vitest'
import { ERROR_KINDS, type ErrorCode, errorRecord, fromErrorRecord, PerdureError } from './errors.ts'
import { anything, nearly, RUNS, text } from './std/testdata/fuzz.ts'
import { fc } from './std/testdata/properties.ts'

it('anything that is thrown becomes a record of texts', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        anything,
        text.map((message) => new Error(message)),
      ),
      (thrown) => {
        const record = errorRecord(thrown)
        expect(record.code).toBe('HANDLER_FAILED')
        expect(record.message).toBeTypeOf('string')
      },
    ),
    RUNS,
  )
})

it('any record becomes an error of the table', () => {
  fc.assert(
    fc.property(nearly({ code: text, message: text, data: fc.constant({ job: 1 }) }), (record) => {
      const error = fromErrorRecord(record as never)
      expect(Object.hasOwn(ERROR_KINDS, error.code)).toBe(true)
      expect(error.retryable).toBeTypeOf('boolean')
      expect(error.exit).toBeTypeOf('number')
    }),
    RUNS,
  )
})

it('an error of the table is the same again after the way there and back', () => {
  const codes = fc.constantFrom(...(Object.keys(ERROR_KINDS) as ErrorCode[]))
  fc.assert(
    fc.property(codes, text, fc.integer(), (code, message, job) => {
      const error = new PerdureError(code, message, { data: { job } })
      const back = fromErrorRecord(errorRecord(error))
      expect([back.code, back.message, back.data]).toEqual([code, message, { job }])
    }),
    RUNS,
  )
})
