/**
 * Journals as they travel: in pages that fit into a frame, and without what the other end has already.
 */
import { type JournalPage, type JournalRow, OPEN } from '../core/model/journal.ts'

/** Characters of the values of one page, about; a character takes up to three bytes of a frame. */
const PAGE_CHARACTERS = 2 * 1024 * 1024

/** As much of a page as travels at once. A single row always does. */
export function fitPage(page: JournalPage): JournalPage {
  let characters = 0
  const end = page.rows.findIndex(({ value }) => {
    const before = characters
    characters += value?.length ?? 0
    return before > 0 && characters > PAGE_CHARACTERS
  })
  const last = page.rows[end - 1]
  if (last === undefined) return page
  return { ...page, rows: page.rows.slice(0, end), next: last.sequence + 1, isEnd: false }
}

/** What was settled in the moment of its writing, as its writer knows it. */
interface Written {
  readonly type: string
  readonly position: number
  readonly name: string
  readonly value?: string | null
}

/** Rows as they are answered: name and value of what a worker settled itself stay out. */
export function withoutWritten(
  rows: readonly JournalRow[],
  entries: readonly Written[],
): readonly JournalRow[] {
  const written = settledBy(entries)
  return rows.map((row) => (isOf(row, written) ? { ...row, name: '', value: null } : row))
}

/** Undoes {@link withoutWritten}, and says whose rows they are. */
export function withWritten(
  run: number,
  rows: readonly JournalRow[],
  entries: readonly Written[],
): readonly JournalRow[] {
  const written = settledBy(entries)
  return rows.map((row) => {
    if (!isOf(row, written)) return { ...row, run, copyOf: 0 }
    const { name, value = null } = written.get(row.position) as Written
    return { ...row, run, copyOf: 0, name, value }
  })
}

function settledBy(entries: readonly Written[]): ReadonlyMap<number, Written> {
  return new Map(entries.filter(({ type }) => type === 'settled').map((entry) => [entry.position, entry]))
}

function isOf({ position, state }: JournalRow, written: ReadonlyMap<number, Written>): boolean {
  return state !== OPEN && written.has(position)
}
