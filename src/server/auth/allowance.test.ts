import { describe, expect, it } from 'vitest'
import { Allowance } from './allowance.ts'

const overloaded = expect.objectContaining({ code: 'OVERLOADED' })

describe('requests under way', () => {
  it.each([1, 2, 100])('are at most %i', (requests) => {
    const allowance = new Allowance({ requests })
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
    const allowance = new Allowance({ rate: 100 }, () => 0)
    const all = () => {
      for (let call = 0; call < calls; call++) allowance.pay('get', [1])
    }
    if (passes) expect(all).not.toThrow()
    else expect(all).toThrow(overloaded)
  })

  it('says when to try again, and lets through then', () => {
    let now = 0
    const allowance = new Allowance({ rate: 10 }, () => now)
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
    const allowance = new Allowance({ rate: 50 }, () => now)
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
    const allowance = new Allowance({ rate: 100 }, () => 0)
    const jobs = (count: number) => Array.from({ length: count }, () => ({}))
    allowance.pay('enqueue', [{ jobs: jobs(60) }, {}])
    allowance.pay('import', [jobs(40)])
    expect(() => allowance.pay('enqueue', [{ jobs: jobs(1) }, {}])).toThrow(overloaded)
  })

  it('bounds nothing when it is 0', () => {
    const allowance = new Allowance({ rate: 0 }, () => 0)
    for (let call = 0; call < 100_000; call++) allowance.pay('get', [1])
  })
})
