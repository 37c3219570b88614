/**
 * Coverage as vitest writes it for each stage (the form of Istanbul), folded into one.
 *
 * Owns: which measurements are of the same line or branch. Never judges.
 */
import { join } from 'node:path'

/** The folder with one folder per stage, from the root. */
export const COVERAGE = '.cache/coverage'

/** The measurement of one stage. */
export function coverageFile(root: string, stage: string): string {
  return join(root, COVERAGE, stage, 'coverage-final.json')
}

interface Place {
  readonly start: { readonly line: number; readonly column: number }
}

/** What was counted in one file. */
export interface FileCoverage {
  readonly statementMap: Readonly<Record<string, Place>>
  readonly s: Readonly<Record<string, number>>
  readonly branchMap: Readonly<Record<string, { readonly type: string; readonly loc: Place }>>
  readonly b: Readonly<Record<string, readonly number[]>>
}

/** One file, over all measurements. */
export interface Folded {
  /** How often the statements of each line ran, the most often of them; by line. */
  readonly lines: Map<number, number>
  /** How often each way of a branch was gone, by the branch's kind and place. */
  readonly branches: Map<string, { readonly line: number; readonly ways: number[] }>
}

/**
 * Adds a measurement of a file. The same source was measured as vitest transforms it and as Node strips its types:
 * both know the same branches, in the same places but for brackets that are left out, and not where each ends. No two
 * branches of one kind with as many ways begin at one place.
 *
 * @param source the lines of the file.
 */
export function fold(
  into: Folded,
  { statementMap, s, branchMap, b }: FileCoverage,
  source: readonly string[],
): void {
  for (const [id, { start }] of Object.entries(statementMap)) {
    into.lines.set(start.line, Math.max(into.lines.get(start.line) ?? 0, s[id] ?? 0))
  }
  for (const [id, { type, loc }] of Object.entries(branchMap)) {
    const counts = b[id] ?? []
    const { line, column } = loc.start
    const brackets = /^[( ]*/.exec(source[line - 1]?.slice(column) ?? '')?.[0].length ?? 0
    const key = `${type} ${line}:${column + brackets} ${counts.length}`
    const known = into.branches.get(key)
    if (known === undefined) into.branches.set(key, { line, ways: [...counts] })
    else for (const [way, count] of counts.entries()) known.ways[way] = (known.ways[way] ?? 0) + count
  }
}

/** Covered and all of something. */
export interface Share {
  covered: number
  all: number
}

/** The share in per cent, never rounded up to a hundred. */
export function percent({ covered, all }: Share): string {
  return all === 0 ? '100' : (Math.floor((covered / all) * 1_000) / 10).toFixed(1)
}
