/** The table of a run's history. */
import { expect, it } from 'vitest'
import type { HistoryRow, RunHistory } from '../../workflow/history.ts'
import { renderTimeline } from './timeline.ts'

const MINUTE = 60_000

function history(journal: readonly Partial<HistoryRow>[]): RunHistory {
  return {
    ...{ format: 'perdure-history', version: 1, run: 1, kind: 'order', state: 'suspended', input: null },
    ...{ result: undefined, error: null, createdAt: 1_000, finishedAt: null, metadata: {}, attempts: [] },
    journal: journal.map((row, sequence) => {
      return { sequence, position: sequence, kind: 'step', state: 'done', name: '', at: 1_000, ...row }
    }),
  }
}

it('shows what began when, how long it took, and what came of it', () => {
  const now = 1_000 + 10 * MINUTE
  const error = { code: 'HANDLER_FAILED', message: 'the bank\nis closed' }
  const table = renderTimeline(
    history([
      { name: 'charge', value: { id: 17 }, at: 1_500 },
      {
        name: 'mail',
        state: 'open',
        value: { tries: 2, dueAt: now + MINUTE, since: 1_500, error },
        at: 2_000,
      },
      { kind: 'sleep', name: '3d', state: 'open', value: now - 1, at: 2_000 },
      { kind: 'signal', name: 'approved', state: 'open', value: now + 2 * MINUTE, at: 2_000 },
      { kind: 'signal', name: 'late', state: 'open', value: 2_000, at: 2_000 },
      { kind: 'child', name: 'ship', state: 'open', value: 4, at: 3_000 },
      { kind: 'child', name: 'log', value: 5, at: 3_000 },
      { kind: 'version', name: 'uuid', value: 'b7', at: 3_000 },
      { position: 4, kind: 'signal', value: [], at: 4_000 },
      { position: 5, kind: 'child', name: '#4', state: 'broken', value: error, at: 63_000 },
      { position: -1, kind: 'cancel', value: { code: 'CANCELLED' }, at: 64_000 },
    ]),
    now,
    Number.POSITIVE_INFINITY,
  )
  expect(table.split('\n')).toEqual([
    '#  AFTER    TOOK  WHAT     NAME      STATE          RESULT',
    '0    0ms  <500ms  step     charge    done           {"id":17}',
    '1  500ms   9m...  step     mail      open, 2 tries  HANDLER_FAILED: the bank is closed, try 3 in 1m',
    '2     1s   9m...  sleep    3d        open           over now',
    '3     1s   9m...  signal   approved  open           given up in 2m',
    '4     1s      2s  signal   late      done           did not come in time',
    '5     2s      1m  child    ship      failed         job 4, HANDLER_FAILED: the bank is closed',
    '6     2s     0ms  child    log       done           job 5',
    '7     2s          version  uuid      done           "b7"',
    '-     1m          cancel             done           {"code":"CANCELLED"}',
    '',
  ])
})

it('is empty where nothing was recorded', () => {
  expect(renderTimeline(history([]), 0, 80)).toBe('')
})
