/** Pauses between tries. */
import { expect, it } from 'vitest'
import { growingPauseMs } from './pause.ts'

const PAUSES = { firstMs: 20, longestMs: 1_000 }

it('doubles with each failure, up to the longest', () => {
  const pauses = [0, 1, 2, 3, 4, 5, 6, 7, 5_000].map((failures) => growingPauseMs(PAUSES, failures, 1))
  expect(pauses).toEqual([20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000])
})

it('is by half a matter of chance', () => {
  expect([0, 0.5, 1].map((chance) => growingPauseMs(PAUSES, 1, chance))).toEqual([20, 30, 40])
})

it('is the longest one where the first is longer', () => {
  expect(growingPauseMs({ firstMs: 50, longestMs: 10 }, 0, 1)).toBe(10)
})
