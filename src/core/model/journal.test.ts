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
  OPEN,
  STREAM,
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
