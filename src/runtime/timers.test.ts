import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from './clock.ts'
import { longTimeout, systemTimers } from './timers.ts'

describe('longTimeout', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  const clock = { now: () => Date.now(), monotonic: () => Date.now() }

  it.each([0, 1, 1_000, 2 ** 31 - 1, 2 ** 31, 5 * 2 ** 31 + 7])('calls after %d ms, and not before', (ms) => {
    const act = vi.fn()
    longTimeout(ms, act, { clock })
    expect(act).not.toHaveBeenCalled()
    if (ms > 0) {
      vi.advanceTimersByTime(ms - 1)
      expect(act).not.toHaveBeenCalled()
    }
    vi.advanceTimersByTime(1)
    expect(act).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(2 ** 32)
    expect(act).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('never arms a native timer that would overflow', () => {
    const native = vi.spyOn(globalThis, 'setTimeout')
    const timer = longTimeout(Number.MAX_SAFE_INTEGER, () => {}, { clock })
    vi.advanceTimersByTime(3 * 2 ** 31)
    const delays = native.mock.calls.map(([, ms]) => ms ?? 0)
    expect(delays.length).toBeGreaterThan(2)
    expect(Math.max(...delays)).toBe(2 ** 31 - 1)
    timer.cancel()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('can be cancelled in a later piece', () => {
    const act = vi.fn()
    const timer = longTimeout(2 ** 32, act, { clock })
    vi.advanceTimersByTime(2 ** 31)
    timer.cancel()
    vi.advanceTimersByTime(2 ** 33)
    expect(act).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('system', () => {
  it('waits for the time that was asked for, by the monotonic clock', async () => {
    for (const ms of [1, 3, 7]) {
      const before = systemClock.monotonic()
      await new Promise<void>((resolve) => systemTimers.after(ms, resolve))
      expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(ms)
    }
  })

  it('tells the time of the machine', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000)
    expect(Number.isInteger(systemClock.now())).toBe(true)
  })
})
