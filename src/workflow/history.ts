/**
 * Histories: what a run did, as a file that people and programs read and that a replay takes again.
 *
 * Owns: the shape of the file, and the way between it and rows of a journal. Never does: reading a store, or replaying.
 */
import {
  ENTRY_NAMES,
  ENTRY_STATES,
  entryKindOf,
  entryStateOf,
  type JournalRow,
} from '../core/model/journal.ts'
import { type ErrorRecord, type PerdureError, perdureError } from '../errors.ts'
import { describeValue } from '../std/options.ts'

/** One row of the journal. */
export interface HistoryRow {
  /** From 0 within the run; the order in which things settled. */
  readonly sequence: number
  /** The how-manieth thing the code asked for; -1 for what it did not ask for. */
  readonly position: number
  /** `step`, `sleep`, `signal`, `child`, ... */
  readonly kind: string
  readonly state: (typeof ENTRY_STATES)[number]
  /** What the code called it; empty in a row that settles an earlier one. */
  readonly name: string
  /** As it was recorded; absent for nothing. */
  readonly value?: unknown
  /** Epoch ms. */
  readonly at: number
}

/** An attempt that came to an end other than by waiting. */
export interface HistoryAttempt {
  readonly number: number
  readonly worker: string
  readonly startedAt: number
  readonly endedAt: number | null
  readonly outcome: string
  readonly error: ErrorRecord | null
}

/** A run with all that it recorded. Times are epoch ms. */
export interface RunHistory {
  /** Tells such a file from any other. */
  readonly format: typeof FORMAT
  readonly version: typeof VERSION
  readonly run: number
  readonly kind: string
  readonly state: string
  readonly input: unknown
  readonly result: unknown
  readonly error: ErrorRecord | null
  readonly createdAt: number
  readonly finishedAt: number | null
  readonly metadata: Readonly<Record<string, string>>
  readonly attempts: readonly HistoryAttempt[]
  readonly journal: readonly HistoryRow[]
}

/** What stands in the file's `format`. */
export const FORMAT = 'perdure-history'
/** Grows when older programs could not read the file. */
export const VERSION = 1

/** Rows as they stand in a history. */
export function writeRows(rows: readonly JournalRow[]): HistoryRow[] {
  return rows.map(({ sequence, position, kind, state, name, value, at }) => ({
    sequence,
    position,
    kind: ENTRY_NAMES[kind],
    state: ENTRY_STATES[state],
    name,
    ...(value === null ? {} : { value: JSON.parse(value) as unknown }),
    at,
  }))
}

/**
 * The rows of a history, as a journal has them.
 *
 * @throws INVALID_INPUT for a kind or state that this version does not know.
 */
export function readRows({ run, journal }: Pick<RunHistory, 'run' | 'journal'>): JournalRow[] {
  return journal.map(({ sequence, position, kind, state, name, value, at }) => {
    const number = entryKindOf(kind)
    const stateNumber = entryStateOf(state)
    if (number === undefined || stateNumber === undefined)
      throw strange(`a row of kind ${kind} that is ${state}`)
    const text = value === undefined ? null : JSON.stringify(value)
    const place = { run, sequence, position, kind: number, state: stateNumber }
    return { ...place, name, value: text, at, copyOf: 0 }
  })
}

/**
 * Reads the text of a history.
 *
 * @throws INVALID_INPUT where it is none, or one of a newer version.
 */
export function parseHistory(text: string): RunHistory {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch (cause) {
    throw strange(cause instanceof Error ? cause.message : 'no JSON', cause)
  }
  const { format, version, journal } = (read ?? {}) as Partial<RunHistory>
  if (format !== FORMAT || !Array.isArray(journal)) throw strange(describeValue(read))
  if (version !== VERSION) throw strange(`version ${String(version)} of it`)
  const history = read as RunHistory
  readRows(history)
  return history
}

function strange(found: string, cause?: unknown): PerdureError {
  return perdureError('INVALID_INPUT', {
    expected: `the history of a run, version ${VERSION}`,
    found,
    fix: 'Export it with `perdure show RUN --json`',
    ...(cause === undefined ? {} : { cause }),
  })
}
