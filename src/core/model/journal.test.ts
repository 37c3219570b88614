/** Words of a journal and the numbers that they stand for. */
import { expect, it } from 'vitest'
import {
  BROKEN,
  childName,
  DONE,
  ENTRY_NAMES,
  ENTRY_STATES,
  entryKindOf,
  entryStateOf,
  isChildName,
  type JournalRow,
  OPEN,
  STEP,
  STREAM,
  spellRow,
} from './journal.ts'

it('every kind and state has a word of its own, by which it is found again', () => {
  for (const [kind, name] of Object.entries(ENTRY_NAMES)) expect(entryKindOf(name)).toBe(Number(kind))
  expect(Object.keys(ENTRY_NAMES)).toHaveLength(STREAM)
  for (const state of [OPEN, DONE, BROKEN] as const) expect(entryStateOf(ENTRY_STATES[state])).toBe(state)
  expect([entryKindOf('wish'), entryStateOf('wish')]).toEqual([undefined, undefined])
})

it('tells the end of a job from its making by the name of the row', () => {
  expect([childName(17), 'resize'].map(isChildName)).toEqual([true, false])
})

it('spells a row, without a value where it has none', () => {
  const row: JournalRow = {
    ...{ run: 7, sequence: 2, position: 1, kind: STEP, state: DONE },
    ...{ name: 'charge', value: '{"cents":100}', at: 5, copyOf: 0 },
  }
  const spelled = { sequence: 2, position: 1, kind: 'step', state: 'done', name: 'charge', at: 5 }
  expect(spellRow(row)).toEqual({ ...spelled, value: { cents: 100 } })
  expect(spellRow({ ...row, value: null })).toStrictEqual(spelled)
})
