/** Draws the rows as bars in SVG: for each row Perdure, the floor and every peer, the longest bar full width. */
import { formatFigure } from './format.ts'
import type { RowResult } from './row.ts'
import { type SystemName, systemEntry, systems } from './systems.ts'

const WIDTH = 860
const LABEL_WIDTH = 200
const VALUE_WIDTH = 90
const BAR_HEIGHT = 16
const BAR_GAP = 3
const GROUP_GAP = 26
const TITLE_HEIGHT = 22
const COLOURS = { subject: '#2563eb', floor: '#64748b', peer: '#c4b5a0' } as const

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

function bar(name: SystemName, value: number, longest: number, y: number): string {
  const width = Math.max(1, (value / longest) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH))
  const middle = y + BAR_HEIGHT - 4
  return [
    `<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${escapeXml(systems[name].label)}</text>`,
    `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="2" ` +
      `fill="${COLOURS[systemEntry(name).kind]}"/>`,
    `<text x="${(LABEL_WIDTH + width + 6).toFixed(1)}" y="${middle}">${formatFigure(value)}</text>`,
  ].join('\n')
}

/**
 * A complete SVG document. Rows with fewer than two figures have nothing to compare and are left out.
 * @param caption one line under the chart, such as the machine
 */
export function svgChart(rows: RowResult[], caption: string): string {
  const parts: string[] = []
  let y = 14
  for (const row of rows) {
    const entries = Object.entries(row.systems) as [SystemName, number][]
    if (entries.length < 2) continue
    const longest = Math.max(...entries.map(([, value]) => value))
    const direction = row.better === 'higher' ? 'more is better' : 'less is better'
    parts.push(
      `<text class="title" x="8" y="${y + 12}">${escapeXml(row.id)} - ${escapeXml(row.unit)}, ${direction}</text>`,
    )
    y += TITLE_HEIGHT
    for (const [name, value] of entries) {
      parts.push(bar(name, value, longest, y))
      y += BAR_HEIGHT + BAR_GAP
    }
    y += GROUP_GAP - BAR_GAP
  }
  parts.push(`<text x="8" y="${y}">${escapeXml(caption)}</text>`)
  const height = y + 14
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<title>Bench results</title>
<style>text { font: 12px sans-serif; fill: #1e293b } .title { font-weight: bold }</style>
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`
}
