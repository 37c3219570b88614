/** States: every move between two of them, legal or not, as one table. */
import { expect, it } from 'vitest'
import { isLegalMove, isTerminal, JOB_STATES, type JobState, stateCode, stateName } from './states.ts'

const MOVES: Record<JobState, readonly JobState[]> = {
  blocked: ['scheduled', 'waiting', 'ready', 'held', 'succeeded', 'failed', 'cancelled'],
  scheduled: ['waiting', 'ready', 'held', 'failed', 'cancelled'],
  waiting: ['ready', 'scheduled', 'held', 'failed', 'cancelled'],
  ready: ['running', 'waiting', 'scheduled', 'held', 'failed', 'cancelled'],
  running: ['scheduled', 'waiting', 'ready', 'suspended', 'held', 'succeeded', 'failed', 'cancelled'],
  suspended: ['waiting', 'ready', 'held', 'succeeded', 'failed', 'cancelled'],
  held: ['blocked', 'scheduled', 'waiting', 'ready', 'suspended', 'succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: ['blocked', 'waiting', 'ready', 'succeeded'],
  cancelled: ['blocked', 'waiting', 'ready', 'succeeded'],
}

it.each(JOB_STATES)('allows from %s what the table allows, and nothing else', (from) => {
  const code = stateCode(from) as never
  const allowed = JOB_STATES.filter((to) => to !== from && isLegalMove(code, stateCode(to) as never))
  expect(allowed.toSorted()).toEqual([...MOVES[from]].sort())
  expect(isLegalMove(code, code)).toBe(true)
})

it('keeps the codes that are stored', () => {
  expect(JOB_STATES.map((state) => [state, stateCode(state)])).toEqual([
    ['blocked', 0],
    ['scheduled', 1],
    ['waiting', 2],
    ['ready', 3],
    ['running', 4],
    ['suspended', 5],
    ['held', 6],
    ['succeeded', 7],
    ['failed', 8],
    ['cancelled', 9],
  ])
  expect(stateCode('redy')).toBeUndefined()
  expect(JOB_STATES.filter((state) => isTerminal(stateCode(state) as never))).toEqual([
    'succeeded',
    'failed',
    'cancelled',
  ])
  for (const state of JOB_STATES) expect(stateName(stateCode(state) as never)).toBe(state)
})
