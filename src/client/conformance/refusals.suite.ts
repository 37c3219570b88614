/** Refusals: malformed and oversized input gets a typed error that says three things, and changes nothing. */
import { expect, it } from 'vitest'
import type { JobSpec } from '../types.ts'
import { codeOf, refusal, type World } from './world.suite.ts'

const MOST_VALUE = 4 * 1024 * 1024

/** Specs that no client takes. */
const BAD_SPECS: Record<string, unknown> = {
  'a kind with a space': { kind: 'a b' },
  'a kind of nothing': { kind: '' },
  'a kind of 129 letters': { kind: 'k'.repeat(129) },
  'a queue with a newline': { queue: 'a\nb' },
  'a namespace that is a number': { namespace: 5 },
  'an unknown property': { delay: 5 },
  'a fractional priority': { priority: 0.5 },
  'a priority beyond the last': { priority: 1_000_001 },
  'a priority in text': { priority: '1' },
  'a negative delay': { delayMs: -1 },
  'an endless delay': { delayMs: Number.POSITIVE_INFINITY },
  'a delay that is no number': { delayMs: Number.NaN },
  'delay and moment': { delayMs: 1, dueAt: 1 },
  'an empty key': { key: '' },
  'a key of 513 letters': { key: 'k'.repeat(513) },
  'a key with NUL': { key: 'a\0' },
  'a key with half a character': { key: 'a\ud800' },
  'an unknown conflict policy': { key: 'a', onConflict: 'perhaps' },
  'a uniqueness of nothing': { unique: null },
  'an unknown scope': { unique: { value: 'a', scope: 'sometimes' } },
  'a uniqueness for no time': { unique: { value: 'a', scope: 'for' } },
  'limits in text': { limits: 'a' },
  'a limit of nothing': { limits: [null] },
  'a limit of none': { limits: [{ key: 'a', max: 0 }] },
  'a limit of a half': { limits: [{ key: 'a', max: 1.5 }] },
  'dependencies in an object': { after: {} },
  'a dependency on nothing': { after: [null] },
  'a dependency without an end': { after: [{}] },
  'a dependency with two ends': { after: [{ job: 1, index: 0 }] },
  'an unknown edge policy': { after: [{ job: 1, onFailure: 'panic' }] },
  'a parent in text': { parent: 'x' },
  'metadata in an array': { metadata: ['a'] },
  'metadata of numbers': { metadata: { a: 1 } },
  'metadata without a name': { metadata: { '': 'a' } },
  'metadata with half a character': { metadata: { a: '\udc00' } },
  'options in a number': { options: 5 },
  'options of nothing': { options: null },
  'an unknown option': { options: { attempts: 5 } },
  'retry in a number': { options: { retry: 5 } },
  'no attempts': { options: { retry: { attempts: 0 } } },
  'a factor in text': { options: { retry: { factor: '2' } } },
  'a jitter beyond one': { options: { retry: { jitter: 1.1 } } },
  'a lease of no time': { options: { timeouts: { heartbeatMs: 0 } } },
  'a retention below none': { options: { retention: { failedMs: -1 } } },
  'a weight of none': { options: { weight: 0 } },
  'a variable that is no text': { options: { command: { env: { A: 1 } } } },
}

const BAD_INPUTS: Record<string, unknown> = {
  function: () => 1,
  symbol: Symbol('s'),
  bigint: 1n,
}

