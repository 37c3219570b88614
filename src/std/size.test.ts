import { expect, it } from 'vitest'
import { formatSize, parseSize } from './size.ts'
import { fc } from './testdata/properties.ts'

it.each([
  ['0', 0],
  ['17', 17],
  [17, 17],
  ['1.5KiB', 1_536],
  ['64MiB', 67_108_864],
  ['64 MiB', 67_108_864],
  ['2GB', 2e9],
  ['3kB', 3_000],
  ['4G', 4_294_967_296],
])('reads %j', (text, bytes) => expect(parseSize('it', text)).toBe(bytes))

it.each([
  '',
  'MiB',
  '-1',
  '1TB',
  '1mb',
  '1 2',
  '1e3',
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  true,
  null,
  [],
])('refuses %j', (value) =>
  expect(() => parseSize('worker.maxResult', value)).toThrow(/worker\.maxResult to be a number of bytes/),
)

it('writes what it reads', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
      expect(parseSize('it', formatSize(bytes))).toBe(bytes)
    }),
  )
  expect(formatSize(8 * 2 ** 20)).toBe('8MiB')
  expect(formatSize(1_000)).toBe('1000B')
})
