/** Refusals that need no shard. */
import { expect, it } from 'vitest'
import { unknownState } from './refusal.ts'
import { JOB_STATES } from './states.ts'

it('names the state that was likely meant, and all where none is near', () => {
  expect(unknownState('succeded', JOB_STATES).message).toMatch(/found "succeded"\. Did you mean succeeded\?$/)
  expect(unknownState('', JOB_STATES).message).toMatch(
    /expected one of blocked, .*; found ""\. Use one of these\.$/,
  )
  expect(unknownState(5, JOB_STATES).message).toMatch(/found 5\. Use one of these\.$/)
})
