/**
 * What fuzz tests share: values that nobody should hand in, and the one rule that all of them check: the answer is a
 * right value or an error of the table, never something else that was thrown.
 */

import { type ErrorCode, PerdureError } from '../../errors.ts'
import { fc, times } from './properties.ts'

/** Inputs that each property is tried with. */
export const RUNS = times(200)

/** Names that every object has without having been given them, and some that mean something to the language. */
const TRAPS = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'toJSON', 'then'],
  ...['length', 'at', 'name', 'message', 'code', ''],
] as const

const NUMBERS = [-1, -0, 0.5, 1e308, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 5e-324]
const NOT_JSON_NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]

/** Text with zero bytes, halves of characters, invisible and long ones, and the trap names. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('\0', '\ud800', '\udfff', '\u200f', '\n', '{', '"', '\\', 'a', '-', '.'),
  }),
  fc.constantFrom(...TRAPS),
  fc.nat(2_000).map((length) => 'x'.repeat(length)),
)

const key = fc.oneof(fc.constantFrom(...TRAPS), text)

/** A level of nesting for every letter: deeper than a recursive reader likes. */
const deep = fc.integer({ min: 100, max: 3_000 }).map((levels) => {
  let value: unknown = 0
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
})

/** Anything that JSON text can make, trap names as own properties included. */
export const json: fc.Arbitrary<unknown> = fc.oneof(
  fc
    .jsonValue({ maxDepth: 4, stringUnit: 'binary' })
    .map((value): unknown => JSON.parse(JSON.stringify(value))),
  fc
    .dictionary(key, fc.oneof(text, fc.constantFrom(...NUMBERS), fc.constant(null)), { maxKeys: 4 })
    .map((pairs): unknown => JSON.parse(JSON.stringify(pairs))),
  fc
    .tuple(key, text)
    .map(([name, value]): unknown => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`)),
  text,
  fc.constantFrom<unknown>(...NUMBERS, null, true, false, [], {}),
)

/** Anything that a program can hand in. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  json,
  deep,
  fc.anything({
    key,
    maxDepth: 3,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  }),
  fc.constantFrom<unknown>(
    undefined,
    ...NOT_JSON_NUMBERS,
    10n,
    Symbol('s'),
    () => 0,
    new Date(Number.NaN),
    Object.create(null),
    { toString: 1, valueOf: 2 },
  ),
)

/**
 * Objects in which some of the fields are as they should be and others are not, and some have a field too many.
 *
 * @param fields good values by name.
 */
export function nearly(
  fields: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  bad: fc.Arbitrary<unknown> = anything,
): fc.Arbitrary<Record<string, unknown>> {
  const model = Object.fromEntries(
    Object.entries(fields).map(([name, good]) => [
      name,
      fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: bad }),
    ]),
  )
  const near = fc.record(model, { requiredKeys: [] })
  const extra = fc.option(fc.tuple(key, bad), { freq: 8 })
  return fc.tuple(near, extra).map(([object, more]) => {
    if (more === null) return object
    const [name, value] = more
    return Object.defineProperty({ ...object }, name, { value, enumerable: true })
  })
}

/** What came of a call. */
export type Came<T> = { readonly value: T } | { readonly code: ErrorCode }

/**
 * What a call answers, or the code of the error that it threw.
 *
 * @throws what is no error of the table, and INTERNAL, which says that the mistake is ours.
 */
export function outcomeOf<T>(act: () => T): Came<T> {
  try {
    return { value: act() }
  } catch (error) {
    return { code: codeOf(error) }
  }
}

/** {@link outcomeOf} of a promise. */
export async function outcomeOfAsync<T>(act: () => Promise<T>): Promise<Came<T>> {
  try {
    return { value: await act() }
  } catch (error) {
    return { code: codeOf(error) }
  }
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof PerdureError && error.code !== 'INTERNAL') return error.code
  throw error
}
