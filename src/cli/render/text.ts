/**
 * Text for terminals: without the control sequences of others, in columns, cut to a width.
 *
 * Output and error texts of jobs come from programs that nobody has vouched for; on a terminal they must not
 * move the cursor, change the title or answer queries.
 */
import { stripVTControlCharacters } from 'node:util'

/** C0 and C1 control characters but tab and newline, and what turns the writing direction around. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Text of many lines that is safe on a terminal. A carriage return before a newline goes; others end a line. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')).replace(CONTROLS, '')
}

/** Text of one line that is safe on a terminal: newlines and tabs become spaces. */
export function plainLine(text: string): string {
  return plainText(text).replace(/\s+/g, ' ').trim()
}

/** Wide characters take two columns; marks that combine take none. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
const NO_WIDTH = /\p{Mark}|\u200b|\u200d/u

/** Columns that a text of one line takes. */
export function textWidth(text: string): number {
  let width = 0
  for (const character of text) width += NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

/** A text cut to `width` columns; what is cut ends in an ellipsis. */
export function cutText(text: string, width: number): string {
  if (text.length <= width && textWidth(text) <= width) return text
  let taken = ''
  let used = 0
  for (const character of text) {
    const next = textWidth(character)
    if (used + next > width - 1) break
    taken += character
    used += next
  }
  return `${taken}…`
}

/** One column of a table. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** The one column that gives way when the table is too wide. */
  readonly flexible?: boolean
}

const GAP = '  '

/**
 * A table in plain text. Cells are made safe; the flexible column is cut so that lines fit into `width` columns
 * (Infinity: nothing is cut). Ends with a newline.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map(plainLine))]
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => textWidth(row[index] ?? ''))))
  const flexible = columns.findIndex((column) => column.flexible)
  const total = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (columns.length - 1)
  if (flexible >= 0 && total > width) {
    const own = widths[flexible] ?? 0
    widths[flexible] = Math.max(Math.min(own, 8), own - (total - width))
  }
  const lines = cells.map((row) => {
    const fitted = columns.map((column, index) => {
      const text = cutText(row[index] ?? '', widths[index] ?? 0)
      const padding = ' '.repeat((widths[index] ?? 0) - textWidth(text))
      return column.align === 'right' ? padding + text : text + padding
    })
    return fitted.join(GAP).trimEnd()
  })
  return `${lines.join('\n')}\n`
}

const SPANS: readonly [number, string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
]

/** A span in at most four characters or so: `450ms`, `12s`, `5m`, `3h`, `12d`. */
export function shortSpan(ms: number): string {
  const [unit, letter] = SPANS.find(([size]) => ms >= size) ?? [1, 'ms']
  return `${Math.floor(Math.max(0, ms) / unit)}${letter}`
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** A number of bytes as people read it. */
export function shortBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), SIZES.length - 1)
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${SIZES[power]}`
}
