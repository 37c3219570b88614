import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PerdureError } from '../errors.ts'
import { type DefinitionOptions, defineJob } from './definition.ts'
import { type EnqueueOptions, makeSpec } from './enqueue.ts'
import { checkValue } from './schema.ts'

describe('defineJob', () => {
  it('makes ms of durations, under the names of a profile', () => {
    const { options, base } = defineJob('resize', {
      retry: { attempts: 5, backoff: 'exponential', min: '1s', max: '10m', factor: 3, jitter: 0, on: 'lost' },
      timeout: { attempt: '5m', start: '1h', total: '1d', lease: '10s', grace: 250 },
      retention: { succeeded: '1h', failed: 'ever', cancelled: 0 },
      weight: 2,
      command: { cwd: '/srv', env: { A: 'b' } },
    })
    expect(options).toEqual({
      retry: { attempts: 5, minMs: 1_000, maxMs: 600_000, factor: 3, jitter: 0, on: 'lost' },
      timeouts: {
        ...{ startToCloseMs: 300_000, scheduleToStartMs: 3_600_000, scheduleToCloseMs: 86_400_000 },
        ...{ heartbeatMs: 10_000, graceMs: 250 },
      },
      retention: { succeededMs: 3_600_000, failedMs: Number.MAX_SAFE_INTEGER, cancelledMs: 0 },
      weight: 2,
      command: { cwd: '/srv', env: { A: 'b' } },
    })
    expect(base).toEqual({ kind: 'resize', queue: 'default', options })
  })

  it.each<[DefinitionOptions['retry'], unknown]>([
    [3, { attempts: 3 }],
    [{ attempts: Number.POSITIVE_INFINITY }, { attempts: 1_000_000 }],
    [
      { backoff: 'fixed', min: '5s' },
      { minMs: 5_000, maxMs: 5_000, factor: 1 },
    ],
    [{ min: '1h' }, { minMs: 3_600_000, maxMs: 3_600_000 }],
    [{ min: '1s' }, { minMs: 1_000 }],
  ])('reads retry %j', (retry, expected) => {
    expect(defineJob('a', { retry } as DefinitionOptions).options).toEqual({ retry: expected })
  })

  it('is frozen', () => {
    const definition = defineJob('a', { retry: 3 })
    expect([definition, definition.base, definition.options].every(Object.isFrozen)).toBe(true)
  })

  it.each<[string, unknown, RegExp]>([
    ['a', { timout: {} }, /options of job\("a"\) among .*found "timout"\. Did you mean timeout\?/],
    ['a', { retry: { tries: 3 } }, /options of job\("a"\) retry among attempts/],
    ['a', { retry: { attempts: 0 } }, /job\("a"\) retry\.attempts to be a whole number from 1/],
    ['a', { retry: 1.5 }, /job\("a"\) retry to be a whole number/],
    ['a', { retry: { backoff: 'linear' } }, /'exponential' or 'fixed'/],
    ['a', { retry: { backoff: 'fixed', factor: 2 } }, /factor to be 1 or left out/],
    ['a', { retry: { min: '2m', max: '1m' } }, /retry\.max to be at least job\("a"\) retry\.min/],
    ['a', { retry: { min: 'soon' } }, /job\("a"\) retry\.min to be a duration/],
    ['a', { retry: { jitter: 2 } }, /jitter to be a number from 0 to 1/],
    ['a', { timeout: { lease: 0 } }, /lease to be at least 100 ms/],
    ['a', { timeout: 'soon' }, /job\("a"\) timeout to be a duration/],
    ['a', { timeout: [] }, /options of job\("a"\) timeout to be an object/],
    ['a', { timeout: { atempt: '5m' } }, /Did you mean attempt\?/],
    ['a', { retention: { done: 1 } }, /options of job\("a"\) retention/],
    ['a', { weight: 0 }, /weight to be a number from/],
    ['a', { command: { env: { A: 1 } } }, /env\.A to be text; found 1/],
    ['a', { priority: 1e7 }, /priority/],
    ['a', { queue: '' }, /queue to be 1 to \d+ letters/],
    ['a', { run: 'x' }, /run to be a function/],
    ['a', { input: {} }, /input to be a Standard Schema/],
    ['a', { check: 'never' }, /'enqueue' or 'both'/],
    ['a', { limits: [{ key: 'k' }] }, /limits max to be a whole number/],
    ['a', { limits: 5 }, /limits to be an array or a function/],
    ['a', { fairKey: 5 }, /fairKey to be text or a function/],
    ['a', { unique: { for: 'a while' } }, /unique\.for to be a duration/],
    ['a', { unique: { by: 5 } }, /unique\.by/],
    ['', {}, /kind of a job/],
    ['a', undefined, /to be an object/],
  ])('refuses %j %o', (kind, options, message) => {
    expect(() => defineJob(kind, options as never)).toThrow(message)
    expect(() => defineJob(kind, options as never)).toThrow(PerdureError)
  })
})

