/**
 * Timelines: the rows of a journal put together to what happened, one line for each thing that the code asked for.
 *
 * Owns: which rows belong together, and how long each thing took. Never does: laying out text.
 */
import { isChildName, type Retry } from '../core/model/journal.ts'
import type { ErrorRecord } from '../errors.ts'
import type { HistoryRow } from './history.ts'

/** One thing that the code asked for, or that happened to the run. */
export interface Happening {
  /** -1 for what the code did not ask for. */
  readonly position: number
  /** `step`, `sleep`, `signal`, `child`, ... */
  readonly kind: string
  readonly name: string
  /** `left`: the code went on without it. */
  readonly state: 'open' | 'done' | 'failed' | 'left'
  /** When it was asked for, epoch ms. Of what is written only at its end: no earlier than this. */
  readonly beganAt: number
  /** Null while it is open. */
  readonly endedAt: number | null
  /** Its beginning is not on record: it took no longer than it seems. */
  readonly isAtMost: boolean
  /** What it gave; undefined while it is open, for nothing, and where it failed. */
  readonly value: unknown
  readonly error: ErrorRecord | null
  /** Of a step: tries so far. */
  readonly tries: number
  /** A sleep, a deadline or a pause between two tries that is open ends then, epoch ms. */
  readonly dueAt: number | null
  /** The job that was made. */
  readonly child: number | null
}

/**
 * What happened in a run, in the order in which it began.
 *
 * @param from when the run was enqueued, epoch ms.
 * @param begins moments at which attempts began, epoch ms: what a step may have waited for does not count as its time.
 */
export function timelineOf(
  rows: readonly HistoryRow[],
  from: number,
  begins: readonly number[] = [],
): Happening[] {
  const happenings: Happening[] = []
  const open = new Map<number, number>()
  let before = from
  for (const row of rows) {
    const at = open.get(row.position)
    const happening = at === undefined ? undefined : happenings[at]
    if (row.kind === 'withdraw') {
      leave(happenings, open, row)
    } else if (happening !== undefined && at !== undefined) {
      happenings[at] = goneOn(happening, row)
      if (happenings[at]?.endedAt !== null) open.delete(row.position)
    } else if (row.state === 'open' || !isEndOfOther(row)) {
      if (row.state === 'open') open.set(row.position, happenings.length)
      happenings.push(begun(row, lastOf(begins, row.at, before)))
    }
    before = row.at
  }
  return happenings
}

/** Whether a row tells of a job that the run made before it began anew. */
function isEndOfOther({ kind, name }: HistoryRow): boolean {
  return kind === 'child' && isChildName(name)
}

/** Marks what the code went on without. */
function leave(happenings: Happening[], open: Map<number, number>, { value, at }: HistoryRow): void {
  for (const position of value as number[]) {
    const index = open.get(position)
    if (index === undefined) continue
    happenings[index] = { ...(happenings[index] as Happening), state: 'left', endedAt: at, dueAt: null }
    open.delete(position)
  }
}

/** The latest of several moments that is not after `at`. */
function lastOf(moments: readonly number[], at: number, least: number): number {
  return moments.reduce((last, moment) => (moment <= at && moment > last ? moment : last), least)
}

function begun(row: HistoryRow, before: number): Happening {
  const { position, kind, name, state, value, at } = row
  const isOpen = state === 'open'
  const isStep = kind === 'step'
  const retry = isStep && isOpen ? (value as Retry) : undefined
  const isChild = kind === 'child'
  const happening: Happening = {
    position,
    kind,
    name,
    ...endOf(row),
    beganAt: retry?.since ?? (isOpen || isChild ? at : Math.min(before, at)),
    endedAt: isOpen ? null : at,
    isAtMost: isStep && retry === undefined,
    tries: 1,
    dueAt: WAITS.has(kind) && isOpen && typeof value === 'number' && value > 0 ? value : null,
    child: isChild && typeof value === 'number' ? value : null,
  }
  return retry === undefined ? happening : triedAgain(happening, retry)
}

/** Kinds of which a row that opens holds the moment at which it is over. */
const WAITS: ReadonlySet<string> = new Set(['sleep', 'signal'])

/** A further row of something that is open. */
function goneOn(happening: Happening, row: HistoryRow): Happening {
  // a fork had it before it made a job of its own for it
  if (row.kind === 'child' && row.state === 'open')
    return { ...happening, child: row.value as number, beganAt: row.at }
  if (happening.kind !== 'step') return { ...happening, ...endOf(row), endedAt: row.at, dueAt: null }
  // the pause before its next try is over
  if (row.kind !== 'step') return { ...happening, dueAt: null }
  if (row.state === 'open') return triedAgain(happening, row.value as Retry)
  return { ...happening, ...endOf(row), endedAt: row.at, dueAt: null, tries: happening.tries + 1 }
}

function triedAgain(happening: Happening, { tries, dueAt, error }: Retry): Happening {
  return { ...happening, tries, dueAt, error: error as ErrorRecord }
}

function endOf({ kind, state, value }: HistoryRow): Pick<Happening, 'state' | 'value' | 'error'> {
  if (state === 'open') return { state: 'open', value: undefined, error: null }
  if (state === 'broken') return { state: 'failed', value: undefined, error: value as ErrorRecord }
  // a signal is recorded in an array of one, and none for one that did not come in time
  return { state: 'done', value: kind === 'signal' ? (value as unknown[])[0] : value, error: null }
}
