/** The input of a command, and what the system says about processes: read, or refused by name. */

import { expect, it } from 'vitest'
import { anything, json, nearly, outcomeOf, RUNS, text } from '../../std/testdata/fuzz.ts'
import { fc } from '../../std/testdata/properties.ts'
import { readInput } from './input.ts'
import { isAlive, variableOf } from './processes.ts'

it('the input of a command', () => {
  const command = nearly(
    {
      argv: fc.array(text, { maxLength: 3 }),
      script: text,
      args: fc.array(text, { maxLength: 3 }),
      stdin: text,
      env: fc.dictionary(text, text, { maxKeys: 3 }),
      cwd: text,
    },
    json,
  )
  const context = fc.constantFrom({ cwd: '/data', user: 'ada' })
  fc.assert(
    fc.property(fc.oneof(command, anything), fc.option(context, { nil: undefined }), (input, given) => {
      const came = outcomeOf(() => readInput(input, given))
      if ('code' in came) expect(came.code).toMatch(/^(INVALID_INPUT|INVALID_OPTION|SPAWN_FAILED|TOO_LARGE)$/)
      else expect(came.value).toBeTypeOf('object')
    }),
    RUNS,
  )
})

it('a variable of an environment is the first entry of its name, whatever values hold', () => {
  const name = fc.stringMatching(/^[A-Z_]{1,3}$/)
  const value = fc.string({ unit: fc.constantFrom('A', '_', '=', '\n', 'é') })
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), name, (entries, wanted) => {
      const environ = Buffer.from(entries.map(([key, of]) => `${key}=${of}\0`).join(''))
      expect(variableOf(environ, wanted)).toBe(entries.find(([key]) => key === wanted)?.[1])
    }),
    RUNS,
  )
})

it('text that is no cookie names no process that lives', () => {
  fc.assert(
    fc.property(text, (cookie) => {
      fc.pre(!/^\d+\.\d+$/.test(cookie))
      expect(isAlive(cookie)).toBe(false)
    }),
    RUNS,
  )
})
