/** What a stop makes of an outcome. */
import { expect, it } from 'vitest'
import { outcomeAfterStop, outcomeOfAbandoned } from './outcome.ts'

it('who was cancelled and gave back, or was given up, has not said that it undid anything', () => {
  expect(outcomeAfterStop({ type: 'released' }, 'cancel')).toEqual({ type: 'released' })
  expect(outcomeOfAbandoned('cancel')).toMatchObject({ type: 'failed', error: { code: 'TIMEOUT' } })
  expect(outcomeAfterStop({ type: 'snoozed', delayMs: 1 }, 'cancel')).toEqual({ type: 'cancelled' })
})
