/** What callers cannot hand in: each refusal is of one kind, and names the option that is wrong. */
import { describe, expect, it } from 'vitest'
import { PerdureError } from '../../errors.ts'
import { Profiles } from './profiles.ts'
import { readFilter, readQuery } from './query.ts'
import { readPast, readSpec } from './specs.ts'

const NOW = 1_800_000_000_000
const many = <T>(count: number, of: T): T[] => new Array<T>(count).fill(of)

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof PerdureError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'taken'
}

describe('a job', () => {
  it.each<[object, RegExp]>([
    [{ kind: '' }, /^INVALID_NAME.*'kind'/],
    [{ queue: '-a' }, /^INVALID_NAME.*'queue'/],
    [{ namespace: 'a b' }, /^INVALID_NAME.*'namespace'/],
    [{ kind: 'x'.repeat(200) }, /^INVALID_NAME.*xxx\.\.\./],
    [{ kynd: 'k' }, /^INVALID_OPTION.*kynd/],
    [{ priority: 0.5 }, /^INVALID_OPTION.*'priority'/],
    [{ delayMs: -1 }, /^INVALID_OPTION.*'delayMs'/],
    [{ delayMs: 1, dueAt: 1 }, /^INVALID_OPTION.*'dueAt'/],
    [{ parent: 0 }, /^INVALID_OPTION.*'parent'/],
    [{ fairKey: '' }, /^INVALID_OPTION.*'fairKey'/],
    [{ key: 'a\0b' }, /^INVALID_OPTION.*'key'/],
    [{ key: '\ud800' }, /^INVALID_OPTION.*'key'/],
    [{ key: 'k', keyWindowMs: 'long' }, /^INVALID_OPTION.*'keyWindowMs'/],
    [{ key: 'k', onConflict: 'fight' }, /^INVALID_OPTION.*'onConflict'/],
    [{ unique: 'u' }, /^INVALID_OPTION.*'unique'/],
    [{ unique: { value: 'u', scope: 'now' } }, /^INVALID_OPTION.*'unique.scope'/],
    [{ unique: { value: 'u', scope: 'for' } }, /^INVALID_OPTION.*'unique.forMs'/],
    [{ limits: 'api' }, /^INVALID_OPTION.*'limits'/],
    [{ limits: [{ key: 'api', max: 0 }] }, /^INVALID_OPTION.*'limits.api.max'/],
    [{ limits: many(17, { key: 'api', max: 1 }) }, /^TOO_LARGE.*'limits'/],
    [{ after: [{}] }, /^INVALID_OPTION.*'after'/],
    [{ after: [{ job: 1, index: 0 }] }, /^INVALID_OPTION.*'after'/],
    [{ after: [{ index: 5 }] }, /^INVALID_OPTION.*'after.index'/],
    [{ after: [{ job: 1, onFailure: 'cry' }] }, /^INVALID_OPTION.*'after.onFailure'/],
    [{ after: many(100_001, { job: 1 }) }, /^TOO_LARGE.*'after'/],
    [{ metadata: ['a'] }, /^INVALID_OPTION.*'metadata'/],
    [{ metadata: { '': 'x' } }, /^INVALID_OPTION.*'metadata'/],
    [{ metadata: { a: 1 } }, /^INVALID_OPTION.*'metadata.a'/],
    [{ metadata: { a: 'x\0' } }, /^INVALID_OPTION.*'metadata.a'/],
    [{ metadata: { a: 'x'.repeat(513) } }, /^TOO_LARGE.*'metadata.a'/],
    [{ metadata: Object.fromEntries(many(17, 0).map((_, i) => [`n${i}`, ''])) }, /^TOO_LARGE.*'metadata'/],
    [{ input: 'x'.repeat(5_000_000) }, /^TOO_LARGE.*'input'/],
    [{ input: 1n }, /^NOT_SERIALIZABLE.*'input'/],
    [{ input: () => 0 }, /^NOT_SERIALIZABLE.*'input'/],
  ])('is refused with %o', (changes, expected) => {
    expect(refusal(() => readSpec(changes as never, 1, new Profiles(), NOW))).toMatch(expected)
  })

  it.each<[object, RegExp]>([
    [{ speed: 1 }, /^INVALID_OPTION.*speed/],
    [{ retry: { attempts: 0 } }, /'options.retry.attempts'/],
    [{ retry: { minMs: -1 } }, /'options.retry.minMs'/],
    [{ retry: { factor: '2' } }, /'options.retry.factor'/],
    [{ retry: { factor: 0.5 } }, /'options.retry.factor'/],
    [{ retry: { jitter: 2 } }, /'options.retry.jitter'/],
    [{ retry: { on: 'never' } }, /'options.retry.on'/],
    [{ retry: { tries: 3 } }, /tries/],
    [{ timeouts: { heartbeatMs: 50 } }, /'options.timeouts.heartbeatMs'/],
    [{ timeouts: 5 }, /'options.timeouts'/],
    [{ retention: { failedMs: 'long' } }, /'options.retention.failedMs'/],
    [{ weight: 0 }, /'options.weight'/],
    [{ command: { cwd: 'a\0' } }, /'options.command.cwd'/],
    [{ command: { user: 5 } }, /'options.command.user'/],
    [{ command: { env: { A: 1 } } }, /'options.command.env.A'/],
    [{ command: { env: { 'A\0': 'x' } } }, /'options.command.env.A/],
    [{ command: { shell: 'sh' } }, /shell/],
    [{ command: { env: { A: 'x'.repeat(600_000) } } }, /^TOO_LARGE.*'options'/],
  ])('is refused with the options %o', (options, expected) => {
    expect(refusal(() => readSpec({ kind: 'k', options } as never, 1, new Profiles(), NOW))).toMatch(expected)
  })

  it('keeps for ever what shall be kept for ever', () => {
    const options = { retention: { failedMs: Infinity }, command: { env: { B: '2', A: '1' } } }
    const { profile } = readSpec({ kind: 'k', options }, 1, new Profiles(), NOW).route
    expect(JSON.parse(profile)).toMatchObject({ retention: { failedMs: Number.MAX_SAFE_INTEGER } })
    // the order of variables makes no other option set
    expect(profile).toContain('{"A":"1","B":"2"}')
  })
})

it.each<[object, RegExp]>([
  [{ state: 'running' }, /^UNKNOWN_STATE/],
  [{ state: 'gone' }, /^UNKNOWN_STATE.*"gone"/],
  [{ after: [{ job: 1 }] }, /^INVALID_OPTION.*'after'/],
  [{ createdAt: 'yesterday' }, /'createdAt'/],
  [{ finishedAt: -1 }, /'finishedAt'/],
  [{ history: [{ number: 0 }] }, /'history.number'/],
  [{ history: [{ number: 1, worker: 'w', startedAt: 1, outcome: 'odd' }] }, /'history.outcome'/],
])('an import is refused with %o', (changes, expected) => {
  const past = { kind: 'k', createdAt: 1, state: 'failed', ...changes }
  expect(refusal(() => readPast(past as never, 1, new Profiles(), NOW))).toMatch(expected)
})

it.each<[object, RegExp]>([
  [{ colour: 'red' }, /colour/],
  [{ states: ['gone'] }, /^UNKNOWN_STATE.*"gone"/],
  [{ states: 'ready' }, /'states'/],
  [{ ids: many(10_001, 1) }, /'ids'/],
  [{ ids: [0] }, /'ids'/],
  [{ order: 'random' }, /'order'/],
  [{ limit: 1_001 }, /'limit'/],
  [{ metadata: [{ name: '' }] }, /'metadata.name'/],
  [{ metadata: [{ name: 'a' }] }, /'metadata.a'/],
  [{ metadata: [{ name: 'a', value: 'x', prefix: 'y' }] }, /'metadata.a'/],
  [{ cursor: 'n1' }, /^INVALID_CURSOR/],
  [{ createdAfter: Number.NaN }, /'createdAfter'/],
])('a list is refused with %o', (query, expected) => {
  expect(refusal(() => readQuery(query))).toMatch(expected)
})

it.each<[object, RegExp]>([
  [{ ids: 5 }, /'ids'/],
  [{ ids: ['5'] }, /'ids'/],
  [{ queue: '' }, /'queue'/],
  [{ namespace: 7 }, /'namespace'/],
  [{ kind: 'k' }, /kind/],
])('a watch is refused with %o', (filter, expected) => {
  expect(refusal(() => readFilter(filter))).toMatch(expected)
})