export function refusalTests(world: World): void {
  // What JSON cannot carry is refused before it reaches a wire, and so by another code.
  it.each(Object.entries(BAD_SPECS))('of %s', async (_, bad) => {
    const error = await refusal(() =>
      world.client.enqueue([world.spec(), { ...world.spec(), ...(bad as JobSpec) }]),
    )
    expect(error.code).toMatch(/^(INVALID_OPTION|INVALID_NAME|NOT_SERIALIZABLE)$/)
    expect(error.message).toMatch(/expected .+; found .+\. .+\./)
    expect((await world.client.list({ namespace: world.name })).jobs).toEqual([])
  })

  it.each(Object.entries(BAD_INPUTS))('of an input that is a %s', async (_, input) => {
    expect(await codeOf(() => world.add({ input }))).toBe('NOT_SERIALIZABLE')
  })

  it('of an input in a circle', async () => {
    const circle: unknown[] = []
    circle.push(circle)
    expect(await codeOf(() => world.add({ input: circle }))).toBe('NOT_SERIALIZABLE')
  })

  it('of what is larger than its limit, and not of what is at it', async () => {
    const pairs = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, 'v']))
    const limits = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ key: `${world.name}-${i}`, max: 1 }))
    const text = (length: number) => 'x'.repeat(length)
    // The quotes of the JSON text count.
    const sizes: [JobSpec, JobSpec][] = [
      [{ input: text(MOST_VALUE - 2) }, { input: text(MOST_VALUE - 1) }],
      [{ metadata: pairs(16) }, { metadata: pairs(17) }],
      [{ metadata: { a: text(512) } }, { metadata: { a: text(513) } }],
      [{ limits: limits(16) }, { limits: limits(17) }],
    ]
    for (const [most, tooMuch] of sizes) {
      expect(await world.add(most)).toBeGreaterThan(0)
      const error = await refusal(() => world.add(tooMuch))
      expect(error.code).toBe('TOO_LARGE')
    }
    for (const kind of [text(128), 'ö_1.:/@-']) expect(await world.add({ kind })).toBeGreaterThan(0)
    expect(
      await world.add({ metadata: { [text(64)]: '' }, key: text(512), priority: -1_000_000 }),
    ).toBeGreaterThan(0)
    expect(await codeOf(() => world.add({ metadata: { [text(65)]: '' } }))).toBe('INVALID_OPTION')
  })

  it('of results at their limit', async () => {
    const [fits, not] = await world.addAll([{}, {}])
    const leases = await world.lease(2)
    await world.succeed(leases[0] as never, 'x'.repeat(MOST_VALUE - 2))
    await world.succeed(leases[1] as never, 'x'.repeat(MOST_VALUE - 1))
    expect((await world.client.wait(fits as number)).result).toHaveLength(MOST_VALUE - 2)
    expect((await world.client.wait(not as number)).error?.code).toBe('TOO_LARGE')
  })

  it('keeps of an error what fits', async () => {
    const id = await world.add()
    const lease = await world.leaseOne()
    const error = {
      code: 'BIG',
      message: 'm'.repeat(100_000),
      stack: 's'.repeat(100_000),
      data: { a: 'd'.repeat(300_000) },
    }
    await (await world.session()).report([
      { token: lease.token, outcome: { type: 'failed', error, retry: false } },
    ])
    const kept = (await world.client.wait(id)).error
    expect(kept?.code).toBe('BIG')
    expect(kept?.message.startsWith('mmm')).toBe(true)
    expect(JSON.stringify(kept).length).toBeLessThan(200_000)
  })

  it('of malformed calls of every method', async () => {
    const { client } = world
    const session = await world.session()
    const bad = <T>(value: unknown): T => value as T
    const calls: (() => unknown)[] = [
      () => client.enqueue(bad(null)),
      () => client.enqueue(bad([null])),
      () => client.enqueue([world.spec()], { request: '' }),
      () => client.list(bad({ states: 'ready' })),
      () => client.list(bad({ states: ['redy'] })),
      () => client.list(bad({ ids: 5 })),
      () => client.list(bad({ ids: ['a'] })),
      () => client.list(bad({ metadata: 5 })),
      () => client.list(bad({ metadata: [null] })),
      () => client.list(bad({ metadata: [{ name: 'a' }] })),
      () => client.list(bad({ limit: 0 })),
      () => client.list(bad({ limit: 1_001 })),
      () => client.list(bad({ order: 'random' })),
      () => client.list(bad({ colour: 'red' })),
      () => client.get(bad('x')),
      () => client.get(0),
      () => client.wait(bad('x')),
      () => client.control(1, bad(null)),
      () => client.control(1, bad({ verb: 'explode' })),
      () => client.control(1, bad({ verb: 'cancel', graceMs: 'x' })),
      () => client.control(1, bad({ verb: 'cancel', signal: 5 })),
      () => client.control(1, bad({ verb: 'snooze' })),
      () => client.control(1, bad({ verb: 'reprioritize', priority: 'x' })),
      () => client.control(1, { verb: 'repin', version: 'a b' }),
      () => client.pauseQueue(bad(5), true),
      () => client.dependents(1, 0),
      () => client.import(bad([{ kind: 'k' }])),
      () => client.import(bad([{ ...world.spec(), createdAt: 1, state: 'running' }])),
      () => client.import(bad([{ ...world.spec(), createdAt: 1, state: 'failed', history: [null] }])),
      () => session.poll(bad({ kinds: ['k'], slots: 1 })),
      () => session.poll(bad({ queues: 'q', kinds: ['k'], slots: 1 })),
      () => session.poll({ queues: ['q'], kinds: ['k'], slots: 0 }),
    ]
    for (const call of calls) {
      const error = await refusal(call)
      expect([String(call), error.code]).not.toContain('INTERNAL')
      expect(error.message).toMatch(/expected .+; found .+/s)
    }
    const id = await world.add()
    expect(await world.runAll()).toEqual([id])
  })
}
