/**
 * The past of a run that another one can begin with.
 */
import {
  BROKEN,
  CANCEL,
  type EntryKind,
  type JournalRow,
  LOCK,
  OPEN,
  WITHDRAW,
} from '../../core/model/journal.ts'

/** Kinds that do not go along: a lock that the first run held is not held by the second, and nobody has cancelled that. */
const LEFT_OUT: ReadonlySet<EntryKind> = new Set([LOCK, CANCEL])

/**
 * The rows of a journal that were settled before a position was first asked for. What was open then, the code asks for again.
 *
 * @param from a position; undefined for the first that failed, or for everything where nothing did.
 */
export function pastOf(rows: readonly JournalRow[], from: number | undefined): JournalRow[] {
  const position = from ?? rows.find(({ state }) => state === BROKEN)?.position
  const cut = rows.findIndex((row) => row.position === position)
  const all = cut < 0 ? rows : rows.slice(0, cut)
  const had = new Set(
    all.filter(({ kind, state }) => kind === LOCK && state !== OPEN).map((row) => row.position),
  )
  // the second run has yet to get a lock that the first has given back
  const isGivenBack = (row: JournalRow): boolean => lostIn(row).some((position) => had.has(position))
  const before = all.filter((row) => !LEFT_OUT.has(row.kind) && !isGivenBack(row))
  const kinds = new Map<number, EntryKind>()
  for (const { position, kind } of before) if (!kinds.has(position)) kinds.set(position, kind)
  const over = new Set<number>()
  for (const row of before) {
    // a sleep at the position of a step is the pause between two of its tries
    if (row.state !== OPEN && row.kind === kinds.get(row.position)) over.add(row.position)
    for (const lost of lostIn(row)) over.add(lost)
  }
  return before.filter((row) => over.has(row.position))
}

/** The positions that a row lets go of. */
function lostIn({ kind, value }: JournalRow): readonly number[] {
  return kind === WITHDRAW ? (JSON.parse(value ?? '[]') as number[]) : []
}
