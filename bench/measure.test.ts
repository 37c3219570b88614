import { describe, expect, it } from 'vitest'
import { median, percentile, residentMegabytes, Tracker } from './measure.ts'

describe('percentile', () => {
  it('is the nearest rank, whatever the order of the samples', () => {
    const samples = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(percentile(samples, 0.5)).toBe(50)
    expect(percentile(samples, 0.99)).toBe(99)
    expect(percentile(samples, 1)).toBe(100)
    expect(percentile(samples, 0)).toBe(1)
    expect(samples[0]).toBe(100)
  })

  it('is no number when there are no samples', () => {
    expect(percentile([], 0.5)).toBeNaN()
  })

  it('takes the middle of three rounds', () => {
    expect(median([3, 900, 2])).toBe(3)
  })
})

describe('memory', () => {
  it('never peaks below what is resident now', () => {
    const { current, peak } = residentMegabytes()
    expect(current).toBeGreaterThan(1)
    expect(peak).toBeGreaterThanOrEqual(current * 0.99)
  })
})

describe('Tracker', () => {
  it('resolves when enough jobs have started, before or after it was asked', async () => {
    const tracker = new Tracker(2)
    const both = tracker.reached(2)
    tracker.started(1)
    tracker.started(0)
    await both
    await tracker.reached(2)
    expect(tracker.count).toBe(2)
  })

  it('refuses a job that starts twice', async () => {
    const tracker = new Tracker(3)
    tracker.started(1)
    const all = tracker.reached(3)
    tracker.started(1)
    await expect(all).rejects.toThrow('job 1 started twice')
  })

  it('refuses a job that was never enqueued', async () => {
    const tracker = new Tracker(2)
    tracker.started(7)
    await expect(tracker.reached(2)).rejects.toThrow('never enqueued')
  })
})
