/** What of a journal another run begins with. */
import { expect, it } from 'vitest'
import {
  type EntryKind,
  type EntryState,
  entryKindOf,
  entryStateOf,
  type JournalRow,
} from '../../core/model/journal.ts'
import { pastOf } from './past.ts'

/** Rows from short lines: position, kind, state, and maybe a value. */
const rows = (...list: [number, string, string, unknown?][]): JournalRow[] =>
  list.map(([position, kindName, stateName, value], sequence) => {
    const kind = entryKindOf(kindName) as EntryKind
    const state = entryStateOf(stateName) as EntryState
    const text = value === undefined ? null : JSON.stringify(value)
    return { run: 1, sequence, position, kind, state, name: '', value: text, at: sequence, copyOf: 0 }
  })
const kept = (list: JournalRow[], from?: number) => pastOf(list, from).map(({ at }) => at)

it('all that had settled before a position was asked for', () => {
  const list = rows(
    [0, 'step', 'done'],
    [1, 'signal', 'open'],
    [2, 'sleep', 'open'],
    [1, 'signal', 'done', ['x']],
    [3, 'step', 'done'],
    [2, 'sleep', 'done'],
  )
  expect(kept(list)).toEqual([0, 1, 2, 3, 4, 5])
  // the sleep was open when the third step was asked for
  expect(kept(list, 3)).toEqual([0, 1, 3])
  expect(kept(list, 0)).toEqual([])
  // never asked for: nothing is left out
  expect(kept(list, 9)).toEqual([0, 1, 2, 3, 4, 5])
})

it('all before what failed, where nothing else is said', () => {
  const list = rows([0, 'step', 'done'], [1, 'step', 'broken'], [2, 'step', 'done'])
  expect(kept(list)).toEqual([0])
  expect(kept(list, 2)).toEqual([0, 1])
})

it('a step in the pause between two tries is no more than one that was never tried', () => {
  const list = rows([0, 'step', 'open'], [0, 'sleep', 'done'], [0, 'step', 'open'], [1, 'step', 'done'])
  expect(kept(list)).toEqual([3])
  expect(kept(rows([0, 'step', 'open'], [0, 'sleep', 'done'], [0, 'step', 'done']))).toEqual([0, 1, 2])
})

it('losers of a race stay lost, and locks that were had go along', () => {
  const list = rows(
    [0, 'lock', 'open', 7],
    [0, 'lock', 'done'],
    [1, 'step', 'done'],
    [2, 'withdraw', 'done', [0]],
    [3, 'lock', 'open', 8],
    [4, 'withdraw', 'done', [3]],
    [5, 'lock', 'open', 9],
    [6, 'step', 'done'],
    [7, 'step', 'broken'],
    [5, 'lock', 'done'],
  )
  // one that the run was in line for is asked for again
  expect(kept(list)).toEqual([0, 1, 2, 3, 4, 5, 7])
  expect(kept(list, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

it('what came of a cancel does not go along', () => {
  const list = rows([0, 'step', 'done'], [-1, 'cancel', 'done'], [1, 'step', 'done'])
  expect(kept(list)).toEqual([0])
  expect(kept(list, 2)).toEqual([0])
})

it('a number that is missing there is missing here, and what stays behind leaves none out', () => {
  const list = rows([0, 'step', 'done'], [1, 'sleep', 'open'], [2, 'step', 'done'], [3, 'step', 'done'])
  const broken = list.map((row) => (row.sequence < 3 ? row : { ...row, sequence: row.sequence + 2 }))
  expect(pastOf(broken, undefined).map(({ sequence }) => sequence)).toEqual([0, 1, 4])
})

it('a job that was cancelled because the run had ended is one that was open', () => {
  const of = (parent: number) => ({ code: 'CANCELLED', message: 'no', data: { parent } })
  const list = rows([0, 'child', 'open', 7], [1, 'step', 'done'], [0, 'child', 'broken', of(1)])
  expect(kept(list)).toEqual([0, 1])
  expect(pastOf(list, undefined)[0]).toMatchObject({ value: null })
  // what others have cancelled, the code has heard of
  expect(kept(rows([0, 'child', 'open', 7], [0, 'child', 'broken', of(9)]), 5)).toEqual([0, 1])
})
