import { describe, expect, it } from 'vitest'
import { PerdureError } from '../errors.ts'
import { Turns } from './turns.ts'

const busy = (pid: number | null, since: number | null) =>
  new PerdureError('STORE_BUSY', '', { data: { pid, since, socket: null } })

describe('a store that is busy', () => {
  it('is waited for as long as others take turns, and not for one that stays', () => {
    const turns = new Turns(1_000)
    expect(turns.isWorthWaiting(busy(1, 10), 1_000)).toBe(true)
    expect(turns.isWorthWaiting(busy(1, 10), 11_000)).toBe(true)
    expect(turns.isWorthWaiting(busy(2, 20), 12_000)).toBe(true)
    // the same process, once more
    expect(turns.isWorthWaiting(busy(2, 30), 22_000)).toBe(true)
    expect(turns.isWorthWaiting(busy(2, 30), 32_000)).toBe(true)
    expect(turns.isWorthWaiting(busy(2, 30), 32_001)).toBe(false)
  })

  it('is not waited for without end', () => {
    const turns = new Turns(0)
    for (let now = 0; now <= 120_000; now += 5_000) expect(turns.isWorthWaiting(busy(1, now), now)).toBe(true)
    expect(turns.isWorthWaiting(busy(1, 7), 120_001)).toBe(false)
  })

  it('whose owner says nothing of itself is one that stays', () => {
    const turns = new Turns(0)
    expect(turns.isWorthWaiting(busy(null, null), 10_000)).toBe(true)
    expect(turns.isWorthWaiting(busy(null, null), 20_001)).toBe(false)
  })
})

it('nothing else is waited for', () => {
  const turns = new Turns(0)
  expect(turns.isWorthWaiting(new PerdureError('STORE_FAILED', ''), 0)).toBe(false)
  expect(turns.isWorthWaiting(new Error('STORE_BUSY'), 0)).toBe(false)
})
