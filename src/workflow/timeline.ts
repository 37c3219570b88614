/**
 * Timelines: the rows of a journal put together to what happened, one line for each thing that the code asked for.
 *
 * Owns: which rows belong together, and how long each thing took. Never does: laying out text.
 */
import { childName } from '../core/model/journal.ts'
import type { ErrorRecord } from '../errors.ts'
import type { HistoryRow } from './history.ts'

/** One thing that the code asked for, or that happened to the run. */
export interface Happening {
  /** -1 for what the code did not ask for. */
  readonly position: number
  /** `step`, `sleep`, `signal`, `child`, ... */
  readonly kind: string
  readonly name: string
  readonly state: 'open' | 'done' | 'failed'
  /** When it was asked for, epoch ms. Of what is written only at its end: no earlier than this. */
  readonly beganAt: number
  /** Null while it is open. */
  readonly endedAt: number | null
  /** Its beginning is not on record: it took no longer than it seems. */
  readonly isAtMost: boolean
  /** What it gave; undefined while it is open, for nothing, and where it failed. */
  readonly value: unknown
  readonly error: ErrorRecord | null
  /** A sleep or deadline that is open ends then, epoch ms. */
  readonly dueAt: number | null
  /** The job that was made. */
  readonly child: number | null
}

/**
 * What happened in a run, in the order in which it began.
 *
 * @param begins moments at which attempts began, epoch ms: what a step may have waited for does not count as its time.
 */
export function timelineOf(rows: readonly HistoryRow[], begins: readonly number[] = []): Happening[] {
  const happenings: Happening[] = []
  const open = new Map<number, number>()
  let before = Math.min(...begins, rows[0]?.at ?? 0)
  for (const row of rows) {
    const at = open.get(row.position)
    if (row.state !== 'open' && row.name.startsWith(childName('')) && at === undefined) continue
    if (row.state !== 'open' && at !== undefined) {
      happenings[at] = ended(happenings[at] as Happening, row)
      open.delete(row.position)
    } else {
      if (row.state === 'open') open.set(row.position, happenings.length)
      happenings.push(begun(row, lastOf(begins, row.at, before)))
    }
    before = row.at
  }
  return happenings
}

/** The latest of several moments that is not after `at`. */
function lastOf(moments: readonly number[], at: number, least: number): number {
  return moments.reduce((last, moment) => (moment <= at && moment > last ? moment : last), least)
}

function begun(row: HistoryRow, before: number): Happening {
  const { position, kind, name, state, value, at } = row
  const isOpen = state === 'open'
  const isChild = kind === 'child'
  const dueAt = isOpen && !isChild && typeof value === 'number' && value > 0 ? value : null
  return {
    position,
    kind,
    name,
    ...endOf(row),
    beganAt: isOpen || isChild ? at : Math.min(before, at),
    endedAt: isOpen ? null : at,
    isAtMost: kind === 'step',
    dueAt,
    child: isChild && typeof value === 'number' ? value : null,
  }
}

function ended(happening: Happening, row: HistoryRow): Happening {
  return { ...happening, ...endOf(row), endedAt: row.at, dueAt: null }
}

function endOf({ kind, state, value }: HistoryRow): Pick<Happening, 'state' | 'value' | 'error'> {
  if (state === 'open') return { state: 'open', value: undefined, error: null }
  if (state === 'broken') return { state: 'failed', value: undefined, error: value as ErrorRecord }
  // a signal is recorded in an array of one, and none for one that did not come in time
  return { state: 'done', value: kind === 'signal' ? (value as unknown[])[0] : value, error: null }
}
