/**
 * The past of a run that another one can begin with.
 */
import {
  BROKEN,
  CANCEL,
  CHILD,
  type EntryKind,
  type JournalRow,
  lostIn,
  OPEN,
} from '../../core/model/journal.ts'
import type { ErrorRecord } from '../../errors.ts'

/**
 * The rows of a journal that were settled before a position was first asked for, and before the run was cancelled: what came
 * then, came of that. What was open at that point, the code asks for again.
 *
 * @param from a position; undefined for the first that failed, or for everything where nothing did.
 */
export function pastOf(journal: readonly JournalRow[], from: number | undefined): JournalRow[] {
  const rows = journal.filter((row) => !isAftermath(row))
  const position = from ?? rows.find(({ state }) => state === BROKEN)?.position
  const cut = rows.findIndex((row) => row.position === position || row.kind === CANCEL)
  const before = cut < 0 ? rows : rows.slice(0, cut)
  const kinds = new Map<number, EntryKind>()
  for (const { position, kind } of before) if (!kinds.has(position)) kinds.set(position, kind)
  const over = new Set<number>()
  for (const row of before) {
    // a sleep at the position of a step is the pause between two of its tries
    if (row.state !== OPEN && row.kind === kinds.get(row.position)) over.add(row.position)
    for (const lost of lostIn(row)) over.add(lost)
  }
  const made = new Set<number>()
  const past: JournalRow[] = []
  for (const [index, row] of before.entries()) {
    const { position, kind } = row
    const isOver = over.has(position)
    // the code may have gone on by the id of a job: at this point it gets that of a job of its own
    const mustBeMade = !isOver && kind === CHILD && !made.has(position)
    if (!isOver && !mustBeMade) continue
    if (mustBeMade) made.add(position)
    // a number that is missing here is missing there; a row that does not go along leaves no gap
    const sequence = row.sequence - (index - past.length)
    past.push(mustBeMade ? { ...row, sequence, value: null } : { ...row, sequence })
  }
  return past
}

/** Whether a row tells of a job that was cancelled because the run had ended: its code has not heard of that. */
function isAftermath({ run, kind, state, value }: JournalRow): boolean {
  if (kind !== CHILD || state !== BROKEN) return false
  const { code, data } = JSON.parse(value as string) as ErrorRecord
  return code === 'CANCELLED' && data?.parent === run
}
