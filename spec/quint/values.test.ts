import { describe, expect, it } from 'vitest'
import { fromItf, toQuint, UNIT } from './values.ts'

describe('values of Quint', () => {
  it('reads a state of a trace', () => {
    const json = {
      now: { '#bigint': '7' },
      holders: { '#map': [[{ '#bigint': '1' }, { '#set': [{ '#bigint': '3' }] }]] },
      wants: [{ '#bigint': '1' }],
      pair: { '#tup': [{ '#bigint': '1' }, 'x'] },
      state: { tag: 'Ready', value: { '#tup': [] } },
      isCancelled: false,
    }
    expect(fromItf(json)).toEqual({
      now: 7,
      holders: new Map([[1, new Set([3])]]),
      wants: [1],
      pair: [1, 'x'],
      state: { tag: 'Ready', value: UNIT },
      isCancelled: false,
    })
  })

  it('writes expressions', () => {
    const value = {
      jobs: new Map([[1, { state: { tag: 'Ready', value: UNIT }, wants: [1, 2] }]]),
      holders: new Set([1, 2]),
      last: { tag: 'Cancel', value: 3 },
      name: 'a',
      isOpen: true,
    }
    expect(toQuint(value)).toBe(
      '{ jobs: Map(1 -> { state: Ready, wants: [1, 2] }), holders: Set(1, 2), last: Cancel(3), name: "a", isOpen: true }',
    )
  })
})
