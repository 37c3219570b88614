import { describe, expect, it } from 'vitest'
import type { MethodName } from '../../protocol/methods.ts'
import { callerOf, LOOPBACK } from './caller.ts'
import { type NamespaceLimits, NamespaceRates } from './namespace-rates.ts'

const producer = (id: string, ...namespaces: string[]) =>
  callerOf({ id, name: id }, { roles: ['producer'], namespaces })
const acme = producer('acme', 'acme')
const both = producer('both', 'acme', 'other')
const worker = callerOf({ id: 'w', name: 'w' }, { roles: ['worker'] })

const jobs = (count: number, namespace?: string) =>
  Array.from({ length: count }, () => (namespace === undefined ? { kind: 'a' } : { kind: 'a', namespace }))
const enqueue = (...all: object[][]) => [{ jobs: all.flat(), options: [] }]

/** Calls as they come, at one moment unless it is moved. */
class Calls {
  now = 0
  limits: NamespaceLimits
  readonly rates: NamespaceRates

  constructor(limits: NamespaceLimits) {
    this.limits = limits
    this.rates = new NamespaceRates(
      () => this.limits,
      () => this.now,
    )
  }

  /** The namespace that was refused a call, 'ok' where none was. */
  make(caller: typeof acme, method: MethodName, ...values: unknown[]): string {
    try {
      this.rates.pay(caller, method, values)
      return 'ok'
    } catch (error) {
      const { code, data } = error as { code: string; data: { namespace: string; retryAfterMs: number } }
      expect([code, data.retryAfterMs > 0]).toEqual(['OVERLOADED', true])
      return data.namespace
    }
  }

  /** How many of so many calls of the same kind pass. */
  passing(count: number, caller: typeof acme, method: MethodName, ...values: unknown[]): number {
    let passed = 0
    for (let call = 0; call < count; call++) if (this.make(caller, method, ...values) === 'ok') passed += 1
    return passed
  }
}

describe('jobs a second', () => {
  it('are those of all callers together', () => {
    const calls = new Calls({ jobs: 100 })
    expect(calls.make(acme, 'enqueue', ...enqueue(jobs(60)))).toBe('ok')
    expect(calls.make(LOOPBACK, 'enqueue', ...enqueue(jobs(40, 'acme')))).toBe('ok')
    expect(calls.make(both, 'enqueue', ...enqueue(jobs(1, 'acme')))).toBe('acme')
    expect(calls.make(LOOPBACK, 'import', jobs(1, 'acme'))).toBe('acme')
    expect(calls.make(both, 'enqueue', ...enqueue(jobs(1, 'other')))).toBe('ok')
    calls.now = 11
    expect(calls.make(acme, 'enqueue', ...enqueue(jobs(1)))).toBe('ok')
  })

  it('of a call into several namespaces pass or are refused together', () => {
    const calls = new Calls({ jobs: 10 })
    calls.make(LOOPBACK, 'enqueue', ...enqueue(jobs(10, 'acme')))
    expect(calls.make(LOOPBACK, 'enqueue', ...enqueue(jobs(9, 'other'), jobs(1, 'acme')))).toBe('acme')
    expect(calls.make(LOOPBACK, 'enqueue', ...enqueue(jobs(10, 'other')))).toBe('ok')
  })

  it('count for the usual namespace where jobs name none', () => {
    const calls = new Calls({ jobs: 2 })
    expect(calls.passing(5, LOOPBACK, 'enqueue', ...enqueue(jobs(1)))).toBe(2)
    expect(calls.make(LOOPBACK, 'enqueue', ...enqueue(jobs(1, 'default')))).toBe('default')
  })

  it('leave calls without jobs alone', () => {
    const calls = new Calls({ jobs: 1 })
    calls.make(acme, 'enqueue', ...enqueue(jobs(5)))
    expect(calls.passing(100, acme, 'list', {})).toBe(100)
  })
})

describe('calls a second', () => {
  it.each<[string, typeof acme, MethodName, unknown[], number]>([
    ['enqueues into it', LOOPBACK, 'enqueue', enqueue(jobs(50, 'acme')), 10],
    ['what those ask who are bound to it', acme, 'get', [1], 10],
    ['what they ask without naming it', acme, 'list', [{}], 10],
    ['what those ask who name it and are bound to it', both, 'counts', [{ namespace: 'acme' }], 10],
    ['not what is asked by those of several without naming one', both, 'get', [1], 100],
    ['not what is asked by those of all', LOOPBACK, 'list', [{ namespace: 'acme' }], 100],
    ['not what workers do', worker, 'session.report', [1, [], ''], 100],
  ])('count %s', (_, caller, method, values, passing) => {
    expect(new Calls({ calls: 10 }).passing(100, caller, method, ...values)).toBe(passing)
  })

  it('are not taken from another namespace by those who may not name it', () => {
    const calls = new Calls({ calls: 10, jobs: 10 })
    const foreign = producer('foreign', 'foreign')
    calls.passing(100, foreign, 'enqueue', ...enqueue(jobs(1, 'acme')))
    calls.passing(100, foreign, 'list', { namespace: 'acme' })
    expect(calls.passing(100, acme, 'enqueue', ...enqueue(jobs(1)))).toBe(10)
  })
})

it('whatever the arguments hold, they are not the matter of rates', () => {
  const calls = new Calls({ calls: 10, jobs: 10 })
  for (const values of [
    [],
    [null],
    [{ jobs: 7 }],
    [{ jobs: [null, 3, { namespace: {} }, { namespace: '' }] }],
  ])
    for (const method of ['enqueue', 'import', 'list'] as const)
      for (const caller of [acme, both, LOOPBACK]) calls.make(caller, method, ...values)
  expect(calls.make(LOOPBACK, 'enqueue', ...enqueue(jobs(1, 'x'.repeat(10_000))))).toBe('ok')
})

it('namespaces that ask for nothing any more are forgotten', () => {
  const calls = new Calls({ jobs: 1_000, calls: 1_000 })
  for (; calls.now < 20_000; calls.now += 1)
    calls.make(LOOPBACK, 'enqueue', ...enqueue(jobs(1, `n${calls.now}`)))
  expect(calls.rates.size).toBeLessThanOrEqual(1_001)
})

it('limits may change while they count, or be taken away', () => {
  const calls = new Calls({ jobs: 1 })
  calls.make(acme, 'enqueue', ...enqueue(jobs(1_000)))
  expect(calls.make(acme, 'enqueue', ...enqueue(jobs(1)))).toBe('acme')
  calls.limits = { jobs: 10_000 }
  calls.now = 100
  expect(calls.make(acme, 'enqueue', ...enqueue(jobs(1)))).toBe('ok')
  calls.limits = {}
  expect(calls.passing(100, acme, 'enqueue', ...enqueue(jobs(1_000)))).toBe(100)
})
