/** Texts that are counted: one that rows do not have, or one row too many or too few, is found. */
import { expect, it } from 'vitest'
import { LEAST_BLOB } from '../blobs.ts'
import { Blobs } from './blobs.ts'

const LARGE = 'x'.repeat(LEAST_BLOB)

it('texts that are long are counted, others and nothing are not', () => {
  const blobs = new Blobs()
  for (const text of ['short', null, LARGE, LARGE]) expect(blobs.refer(text)).toBe(text)
  expect(blobs.size).toBe(1)
  expect([...blobs.check([null, 'short', LARGE, LARGE])]).toEqual([])
  expect([...blobs.check([LARGE])]).toEqual([expect.stringMatching(/^Blob .* counts 2 rows, but 1 refer/)])
  expect([...blobs.check([LARGE, LARGE, `${LARGE}x`])]).toEqual([
    expect.stringMatching(/counts 0 rows, but 1 refer/),
  ])
  for (const text of ['short', null, LARGE, LARGE]) blobs.drop(text)
  expect(blobs.size).toBe(0)
})
