/** Rows of a journal, put together to what happened. */
import { describe, expect, it } from 'vitest'
import type { HistoryRow } from './history.ts'
import { timelineOf } from './timeline.ts'

/** Rows in order, 10 ms apart from 1,000 on. */
function rows(...list: (Pick<HistoryRow, 'position' | 'kind' | 'state'> & Partial<HistoryRow>)[]) {
  return list.map((row, sequence) => ({ sequence, name: '', at: 1_000 + 10 * sequence, ...row }))
}

describe('what happened in a run', () => {
  it('takes the end of a step for no later than it was, and its beginning for no earlier than the row before', () => {
    const steps = rows(
      { position: 0, kind: 'step', state: 'done', name: 'a', value: 1, at: 1_005 },
      {
        position: 1,
        kind: 'step',
        state: 'broken',
        name: 'b',
        value: { code: 'X', message: 'no' },
        at: 1_020,
      },
    )
    expect(timelineOf(steps, 900, [1_001, 1_012, 2_000])).toMatchObject([
      { name: 'a', state: 'done', value: 1, beganAt: 1_001, endedAt: 1_005, isAtMost: true },
      // its attempt began after the row before it
      { name: 'b', state: 'failed', error: { code: 'X' }, beganAt: 1_012, endedAt: 1_020 },
    ])
  })

  it('shows a step whose name begins as the name of an end of a job does', () => {
    const steps = rows({ position: 0, kind: 'step', state: 'done', name: '#1', value: 1 })
    expect(timelineOf(steps, 900)).toMatchObject([{ name: '#1', state: 'done' }])
  })

  it('puts together what opens and what settles it', () => {
    const waits = rows(
      { position: 0, kind: 'sleep', state: 'open', name: '1h', value: 5_000 },
      { position: 1, kind: 'signal', state: 'open', name: 'go', value: 0 },
      { position: 2, kind: 'signal', state: 'open', name: 'late', value: 7_000 },
      { position: 3, kind: 'child', state: 'open', name: 'ship', value: 9 },
      { position: 1, kind: 'signal', state: 'done', value: ['yes'] },
      { position: 2, kind: 'signal', state: 'done', value: [] },
      { position: 3, kind: 'child', state: 'broken', name: '#9', value: { code: 'X', message: 'lost' } },
    )
    expect(timelineOf(waits, 900)).toMatchObject([
      { kind: 'sleep', state: 'open', beganAt: 1_000, endedAt: null, dueAt: 5_000 },
      { kind: 'signal', state: 'done', value: 'yes', beganAt: 1_010, endedAt: 1_040, dueAt: null },
      { kind: 'signal', state: 'done', value: undefined, endedAt: 1_050 },
      { kind: 'child', state: 'failed', child: 9, error: { message: 'lost' }, endedAt: 1_060 },
    ])
  })

  it('counts the tries of a step', () => {
    const retry = (tries: number, dueAt: number) => {
      return { tries, dueAt, since: 990, error: { code: 'X', message: `try ${tries}` } }
    }
    const tries = rows(
      { position: 0, kind: 'step', state: 'open', name: 'flaky', value: retry(1, 3_000) },
      { position: 0, kind: 'sleep', state: 'done' },
      { position: 0, kind: 'step', state: 'open', name: 'flaky', value: retry(2, 6_000) },
    )
    expect(timelineOf(tries, 900)).toMatchObject([
      { name: 'flaky', state: 'open', tries: 2, beganAt: 990, dueAt: 6_000, error: { message: 'try 2' } },
    ])
    expect(timelineOf(tries.slice(0, 2), 900)).toMatchObject([{ state: 'open', tries: 1, dueAt: null }])
    const done = { ...tries[0], sequence: 3, state: 'done', value: 7, at: 1_030 } as const
    expect(timelineOf([...tries, done as HistoryRow], 900)).toMatchObject([
      { state: 'done', tries: 3, value: 7, beganAt: 990, endedAt: 1_030, isAtMost: false, error: null },
    ])
  })

  it('knows what the code went on without, and what it did not ask for', () => {
    const race = rows(
      { position: 0, kind: 'sleep', state: 'open', name: '1h', value: 5_000 },
      { position: 1, kind: 'step', state: 'done', name: 'quick', value: 1 },
      { position: 2, kind: 'withdraw', state: 'done', value: [0, 1] },
      { position: -1, kind: 'cancel', state: 'done', value: { code: 'CANCELLED', message: 'enough' } },
      { position: 9, kind: 'child', state: 'done', name: '#4', value: 'of what the run was before' },
    )
    expect(timelineOf(race, 900)).toMatchObject([
      { kind: 'sleep', state: 'left', endedAt: 1_020, dueAt: null },
      { kind: 'step', state: 'done' },
      { kind: 'cancel', position: -1, state: 'done' },
    ])
  })
})
