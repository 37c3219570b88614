/** Every mutant fits the code as it is. Whether each is found is the hunt's to say; see hunt.test.ts. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isFault, isFeature } from '../swarm.ts'
import { patch } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

const ROOT = new URL('../../', import.meta.url)

describe('mutants', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s fits', (_, mutant) => {
    expect(mutant.caughtBy.length).toBeGreaterThan(0)
    for (const name of mutant.needs ?? []) expect(isFault(name) || isFeature(name)).toBe(true)
    for (const file of new Set(mutant.edits.map((edit) => edit.file))) {
      const source = readFileSync(new URL(file, ROOT), 'utf8')
      expect(patch(file, source, mutant)).not.toBe(source)
    }
  })

  it('have names of their own', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  })

  it('are refused where their text is not there once', () => {
    const edits = [{ file: 'a.ts', find: 'one', replace: 'two' }]
    const mutant = { name: 'm', recreates: 'nothing', edits, caughtBy: ['D1'] }
    expect(patch('a.ts', 'one', mutant)).toBe('two')
    expect(patch('b.ts', 'three', mutant)).toBe('three')
    expect(() => patch('a.ts', 'three', mutant)).toThrow(/mutant m no longer fits: .* found it 0 times/)
    expect(() => patch('a.ts', 'one one', mutant)).toThrow(/found it 2 times/)
  })
})
