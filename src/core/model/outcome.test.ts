/** Ends that values carry. */
import { expect, it } from 'vitest'
import { carriedOutcome, OUTCOME } from './outcome.ts'

it('reads the outcome off a value that carries one, and off no other', () => {
  const released = { type: 'released' } as const
  expect(carriedOutcome({ [OUTCOME]: released })).toBe(released)
  expect([{}, null, undefined, 'released', 5].map(carriedOutcome)).toEqual(Array(5).fill(undefined))
})
