/**
 * Histories: what a run did, as a file that people and programs read and that a replay takes again.
 *
 * Owns: the shape of the file, and the way between it and rows of a journal. Never does: reading a store, or replaying.
 */
import { entryKindOf, entryStateOf, type JournalRow, type SpelledRow } from '../core/model/journal.ts'
import { type ErrorRecord, type PerdureError, perdureError } from '../errors.ts'
import { describeValue } from '../std/options.ts'

/** One row of the journal. */
export type HistoryRow = SpelledRow

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
