/** What callers hand in: read into what the core takes, or refused by an error that names the option. */

import { describe, expect, it } from 'vitest'
import { MOST_KEY, MOST_VALUE } from '../../core/policy/sizes.ts'
import type { Came } from '../../std/testdata/fuzz.ts'
import { anything, nearly, outcomeOf, RUNS, text } from '../../std/testdata/fuzz.ts'
import { fc } from '../../std/testdata/properties.ts'
import { Profiles } from './profiles.ts'
import { readQuery, writeCursor } from './query.ts'
import { checkCount, readPast, readSpec } from './specs.ts'

const NOW = 1_800_000_000_000
const name = fc.constantFrom('default', 'mail', 'a.b:c/d@e-f', 'größe')
const ms = fc.constantFrom(0, 1, 1_000, 2 ** 40)

const options = nearly({
  retry: nearly({ attempts: fc.integer({ min: 1, max: 9 }), minMs: ms, maxMs: ms, factor: fc.constant(2) }),
  timeouts: nearly({ startToCloseMs: ms, heartbeatMs: fc.constant(30_000), graceMs: ms }),
  retention: nearly({ succeededMs: ms, failedMs: ms }),
  weight: fc.constantFrom(1, 0.5),
  command: nearly({ env: nearly({ PATH: text }), cwd: fc.constant('/'), user: fc.constant('ada') }),
})
const fields = {
  kind: name,
  input: fc.jsonValue(),
  queue: name,
  namespace: name,
  priority: fc.integer({ min: -1_000_000, max: 1_000_000 }),
  delayMs: ms,
  key: text,
  onConflict: fc.constantFrom('use-existing', 'replace', 'refuse'),
  keyWindowMs: ms,
  unique: nearly({ value: text, scope: fc.constantFrom('live', 'for', 'ever'), forMs: ms }),
  fairKey: text,
  limits: fc.array(nearly({ key: text, max: fc.integer({ min: 1, max: 9 }) }), { maxLength: 3 }),
  after: fc.array(nearly({ job: fc.integer({ min: 1, max: 99 }), index: fc.nat(3) }), { maxLength: 3 }),
  parent: fc.integer({ min: 1, max: 99 }),
  metadata: fc.dictionary(text, text, { maxKeys: 3 }),
  options,
}
const REFUSALS = /^(INVALID_(OPTION|NAME|CURSOR)|TOO_LARGE|NOT_SERIALIZABLE|UNKNOWN_STATE)$/

/** Refused by name, or everything in it can be stored and read again. */
function mustBeRight(came: Came<object>): void {
  if ('code' in came) expect(came.code).toMatch(REFUSALS)
  else expect(JSON.parse(JSON.stringify(came.value))).toBeTypeOf('object')
}

describe('an enqueue', () => {
  it('of anything', () => {
    fc.assert(
      fc.property(anything, (jobs) => {
        const came = outcomeOf(() => {
          checkCount(jobs as never)
          return (jobs as never[]).map((job) => readSpec(job, 1, new Profiles(), NOW))
        })
        mustBeRight(came)
      }),
      RUNS,
    )
  })

  it('of jobs that are nearly right', () => {
    fc.assert(
      fc.property(nearly(fields), (spec) => {
        const came = outcomeOf(() => readSpec(spec, 4, new Profiles(), NOW))
        mustBeRight(came)
        if ('code' in came) return
        const { input, priority, dueAt, claims, fairKey, metadata, route } = came.value
        expect(
          input === null || (input.length <= MOST_VALUE && JSON.stringify(JSON.parse(input)) === input),
        ).toBe(true)
        expect([priority, dueAt].every(Number.isSafeInteger)).toBe(true)
        for (const key of [fairKey, ...(claims ?? []).map((claim) => claim.key)]) {
          expect(key === null || (key.isWellFormed() && !key.includes('\0'))).toBe(true)
          expect(key?.length ?? 0).toBeLessThan(MOST_KEY + 300)
        }
        expect(JSON.parse(JSON.stringify(metadata))).toEqual(metadata)
        expect(JSON.stringify(JSON.parse(route.profile))).toBe(route.profile)
      }),
      RUNS,
    )
  })
})

it('an import of jobs that are nearly right', () => {
  const { after: _, ...past } = fields
  const attempt = nearly({
    number: fc.integer({ min: 1, max: 9 }),
    worker: name,
    startedAt: ms,
    endedAt: ms,
    outcome: fc.constantFrom('succeeded', 'failed', 'lost'),
    error: fc.constant({ code: 'TIMEOUT', message: 'late' }),
  })
  const job = nearly({
    ...past,
    createdAt: ms,
    state: fc.constantFrom('ready', 'scheduled', 'held', 'succeeded', 'failed', 'cancelled'),
    finishedAt: ms,
    result: fc.jsonValue(),
    history: fc.array(attempt, { maxLength: 3 }),
  })
  fc.assert(
    fc.property(fc.oneof(job, anything), (given) => {
      mustBeRight(outcomeOf(() => readPast(given as never, 1, new Profiles(), NOW)))
    }),
    RUNS,
  )
})

describe('a list', () => {
  const query = nearly({
    states: fc.array(fc.constantFrom('ready', 'running', 'failed')),
    queue: name,
    kind: name,
    namespace: name,
    parent: fc.integer({ min: 1 }),
    ids: fc.array(fc.integer({ min: 1 })),
    metadata: fc.array(nearly({ name: text, value: text })),
    createdAfter: ms,
    createdBefore: ms,
    order: fc.constantFrom('newest', 'oldest'),
    limit: fc.integer({ min: 1, max: 1_000 }),
    cursor: text,
  })

  it('of anything', () => {
    fc.assert(
      fc.property(fc.oneof(query, anything), (given) =>
        mustBeRight(outcomeOf(() => readQuery(given as never))),
      ),
      RUNS,
    )
  })

  it('goes on behind the job that its cursor was made of, in its own order only', () => {
    const order = fc.constantFrom('newest', 'oldest')
    fc.assert(
      fc.property(order, order, fc.maxSafeNat(), (written, asked, last) => {
        const cursor = writeCursor(readQuery({ order: written }), last)
        const came = outcomeOf(() => readQuery({ order: asked, cursor }).after)
        expect(came).toEqual(asked === written ? { value: last } : { code: 'INVALID_CURSOR' })
      }),
      RUNS,
    )
  })

  it('refuses a cursor with a mistake in it', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(), fc.constantFrom(...'0a.zn'), (last, at, letter) => {
        const cursor = writeCursor(readQuery({}), last)
        const place = at % cursor.length
        const other = cursor.slice(0, place) + letter + cursor.slice(place + 1)
        fc.pre(other !== cursor)
        expect(outcomeOf(() => readQuery({ cursor: other }))).toEqual({ code: 'INVALID_CURSOR' })
      }),
      RUNS,
    )
  })
})
