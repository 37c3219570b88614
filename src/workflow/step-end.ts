/**
 * How a step, or anything else that is done when it is recorded, ended: as JSON text, within bounds.
 */
import { BROKEN, DONE } from '../core/model/journal.ts'
import { MOST_VALUE } from '../core/policy/sizes.ts'
import { type ErrorRecord, errorRecord, perdureError } from '../errors.ts'
import { describeValue } from '../std/options.ts'

/** How a step ended. */
export interface StepEnd {
  readonly state: typeof DONE | typeof BROKEN
  readonly value: string | null
}

/** The result as JSON text; one that cannot be written is a failure that says so. */
export function endOf(name: string, value: unknown): StepEnd {
  if (value === undefined) return NOTHING
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    return broken(notSerializable(name, value, cause))
  }
  if (text === undefined) return broken(notSerializable(name, value, undefined))
  if (text.length <= MOST_VALUE) return { state: DONE, value: text }
  const found = `${text.length} characters`
  const expected = `the result of step '${name}' to have at most ${MOST_VALUE} characters as JSON`
  const fix = 'Store the value elsewhere and return where it is'
  return broken(errorRecord(perdureError('TOO_LARGE', { expected, found, fix, data: { step: name } })))
}

const NOTHING: StepEnd = { state: DONE, value: null }

/** A failure. */
export function broken(error: ErrorRecord): StepEnd {
  return { state: BROKEN, value: JSON.stringify(error) }
}

function notSerializable(name: string, value: unknown, cause: unknown): ErrorRecord {
  return errorRecord(
    perdureError('NOT_SERIALIZABLE', {
      expected: `the result of step '${name}' to be a value that JSON can carry`,
      found: cause instanceof Error ? `${describeValue(value)} (${cause.message})` : describeValue(value),
      fix: 'Return plain data: no functions, no bigint, no object that holds itself',
      data: { step: name },
    }),
  )
}
