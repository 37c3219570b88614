/**
 * Fills the table of figures in the README from what the bench has written, so that no figure is typed by hand.
 *
 * Usage: node scripts/readme-figures.ts           rewrites README.md from bench/RESULTS.md
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceBetween } from './lib/markdown.ts'

const ROOT = join(import.meta.dirname, '..')
const README = join(ROOT, 'README.md')
const RESULTS = join(ROOT, 'bench', 'RESULTS.md')

/** The rows that the README shows, in words for newcomers. The others are in the results. */
const SHOWN: Readonly<Record<string, string>> = {
  'embedded.e2e': 'jobs enqueued, run and finished',
  'embedded.enqueue.bulk': 'jobs enqueued in bulk',
  'embedded.enqueue.single.64': 'jobs enqueued one by one, 64 at a time',
  'embedded.latency.idle.p50': 'enqueue to start, idle, median',
  'embedded.latency.idle.p99': 'enqueue to start, idle, 99th percentile',
  'embedded.due.100k': '100,000 jobs due at once: the last one started',
  'embedded.graph.10k': 'a graph of 10,000 jobs and a join',
}

/** What stands in the README as long as the bench has not been run. */
export const NOT_MEASURED = 'There are no results in this tree yet: `npm run bench` writes them.'

/** One row of the results, by heading. */
type Row = Readonly<Record<string, string>>

/** The table for the README. */
export function figures(results: string | undefined): string {
  if (results === undefined) return NOT_MEASURED
  const rows = new Map(firstTable(results).map((row) => [row.row, row]))
  const lines = Object.entries(SHOWN).flatMap(([id, what]) => {
    const row = rows.get(id)
    if (row === undefined) return []
    const peer = named(row['best peer'] ?? '', row[HEADING_OF_PEER] ?? '')
    return `| ${what} | ${row.Perdure} | ${peer} | ${row['of peer']} | ${row['of floor']} |`
  })
  if (lines.length === 0) throw new Error('expected rows such as embedded.e2e in the results, found none')
  const machine = /^Machine: .*$/m.exec(results)?.[0] ?? ''
  return [
    '| | Perdure | best other queue | times better | of raw SQLite |',
    '|---|---|---|---|---|',
    ...lines,
    '',
    machine,
  ].join('\n')
}

/** The name of the peer stands in a column without a heading. */
const HEADING_OF_PEER = ''

function named(figure: string, peer: string): string {
  return peer === '' ? figure : `${figure} (${peer})`
}

function firstTable(page: string): Row[] {
  const lines = page.split('\n')
  const start = lines.findIndex((line) => line.startsWith('| row |'))
  if (start < 0) throw new Error('expected a table that begins with "| row |" in the results, found none')
  const headings = cells(lines[start] ?? '')
  const rows: Row[] = []
  for (let at = start + 2; lines[at]?.startsWith('|'); at++) {
    const values = cells(lines[at] ?? '')
    rows.push(Object.fromEntries(headings.map((heading, index) => [heading, values[index] ?? ''])))
  }
  return rows
}

function cells(line: string): string[] {
  return line
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim())
}

/** The README with its figures made anew. */
export function withFigures(page: string, results: string | undefined): string {
  return replaceBetween(page, 'figures', figures(results))
}

/** The results of the bench, if there are any. */
export function readResults(): string | undefined {
  return existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8') : undefined
}

if (import.meta.main) writeFileSync(README, withFigures(readFileSync(README, 'utf8'), readResults()))
