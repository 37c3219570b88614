/** The table at the end of a run, on a terminal or in Markdown: figures, ratios, and the bar with its verdict. */
import { formatFigure, formatRatio, formatValue } from './format.ts'
import type { RowResult } from './row.ts'
import { type SystemName, systems } from './systems.ts'

const HEADINGS = ['row', 'Perdure', 'floor', 'of floor', 'best peer', '', 'of peer', 'bar', 'met']

function verdict(row: RowResult): string {
  if (row.bar === null) return ''
  if (row.pass === null) return 'not measured'
  return row.pass ? 'yes' : 'NO'
}

function cells(row: RowResult): string[] {
  return [
    row.id,
    formatValue(row.value, row.unit),
    formatFigure(row.floor),
    formatRatio(row.floorRatio),
    formatFigure(row.peer),
    row.peerName ?? '',
    formatRatio(row.peerRatio),
    row.bar ?? '',
    verdict(row),
  ]
}

/** Columns aligned with spaces. */
export function textTable(rows: RowResult[]): string {
  const lines = [HEADINGS, ...rows.map(cells)]
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const right = new Set([1, 2, 3, 4, 6])
  const text = lines.map((line) =>
    line
      .map((cell, column) =>
        right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  return `${text.join('\n')}\n`
}

const markdownLine = (columns: string[]): string => `| ${columns.join(' | ')} |`

/** The same as a Markdown table. */
export function markdownTable(rows: RowResult[]): string {
  const rule = HEADINGS.map(() => '---')
  return `${[HEADINGS, rule, ...rows.map(cells)].map(markdownLine).join('\n')}\n`
}

/** Every system's figure in every row, as Markdown. */
export function markdownDetails(rows: RowResult[]): string {
  const names = (Object.keys(systems) as SystemName[]).filter((name) =>
    rows.some((row) => name in row.systems),
  )
  const lines = rows
    .filter((row) => Object.keys(row.systems).length > 0)
    .map((row) => [`${row.id} (${row.unit})`, ...names.map((name) => formatFigure(row.systems[name]))])
  const headings = ['row', ...names.map((name) => systems[name].label)]
  return `${[headings, headings.map(() => '---'), ...lines].map(markdownLine).join('\n')}\n`
}
