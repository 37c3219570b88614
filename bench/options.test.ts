import { describe, expect, it } from 'vitest'
import { HELP, readOptions } from './options.ts'
import { rows } from './rows.ts'

describe('the options of the bench', () => {
  it('measures everything by default', () => {
    expect(readOptions([])).toEqual({
      ...{ quick: false, peers: true, only: [], rounds: 3, json: undefined, write: false },
    })
  })

  it('takes row ids in lists and repeatedly', () => {
    const options = readOptions(['--only', 'embedded.e2e,embedded.process', '--only', 'embedded.memory'])
    expect(options?.only).toEqual(['embedded.e2e', 'embedded.process', 'embedded.memory'])
  })

  it('refuses an unknown row and lists the known ones', () => {
    expect(() => readOptions(['--only', 'embedded.e2e,embedded.nope'])).toThrow(
      /unknown row "embedded.nope"; known are:\n {2}embedded.e2e\n/,
    )
    expect(() => readOptions(['--only', ''])).toThrow('unknown row ""')
  })

  it('takes a number of rounds, and one for a quick run', () => {
    expect(readOptions(['--rounds', '2'])?.rounds).toBe(2)
    expect(readOptions(['--quick', '--rounds', '2'])?.rounds).toBe(1)
    for (const wrong of ['0', '4', '1.5', 'many'])
      expect(() => readOptions(['--rounds', wrong])).toThrow(`found "${wrong}"`)
  })

  it('refuses an unknown option', () => {
    expect(() => readOptions(['--fast'])).toThrow('--fast')
  })

  it('names every row in its help', () => {
    expect(readOptions(['--help', '--quick'])).toBeUndefined()
    for (const row of rows) expect(HELP).toContain(row.id)
  })
})
