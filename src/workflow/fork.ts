/**
 * Forks: what of a run's past another run can begin with.
 */
import type { HistoryRow } from './history.ts'

/** Kinds that do not go along: a lock that the first run held is not held by the second, and nobody has cancelled that. */
const LEFT_OUT: ReadonlySet<string> = new Set(['lock', 'cancel'])

/**
 * The rows of a history that were settled before a position was first asked for. What was open then, the code asks for again.
 *
 * @param from a position; undefined for the first that failed, or for everything where nothing did.
 */
export function pastOf(rows: readonly HistoryRow[], from: number | undefined): HistoryRow[] {
  const position = from ?? rows.find(({ state }) => state === 'broken')?.position
  const cut = rows.findIndex((row) => row.position === position)
  const before = (cut < 0 ? rows : rows.slice(0, cut)).filter(({ kind }) => !LEFT_OUT.has(kind))
  const kinds = new Map<number, string>()
  for (const { position, kind } of before) if (!kinds.has(position)) kinds.set(position, kind)
  const over = new Set<number>()
  for (const row of before) {
    // a sleep at the position of a step is the pause between two of its tries
    if (row.state !== 'open' && row.kind === kinds.get(row.position)) over.add(row.position)
    if (row.kind === 'withdraw') for (const lost of row.value as number[]) over.add(lost)
  }
  return before.filter((row) => over.has(row.position))
}
