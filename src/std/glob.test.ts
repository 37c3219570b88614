/** Globs against a model that tries every way to share the text out. */

import { describe, expect, it } from 'vitest'
import { isGlob, matchesGlob } from './glob.ts'
import { fc, times } from './testdata/properties.ts'

/** By definition: a star takes nothing, or one character and goes on. */
function naive(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  const [first = '', ...rest] = pattern
  const others = rest.join('')
  if (first === '*') return naive(others, text) || (text !== '' && naive(pattern, text.slice(1)))
  if (text === '') return false
  return (first === '?' || first === text[0]) && naive(others, text.slice(1))
}

const letters = fc.constantFrom('a', 'b', '-')
const pattern = fc
  .array(fc.oneof(letters, fc.constantFrom('*', '?')), { minLength: 1, maxLength: 7 })
  .map((parts) => parts.join(''))
const name = fc.array(letters, { maxLength: 9 }).map((parts) => parts.join(''))

describe('globs', () => {
  it('match what the naive model matches', () => {
    fc.assert(
      fc.property(pattern, name, (glob, text) => {
        expect(matchesGlob(glob, text)).toBe(naive(glob, text))
      }),
      times(2_000),
    )
  })

  it.each([
    ['node[0-9]', 'node7', true],
    ['node[0-9]', 'nodex', false],
    ['node[!0-9]', 'nodex', true],
    ['node[!0-9]', 'node7', false],
    ['[]x]', ']', true],
    ['[!]x]', 'a', true],
    ['[!]x]', ']', false],
    ['[a-]', '-', true],
    ['*.example', 'a.b.example', true],
    ['?', '\u{1f41f}', true],
    ['(a|b)+', 'a', false],
  ])('%s on %s', (glob, text, expected) => {
    expect(isGlob(glob)).toBe(true)
    expect(matchesGlob(glob, text)).toBe(expected)
  })

  it.each(['', 'node[0-9', '[', '[]', '[!]', 'x'.repeat(256)])('refuses %j', (glob) => {
    expect(isGlob(glob)).toBe(false)
  })

  it('takes no longer for a pattern that was made to take long', () => {
    const text = `${'a'.repeat(5_000)}c`
    const before = performance.now()
    expect(matchesGlob(`${'*a'.repeat(100)}b`, text)).toBe(false)
    // trying every share-out would take longer than the universe has existed
    expect(performance.now() - before).toBeLessThan(5_000)
  })
})
