/**
 * Errors of workflow runs: what the code gets to see of failures, and what is wrong with the code itself.
 */
import { ENTRY_NAMES, type EntryKind, type JournalRow } from '../core/model/journal.ts'
import { type ErrorRecord, fromErrorRecord, type PerdureError, perdureError } from '../errors.ts'
import { formatDuration } from '../std/duration.ts'
import { invalidOption } from '../std/options.ts'

/** A failure out of the journal. It is the same in the run that met it and in every replay. */
export function recordedError(value: string | null): PerdureError {
  return fromErrorRecord(
    value === null
      ? { code: 'INTERNAL', message: 'No reason was recorded.' }
      : (JSON.parse(value) as ErrorRecord),
  )
}

/** The code asked for something else than it had recorded. */
export function mismatch(
  position: number,
  recorded: JournalRow,
  kind: EntryKind,
  name: string,
): PerdureError {
  return perdureError('NON_DETERMINISM', {
    expected: `${named(recorded.kind, recorded.name)} at position ${position}, as recorded`,
    found: named(kind, name),
    fix: FIX,
    data: { position, recorded: recorded.name, found: name },
  })
}

/** The code ended, or stands still, before it has asked for all that it had recorded. */
export function missing(recorded: JournalRow, found: string): PerdureError {
  const { position, kind, name } = recorded
  return perdureError('NON_DETERMINISM', {
    expected: `${named(kind, name)} at position ${position}, as recorded`,
    found,
    fix: FIX,
    data: { position, recorded: name, found: null },
  })
}

/** What was asked for lost a race, or is of no use since another part has failed. */
export function withdrawnError(by: string): PerdureError {
  return perdureError('CANCELLED', {
    expected: 'somebody to wait for it',
    found: `that flow.${by} was decided without it`,
    fix: `Use Promise.${by} to keep the others going`,
    data: { by },
  })
}

/** Code under a lock wants the same lock. */
export function nestedLockError(key: string): PerdureError {
  return perdureError('CYCLE', {
    expected: `lock '${key}' to be taken once by a part of the code`,
    found: 'that this part runs under it already, and would wait for itself',
    fix: 'Take the lock once, around all that needs it',
    data: { step: `lock ${key}` },
  })
}

/** A step took longer than it may. */
export function stepTimeout(
  step: string,
  limit: 'attempt' | 'total' | 'heartbeat',
  ms: number,
): PerdureError {
  const span = formatDuration(ms)
  const expected = {
    attempt: `step '${step}' to end within ${span}`,
    total: `step '${step}' to end within ${span}, all its tries together`,
    heartbeat: `step '${step}' to call heartbeat() every ${span}`,
  }
  return perdureError('TIMEOUT', {
    expected: expected[limit],
    found: 'that it has not',
    fix: 'Allow it longer, or let it do less at a time',
    data: { step, limit },
  })
}

/** A query, or a check of an update, is not a part of the run. */
export function lookedAtError(name: string): PerdureError {
  return invalidOption('a query or the validation of an update', 'code that asks its flow for nothing', name)
}

const FIX = 'Put the old code back, or keep its path with flow.patched, then release the run'

function named(kind: EntryKind, name: string): string {
  return name === '' ? ENTRY_NAMES[kind] : `${ENTRY_NAMES[kind]} '${name}'`
}
