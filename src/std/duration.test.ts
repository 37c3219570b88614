import { describe, expect, it } from 'vitest'
import { PerdureError } from '../errors.ts'
import { formatDuration, MAX_DURATION_MS, parseDuration } from './duration.ts'
import { fc } from './testdata/properties.ts'

const UNIT_MS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

describe('parseDuration', () => {
  it.each([
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['0s', 0],
    ['0.4ms', 0],
    [0, 0],
    [1500, 1500],
    [1.6, 2],
    [MAX_DURATION_MS, MAX_DURATION_MS],
  ])('reads %j', (value, ms) => {
    expect(parseDuration(value)).toBe(ms)
  })

  it.each([
    '',
    ' ',
    'm',
    '5',
    '-5m',
    '5 m',
    '5m ago',
    '30m1h',
    '1h1h',
    '1.m',
    '.5h',
    '1e3s',
    '5M',
    '1h  30m',
    'Infinity',
    '10000000000000w',
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    null,
    undefined,
    true,
    {},
    [5],
  ])('refuses %j', (value) => {
    const error = caught(() => parseDuration(value as never, 'retry.min'))
    expect(error.code).toBe('INVALID_DURATION')
    expect(error.message).toContain('retry.min')
    expect(error.data).toEqual({ name: 'retry.min' })
  })

  it('says how to mend a number without a unit', () => {
    expect(caught(() => parseDuration('500')).message).toContain(`'500ms'`)
  })

  it('cuts long text short in the message', () => {
    expect(caught(() => parseDuration('x'.repeat(10_000))).message.length).toBeLessThan(400)
  })

  it('reads pieces as the sum of their parts', () => {
    const piece = (unit: keyof typeof UNIT_MS) => fc.option(fc.nat(10_000).map((count) => ({ unit, count })))
    const text = fc.tuple(piece('w'), piece('d'), piece('h'), piece('m'), piece('s'), piece('ms'))
    fc.assert(
      fc.property(text, (pieces) => {
        const present = pieces.filter((found) => found !== null)
        fc.pre(present.length > 0)
        const sum = present.reduce((total, { unit, count }) => total + count * UNIT_MS[unit], 0)
        expect(parseDuration(present.map(({ unit, count }) => `${count}${unit}`).join(''))).toBe(sum)
      }),
    )
  })

  it('never answers anything but whole ms or INVALID_DURATION', () => {
    const pieces = fc.array(fc.constantFrom('1', '22', '.', ' ', 'ms', 's', 'm', 'h', 'd', 'w', '-', 'e'))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.double(),
          fc.string(),
          pieces.map((all) => all.join('')),
        ),
        (value) => {
          try {
            const ms = parseDuration(value)
            expect(Number.isSafeInteger(ms) && ms >= 0).toBe(true)
          } catch (error) {
            expect((error as PerdureError).code).toBe('INVALID_DURATION')
          }
        },
      ),
    )
  })
})

describe('formatDuration', () => {
  it('writes what parseDuration reads back', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(), fc.maxSafeNat()), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms)
      }),
    )
  })

  it.each([
    [0, '0ms'],
    [5_400_000, '1h30m'],
    [864_000_000, '10d'],
    [3_600_001, '1h1ms'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('shows as many units as asked for', () => {
    expect(formatDuration(93_784_005, 2)).toBe('1d2h')
    expect(formatDuration(3_600_001, 2)).toBe('1h')
    expect(formatDuration(999, 1)).toBe('999ms')
  })
})

function caught(act: () => unknown): PerdureError {
  try {
    act()
  } catch (error) {
    if (error instanceof PerdureError) return error
    throw error
  }
  throw new Error('expected an error, found none')
}
