/**
 * Numbers from samples: percentiles, a clock, memory, and a tracker that counts handler calls and refuses a job
 * that runs twice. It never talks to a system.
 */
import { readFileSync } from 'node:fs'

/** Milliseconds since the process began, with a fraction. */
export const now = (): number => performance.now()

/** Resolves after `ms` milliseconds. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * The smallest sample that at least `fraction` of all samples do not exceed (nearest rank).
 * @param samples in any order, left as they are
 * @param fraction from 0 to 1, such as 0.99
 */
export function percentile(samples: Float64Array | number[], fraction: number): number {
  if (samples.length === 0) return Number.NaN
  const sorted = Float64Array.from(samples).sort()
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(fraction * sorted.length)))
  return sorted[rank - 1] as number
}

/** The middle value; robust against the one run in five that a busy machine spoils. */
export const median = (samples: number[]): number => percentile(samples, 0.5)

/** Resident memory of this process now and at its highest, in MB of 1,000,000 bytes. */
export function residentMegabytes(): { current: number; peak: number } {
  return { current: process.memoryUsage.rss() / 1e6, peak: peakBytes() / 1e6 }
}

/** Linux counts the peak in VmHWM, which unlike getrusage does not inherit the parent's peak across exec. */
function peakBytes(): number {
  try {
    const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))
    if (found) return Number(found[1]) * 1024
  } catch {
    // Not Linux: the portable figure below is near enough.
  }
  return process.resourceUsage().maxRSS * 1024
}

/** Counts the jobs whose handler was called, and when each was. */
export class Tracker {
  readonly startedAt: Float64Array
  #count = 0
  #wanted = Number.POSITIVE_INFINITY
  #reached: (() => void) | undefined
  #twice = -1

  /** @param capacity numbers of jobs are from 0 to capacity - 1 */
  constructor(capacity: number) {
    this.startedAt = new Float64Array(capacity)
  }

  /** How many different jobs have started. */
  get count(): number {
    return this.#count
  }

  /** To be given to System.work as it is. */
  readonly started = (number: number): void => {
    if (this.startedAt[number] !== 0) {
      this.#twice = number
      this.#reached?.()
      return
    }
    this.startedAt[number] = now()
    this.#count += 1
    if (this.#count >= this.#wanted) this.#reached?.()
  }

  /** Resolves when `count` jobs have started; rejects when one has started twice or does not exist. */
  async reached(count: number): Promise<void> {
    if (this.#count < count && this.#twice < 0) {
      this.#wanted = count
      await new Promise<void>((resolve) => {
        this.#reached = resolve
      })
      this.#reached = undefined
      this.#wanted = Number.POSITIVE_INFINITY
    }
    if (this.#twice >= 0) throw new Error(`job ${this.#twice} started twice, or was never enqueued`)
  }
}
