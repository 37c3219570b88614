import { describe, expect, it } from 'vitest'
import { Allowance } from './allowance.ts'

const overloaded = expect.objectContaining({ code: 'OVERLOADED' })

describe('requests under way', () => {
  it.each([1, 2, 100])('are at most %i', (requests) => {
    const allowance = new Allowance(() => ({ requests }))
    const ends = Array.from({ length: requests }, () => allowance.begin())
    expect(() => allowance.begin()).toThrow(overloaded)
    ends[0]?.()
    ends[0] = allowance.begin()
    expect(() => allowance.begin()).toThrow(overloaded)
    for (const end of ends) end()
  })
})

describe('the rate', () => {
  it.each([
    ['one less than', 99, true],
    ['exactly', 100, true],
    ['one more than', 101, false],
  ])('lets %s a burst through at once', (_, calls, passes) => {
    const allowance = new Allowance(
      () => ({ rate: 100 }),
      undefined,
      () => 0,
    )
    const all = () => {
      for (let call = 0; call < calls; call++) allowance.pay('get', [1])
    }
    if (passes) expect(all).not.toThrow()
    else expect(all).toThrow(overloaded)
  })

  it('says when to try again, and lets through then', () => {
    let now = 0
    const allowance = new Allowance(
      () => ({ rate: 10 }),
      undefined,
      () => now,
    )
    for (let call = 0; call < 10; call++) allowance.pay('get', [1])
    const refusal = (() => {
      try {
        allowance.pay('get', [1])
      } catch (error) {
        return error as { data: { retryAfterMs: number } }
      }
      return undefined
    })()
    expect(refusal?.data.retryAfterMs).toBeGreaterThan(0)
    now += refusal?.data.retryAfterMs ?? 0
    expect(() => allowance.pay('get', [1])).not.toThrow()
  })

  it('holds over time', () => {
    let now = 0
    let passed = 0
    const allowance = new Allowance(
      () => ({ rate: 50 }),
      undefined,
      () => now,
    )
    for (; now < 10_000; now += 1) {
      try {
        allowance.pay('get', [1])
        passed += 1
      } catch {}
    }
    // ten seconds of it, and the burst
    expect(passed).toBeGreaterThanOrEqual(500)
    expect(passed).toBeLessThanOrEqual(551)
  })

  it('counts jobs', () => {
    const allowance = new Allowance(
      () => ({ rate: 100 }),
      undefined,
      () => 0,
    )
    const jobs = (count: number) => Array.from({ length: count }, () => ({}))
    allowance.pay('enqueue', [{ jobs: jobs(60) }, {}])
    allowance.pay('import', [jobs(40)])
    expect(() => allowance.pay('enqueue', [{ jobs: jobs(1) }, {}])).toThrow(overloaded)
  })

  it('bounds nothing when it is 0', () => {
    const allowance = new Allowance(
      () => ({ rate: 0 }),
      undefined,
      () => 0,
    )
    for (let call = 0; call < 100_000; call++) allowance.pay('get', [1])
  })

  it('may change, for what was taken before as well', () => {
    let rate = 10
    let now = 0
    const allowance = new Allowance(
      () => ({ rate }),
      undefined,
      () => now,
    )
    // a hundred seconds of it
    allowance.pay('import', [Array.from({ length: 1_000 }, () => ({}))])
    now = 1_000
    expect(() => allowance.pay('get', [1])).toThrow(overloaded)
    rate = 10_000
    now = 1_100
    expect(() => allowance.pay('get', [1])).not.toThrow()
  })

  it('takes nothing for a call that is refused elsewhere', () => {
    let refuses = true
    const elsewhere = () => {
      if (refuses) throw new Error('elsewhere')
    }
    const allowance = new Allowance(
      () => ({ rate: 1 }),
      elsewhere,
      () => 0,
    )
    for (let call = 0; call < 10; call++) expect(() => allowance.pay('get', [1])).toThrow('elsewhere')
    refuses = false
    expect(() => allowance.pay('get', [1])).not.toThrow()
    expect(() => allowance.pay('get', [1])).toThrow(overloaded)
  })
})
