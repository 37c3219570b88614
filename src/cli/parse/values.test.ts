import { describe, expect, it } from 'vitest'
import { PerdureError } from '../../errors.ts'
import {
  parseAfter,
  parseIds,
  parseLimits,
  parseMoment,
  parsePairs,
  parseSignal,
  parseStates,
  parseWhole,
} from './values.ts'

const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    return error instanceof PerdureError ? error.code : String(error)
  }
  return 'nothing was thrown'
}

describe('values of options', () => {
  it('ids are numbers, ranges and lists of them, each once', () => {
    expect(parseIds(['3', '1,5-7', '6']).map(({ id }) => id)).toEqual([3, 1, 5, 6, 7])
    expect(parseIds(['5-6', '6'])).toEqual([
      { id: 5, isExact: false },
      { id: 6, isExact: true },
    ])
    for (const text of ['', '0', '-1', '1-', '7-5', 'x', '1.5', '1,,2', '99999999999999999']) {
      expect(codeOf(() => parseIds([text]))).toBe('INVALID_OPTION')
    }
    expect(codeOf(() => parseIds(['1-999999999']))).toBe('TOO_LARGE')
    expect(parseIds(['1-1000000'])).toHaveLength(1_000_000)
  })

  it('dependencies name a policy or leave it out', () => {
    expect(parseAfter(['12,13:run', '14:cancel'])).toEqual([
      { job: 12 },
      { job: 13, onFailure: 'run' },
      { job: 14, onFailure: 'cancel' },
    ])
    for (const text of ['', 'a', '0', '12:', '12:never', '12:run:run'])
      expect(codeOf(() => parseAfter([text]))).toBe('INVALID_OPTION')
  })

  it('limits are a key and a number', () => {
    expect(parseLimits(['api=4', 'a=b=1'])).toEqual([
      { key: 'api', max: 4 },
      { key: 'a=b', max: 1 },
    ])
    for (const text of ['api', '=4', 'api=', 'api=0', 'api=x', 'api=-1', 'api=1.5'])
      expect(codeOf(() => parseLimits([text]))).toBe('INVALID_OPTION')
  })

  it('pairs are split at the first sign, and no name is special', () => {
    expect(parsePairs('--meta', ['a=b=c', 'd='])).toEqual({ a: 'b=c', d: '' })
    expect(Object.entries(parsePairs('--meta', ['__proto__=x']))).toEqual([['__proto__', 'x']])
    for (const text of ['a', '=b']) expect(codeOf(() => parsePairs('--meta', [text]))).toBe('INVALID_OPTION')
  })

  it('numbers keep their bounds', () => {
    expect(parseWhole('-P', '-3', -5, 5)).toBe(-3)
    for (const text of ['6', '-6', '1e0', '', '0x1', ' 1'])
      expect(codeOf(() => parseWhole('-P', text, -5, 5))).toBe('INVALID_OPTION')
  })

  it('moments are dates, times of day, or epoch seconds', () => {
    const now = new Date(2030, 0, 31, 12, 0).getTime()
    expect(parseMoment('--at', '@1893456000', now)).toBe(1_893_456_000_000)
    expect(parseMoment('--at', '2030-02-01T00:00:00Z', now)).toBe(Date.UTC(2030, 1, 1))
    expect(parseMoment('--at', '13:30', now)).toBe(new Date(2030, 0, 31, 13, 30).getTime())
    expect(parseMoment('--at', '11:59', now)).toBe(new Date(2030, 1, 1, 11, 59).getTime())
    for (const text of ['', 'noon', '24:00', '12:60', '5', '2030-13-45'])
      expect(codeOf(() => parseMoment('--at', text, now))).toBe('INVALID_OPTION')
  })

  it('signals have a name, a short name and a number', () => {
    expect(['TERM', 'sigterm', '15', 'KILL', '9'].map(parseSignal)).toEqual([
      'SIGTERM',
      'SIGTERM',
      'SIGTERM',
      'SIGKILL',
      'SIGKILL',
    ])
    for (const text of ['', 'NOPE', '0', '999'])
      expect(codeOf(() => parseSignal(text))).toBe('INVALID_OPTION')
  })

  it('states are names and two groups of them', () => {
    expect(parseStates(['ready,running', 'ended'])).toEqual([
      'ready',
      'running',
      'succeeded',
      'failed',
      'cancelled',
    ])
    expect(parseStates(['live'])).toHaveLength(7)
    expect(codeOf(() => parseStates(['done']))).toBe('UNKNOWN_STATE')
  })
})
