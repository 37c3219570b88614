/** Writes what a run has found: bench/RESULTS.md, bench/results.svg, and the JSON that was asked for. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { svgChart } from './chart.ts'
import { type Machine, machineLine } from './machine.ts'
import { type BenchOptions, MOST_ROUNDS } from './options.ts'
import type { RowResult } from './row.ts'
import { markdownDetails, markdownTable } from './table.ts'

const inBench = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** One row per line, so that two files can be compared with diff. */
export function writeJson(path: string, rows: RowResult[]): void {
  writeFileSync(path, `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`)
}

function howMeasured({ quick, rounds }: Pick<BenchOptions, 'quick' | 'rounds'>): string {
  if (quick)
    return '\n\nA quick run: one round instead of three, fewer jobs, peers and rows. Read it as a first impression.'
  return rounds === MOST_ROUNDS
    ? ''
    : `\n\nThe median of ${rounds === 1 ? 'one round' : `${rounds} rounds`}, instead of three.`
}

/**
 * Rewrites the results page and its chart.
 * @param problems what could not be measured, one line each
 * @returns the paths written
 */
export function writeResults(
  rows: RowResult[],
  machine: Machine,
  problems: string[],
  options: Pick<BenchOptions, 'quick' | 'rounds'>,
): string[] {
  const gaps =
    problems.length === 0 ? '' : `\nNot measured:\n\n${problems.map((line) => `- ${line}`).join('\n')}\n`
  const page = `# Bench results

Written by \`npm run bench\`; see [README.md](README.md) for what each row measures and how each system is set up.

Machine: ${machineLine(machine)}.${howMeasured(options)}

Ratios say how many times better Perdure is: above 1 it is faster (or smaller), whether the row is a rate or a time.

${markdownTable(rows)}${gaps}
![The same as bars](results.svg)

## Every system

${markdownDetails(rows)}`
  const paths = [inBench('RESULTS.md'), inBench('results.svg')]
  writeFileSync(paths[0] as string, page)
  writeFileSync(paths[1] as string, svgChart(rows, machineLine(machine)))
  return paths
}
