/** Shows that measurements of one source, made in two ways, are folded into one. */
import { expect, it } from 'vitest'
import { type FileCoverage, type Folded, fold, percent } from './coverage.ts'

const SOURCE = ['f()', '  if ((a as boolean) || b || c) g()']
const at = (line: number, column: number) => ({ start: { line, column } })

function measured(counts: readonly number[], ways: readonly (readonly number[])[], extra = {}): FileCoverage {
  return {
    statementMap: { 0: at(1, 0), 1: at(2, 2) },
    s: Object.fromEntries(counts.entries()),
    branchMap: { 0: { type: 'if', loc: at(2, 2) }, 1: { type: 'binary-expr', loc: at(2, 6) }, ...extra },
    b: Object.fromEntries(ways.entries()),
  }
}

it('adds up what was counted of one line and one branch, and keeps branches of other kinds apart', () => {
  const folded: Folded = { lines: new Map(), branches: new Map() }
  fold(
    folded,
    measured(
      [5, 0],
      [
        [5, 0],
        [0, 0, 1],
      ],
    ),
    SOURCE,
  )
  fold(
    folded,
    measured(
      [0, 3],
      [
        [0, 2],
        [0, 7, 0],
      ],
      { 1: { type: 'binary-expr', loc: at(2, 7) } },
    ),
    SOURCE,
  )
  expect([...folded.lines]).toEqual([
    [1, 5],
    [2, 3],
  ])
  expect([...folded.branches.values()]).toEqual([
    { line: 2, ways: [5, 2] },
    { line: 2, ways: [0, 7, 1] },
  ])
})

it.each([
  [{ covered: 0, all: 0 }, '100'],
  [{ covered: 2, all: 3 }, '66.6'],
  [{ covered: 99_999, all: 100_000 }, '99.9'],
  [{ covered: 7, all: 7 }, '100.0'],
])('says %o as %s', (share, text) => {
  expect(percent(share)).toBe(text)
})
