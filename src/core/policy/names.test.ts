/** What names may look like. */
import { expect, it } from 'vitest'
import { isName, readName } from './names.ts'
import { MOST_NAME } from './sizes.ts'

it('takes letters of any script, digits and what stands between words', () => {
  const names = ['a', '_', '0', 'perdure.lock', 'Größe/x@y:1-2', 'a'.repeat(MOST_NAME)]
  for (const name of names) expect(readName('the queue', name)).toBe(name)
})

it('refuses everything else, saying what is named', () => {
  for (const none of ['', '-a', '.a', 'a b', '#1', 'a'.repeat(MOST_NAME + 1), 5, undefined, null]) {
    expect(isName(none)).toBe(false)
    expect(() => readName('the queue', none)).toThrow(/expected the queue to be 1 to \d+ letters, .*; found /)
  }
})