describe('makeSpec', () => {
  const plain = defineJob('plain', {})

  it('hands on the one object that is the same for all jobs of a kind', () => {
    const definition = defineJob('a', { retry: 3 })
    expect(makeSpec(definition, undefined, undefined)).toBe(definition.base)
    expect((makeSpec(definition, 5, undefined) as { options: unknown }).options).toBe(definition.options)
  })

  it('reads all options', () => {
    const options: EnqueueOptions = {
      ...{
        key: 'k',
        onConflict: 'refuse',
        keyWindow: 'ever',
        delay: '10s',
        priority: -5,
        queue: 'q',
        namespace: 'n',
      },
      ...{
        after: [1, { id: 2 }, { job: 3, onFailure: 'run' }, { job: { id: 4 } }],
        limits: [{ key: 'l', max: 2 }],
      },
      ...{
        metadata: { a: 'b' },
        parent: { id: 9 },
        fairKey: 'f',
        unique: { by: 'u', for: '1m' },
        retry: 2,
        weight: 3,
      },
    }
    expect(makeSpec(plain, [1], options)).toEqual({
      ...{ kind: 'plain', input: [1], key: 'k', onConflict: 'refuse', keyWindowMs: Number.POSITIVE_INFINITY },
      ...{
        delayMs: 10_000,
        priority: -5,
        queue: 'q',
        namespace: 'n',
        metadata: { a: 'b' },
        parent: 9,
        fairKey: 'f',
      },
      after: [{ job: 1 }, { job: 2 }, { job: 3, onFailure: 'run' }, { job: 4 }],
      limits: [{ key: 'l', max: 2 }],
      unique: { value: 'u', scope: 'for', forMs: 60_000 },
      options: { retry: { attempts: 2 }, weight: 3 },
    })
  })

  it('lays the options of one enqueue over those of the definition, name by name', () => {
    const definition = defineJob('a', {
      retry: { attempts: 9, min: '1s' },
      timeout: { attempt: '1m' },
      weight: 2,
    })
    expect(makeSpec(definition, 1, { retry: { attempts: 2 } })).toMatchObject({
      options: { retry: { attempts: 2, minMs: 1_000 }, timeouts: { startToCloseMs: 60_000 }, weight: 2 },
    })
    expect(definition.options?.retry?.attempts).toBe(9)
  })

  it.each<[unknown, unknown]>([
    [new Date(5_000), 5_000],
    [7_000, 7_000],
  ])('takes %j as the moment', (at, dueAt) => {
    expect(makeSpec(plain, 1, { at: at as Date })).toMatchObject({ dueAt })
  })

  it.each<[unknown, RegExp]>([
    [{ delay: 1, at: 2 }, /given without at/],
    [{ at: new Date('nonsense') }, /at to be a Date/],
    [{ at: 1.5 }, /at to be a Date/],
    [{ delay: 'later' }, /enqueue delay/],
    [{ prio: 1 }, /Did you mean priority/],
    [{ key: '' }, /enqueue key to be text/],
    [{ after: 5 }, /after to be an array/],
    [{ after: [0] }, /after to be a job id/],
    [{ after: [{ job: 1, onFailure: 'x' }] }, /one of 'fail', 'cancel', 'run'/],
    [{ after: ['x'] }, /after to be job ids or handles/],
    [{ parent: -1 }, /parent to be a job id/],
    [{ metadata: { a: 1 } }, /metadata\.a to be text/],
    [{ metadata: 'a' }, /metadata to be an object/],
    [{ onConflict: 'replace-it' }, /onConflict/],
  ])('refuses %o', (options, message) => {
    expect(() => makeSpec(plain, 1, options as never)).toThrow(message)
  })

  it('makes limits, fairness key and uniqueness from the input as its schema made it', () => {
    const definition = defineJob('a', {
      input: z.object({ tenant: z.string().toLowerCase(), n: z.coerce.number() }),
      limits: ({ tenant }: { tenant: string }) => [{ key: `t:${tenant}`, max: 1 }],
      fairKey: ({ tenant }: { tenant: string }) => tenant,
      unique: { by: ({ n }: { n: number }) => `n${n + 1}`, for: 'ever', onConflict: 'refuse' },
    } as DefinitionOptions)
    expect(makeSpec(definition, { tenant: 'ACME', n: '4' }, undefined)).toEqual({
      ...{ kind: 'a', queue: 'default', input: { tenant: 'acme', n: 4 }, fairKey: 'acme' },
      limits: [{ key: 't:acme', max: 1 }],
      unique: { value: 'n5', scope: 'ever', onConflict: 'refuse' },
    })
    expect(makeSpec(definition, { tenant: 'a', n: 1 }, { unique: false })).not.toHaveProperty('unique')
  })

  it('takes the whole input as its uniqueness, whatever the order of names', () => {
    const definition = defineJob('a', { unique: true })
    const value = (input: unknown) =>
      (makeSpec(definition, input, undefined) as { unique: { value: string } }).unique.value
    expect(value({ a: 1, b: [{ c: 2, d: 3 }] })).toBe(value({ b: [{ d: 3, c: 2 }], a: 1 }))
    expect(value({ a: 1 })).not.toBe(value({ a: 2 }))
    expect(value('x'.repeat(10_000)).length).toBeLessThan(64)
    expect(value(undefined)).toBe('null')
  })

  it('stores the input as given where the schema reads it again before the handler', () => {
    const input = z.object({ at: z.coerce.date() })
    const at = '2026-01-01T00:00:00.000Z'
    expect(makeSpec(defineJob('a', { input, check: 'both' }), { at }, undefined)).toMatchObject({
      input: { at },
    })
    expect(makeSpec(defineJob('a', { input }), { at }, undefined)).toMatchObject({
      input: { at: new Date(at) },
    })
  })

  it('waits for a schema that is asynchronous', async () => {
    const input = z.string().refine(async (text) => text !== 'taken', 'is taken')
    const definition = defineJob('a', { input })
    await expect(makeSpec(definition, 'free', undefined)).resolves.toMatchObject({ input: 'free' })
    await expect(makeSpec(definition, 'taken', undefined)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('checkValue', () => {
  it('says where and what, and counts the rest', () => {
    const schema = z.object({ a: z.object({ b: z.string() }), n: z.array(z.number()) })
    const value = { a: { b: 5 }, n: ['1', '2', '3', '4', '5', '6'] }
    expect(() => checkValue(schema, value, 'INVALID_INPUT', 'the input')).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(
          /expected the input to match its schema; found a\.b: .*; n\.0: .*; and 2 more\./,
        ),
      }),
    )
  })
})
