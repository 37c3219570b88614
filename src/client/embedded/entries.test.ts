/** What a worker in another process cannot have written into a journal. */
import { expect, it } from 'vitest'
import { BROKEN, DONE, OPEN, STEP } from '../../core/model/journal.ts'
import { PerdureError } from '../../errors.ts'
import { readAnswer, readEntries } from './entries.ts'

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof PerdureError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'taken'
}

const place = { position: 0, name: 'a' }
const step = { ...place, type: 'settled', kind: STEP, state: DONE, value: '1', undo: false }

it.each<[object, RegExp]>([
  [{ ...step, position: -1 }, /^INVALID_OPTION.*'entries.position'/],
  [{ ...step, position: 0.5 }, /^INVALID_OPTION.*'entries.position'/],
  [{ ...step, name: '' }, /^INVALID_OPTION.*'entries.name'/],
  [{ ...step, name: 7 }, /^INVALID_OPTION.*'entries.name'/],
  [{ ...step, type: 'done' }, /^INVALID_OPTION.*'entries.type'/],
  [{ ...step, kind: 99 }, /^INVALID_OPTION.*'entries.kind'/],
  [{ ...step, kind: undefined }, /^INVALID_OPTION.*'entries.kind'/],
  [{ ...step, state: OPEN }, /^INVALID_OPTION.*'entries.state'/],
  [{ ...step, value: 1 }, /^INVALID_OPTION.*'value'/],
  [{ ...step, value: '{' }, /^INVALID_OPTION.*'value'/],
  [{ ...step, value: JSON.stringify('x'.repeat(4 * 1024 * 1024)) }, /^TOO_LARGE.*'value'/],
  [{ ...step, state: BROKEN, value: '"no"' }, /^INVALID_OPTION.*code and message/],
  [{ ...step, state: BROKEN, value: null }, /^INVALID_OPTION.*code and message/],
  [{ ...place, type: 'timer', delayMs: -1 }, /^INVALID_OPTION.*'entries.delayMs'/],
  [{ ...place, type: 'timer', dueAt: 'soon' }, /^INVALID_OPTION.*'entries.dueAt'/],
  [{ ...place, type: 'child' }, /^INVALID_OPTION.*'entries.spec'/],
  [{ ...place, type: 'send', to: 0, signal: 'a' }, /^INVALID_OPTION.*'entries.to'/],
  [{ ...place, type: 'send', to: 1, signal: '' }, /^INVALID_OPTION.*'entries.signal'/],
  [{ ...place, type: 'withdraw', positions: 1 }, /^INVALID_OPTION.*'entries.positions'/],
  [{ ...place, type: 'withdraw', jobs: [0.5] }, /^INVALID_OPTION.*'entries.jobs'/],
])('%j is refused', (entry, expected) => {
  expect(refusal(() => readEntries([entry]))).toMatch(expected)
})

it('a list of anything else, or of too many', () => {
  expect(refusal(() => readEntries('x' as never))).toMatch(/^INVALID_OPTION.*'entries'/)
  expect(refusal(() => readEntries([null]))).toMatch(/^INVALID_OPTION/)
  expect(refusal(() => readEntries(new Array(10_001).fill(step)))).toMatch(/^TOO_LARGE.*'entries'/)
})

it('what an entry has no use for is left out', () => {
  const all = { ...step, delayMs: 0, dueAt: 0, closes: false, awaits: false, to: 0, signal: '', jobs: [] }
  const error = JSON.stringify({ code: 'A', message: 'b' })
  expect(readEntries([all, { ...all, state: BROKEN, value: error, undo: 1 }])).toEqual([
    step,
    { ...step, state: BROKEN, value: error },
  ])
  expect(readEntries([{ ...place, type: 'lock', value: 1 }])).toEqual([{ ...place, type: 'lock' }])
})

it('answers are JSON text, or errors', () => {
  expect(readAnswer({ isBroken: false, value: '[1]' })).toEqual({ isBroken: false, value: '[1]' })
  expect(readAnswer({ isBroken: false, value: null })).toEqual({ isBroken: false, value: null })
  expect(refusal(() => readAnswer({ isBroken: true, value: '1' }))).toMatch(/code and message/)
  expect(refusal(() => readAnswer({ isBroken: false, value: 'x' }))).toMatch(/^INVALID_OPTION.*'value'/)
})
