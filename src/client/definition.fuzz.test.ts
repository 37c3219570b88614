/** Definitions and the public options of an enqueue: read, or refused by an error that names the option. */

import { expect, it } from 'vitest'
import { anything, nearly, outcomeOfAsync, RUNS, text } from '../std/testdata/fuzz.ts'
import { fc } from '../std/testdata/properties.ts'
import { type DefinitionOptions, defineJob } from './definition.ts'
import { makeSpec } from './enqueue.ts'

const span = fc.constantFrom('5m', '1h30m', 250)
const shared = {
  retry: nearly({
    attempts: fc.integer({ min: 1, max: 9 }),
    min: span,
    max: span,
    backoff: fc.constant('fixed'),
  }),
  timeout: fc.oneof(span, nearly({ attempt: span, total: span })),
  limits: fc.array(nearly({ key: text, max: fc.integer({ min: 1, max: 9 }) }), { maxLength: 3 }),
  unique: fc.oneof(fc.boolean(), nearly({ by: text, for: fc.oneof(span, fc.constant('ever')) })),
  fairKey: text,
  priority: fc.integer({ min: -9, max: 9 }),
  queue: text,
}
const REFUSALS = /^(INVALID_(OPTION|DURATION|NAME)|NOT_SERIALIZABLE)$/

it('a definition of anything', async () => {
  const options = fc.oneof(
    anything,
    nearly({ ...shared, check: fc.constant('both'), run: fc.constant(() => 1) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.oneof(text, anything), options, async (kind, given) => {
      const came = await outcomeOfAsync(async () => defineJob(kind as string, given as DefinitionOptions))
      if ('code' in came) expect(came.code).toMatch(REFUSALS)
      else expect(came.value.kind).toBe(kind)
    }),
    RUNS,
  )
})

it('an enqueue with any options', async () => {
  const definition = defineJob('mail', {})
  const options = nearly({
    ...shared,
    key: text,
    keyWindow: span,
    delay: span,
    at: fc.oneof(fc.date(), fc.nat()),
    namespace: text,
    after: fc.array(fc.oneof(fc.nat(), nearly({ id: fc.nat(), job: fc.nat() })), { maxLength: 3 }),
    metadata: fc.dictionary(text, text, { maxKeys: 3 }),
    parent: fc.oneof(fc.nat(), nearly({ id: fc.nat() })),
  })
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.oneof(anything, options), async (input, given) => {
      const came = await outcomeOfAsync(async () => makeSpec(definition, input, given as never))
      if ('code' in came) expect(came.code).toMatch(REFUSALS)
      else expect(came.value.kind).toBe('mail')
    }),
    RUNS,
  )
})
