/**
 * Journals on the wire: entries that a worker writes, and rows as they were written.
 *
 * Owns: that values stay the text that they are stored as. Never judges
 * what an entry means, nor whether its values are JSON.
 */
import {
  ENTRY_NAMES,
  ENTRY_STATES,
  type EntryKind,
  type EntryState,
  entryKindOf,
  entryStateOf,
  type JournalRow,
  rowInWords,
} from '../../core/model/journal.ts'
import { decodeBody } from '../json.ts'
import { JsonText } from './convert.ts'

type Plain = Readonly<Record<string, unknown>>

/** An entry as a message takes it. */
export function entryToWire(entry: Plain): Plain {
  const { kind, state, value, ...rest } = entry
  return {
    ...rest,
    ...(kind === undefined ? {} : { kind: ENTRY_NAMES[kind as EntryKind] }),
    ...(state === undefined ? {} : { state: ENTRY_STATES[state as EntryState] }),
    ...valueField(value),
  }
}

/** Undoes {@link entryToWire}. */
export function entryFromWire({ kind, state, value, spec, ...rest }: Plain): Plain {
  return {
    ...rest,
    kind: entryKindOf(kind as string),
    state: entryStateOf(state as string),
    value: textOf(value),
    ...(spec === undefined ? {} : { spec: withInput(spec as Plain) }),
  }
}

/** A row as a message takes it: whose run it is goes without saying. */
export function rowToWire(row: JournalRow): Plain {
  return rowInWords(row, valueField(row.value))
}

/** Undoes {@link rowToWire}. */
export function rowFromWire(row: Plain): Plain {
  const { kind, state, value, ...rest } = row
  return {
    ...rest,
    kind: entryKindOf(kind as string),
    state: entryStateOf(state as string),
    value: textOf(value),
  }
}

/** Something with a value that is text, as a message takes it. */
export function valueToWire({ value, ...rest }: Plain): Plain {
  return { ...rest, ...valueField(value) }
}

/** Undoes {@link valueToWire}. */
export function valueFromWire({ value, ...rest }: Plain): Plain {
  return { ...rest, value: textOf(value) }
}

/** A question as a message takes it. */
export function questionToWire({ runInput, input, ...rest }: Plain): Plain {
  return {
    ...rest,
    ...(typeof runInput === 'string' ? { runInput: new JsonText(runInput) } : {}),
    ...(typeof input === 'string' ? { input: new JsonText(input) } : {}),
  }
}

/** Undoes {@link questionToWire}. */
export function questionFromWire({ runInput, input, ...rest }: Plain): Plain {
  return { ...rest, runInput: textOf(runInput), input: textOf(input) }
}

function valueField(value: unknown): Plain {
  return typeof value === 'string' ? { value: new JsonText(value) } : {}
}

/** Those who ask in JSON give values, all others their text. */
function textOf(value: unknown): string | null {
  if (value === undefined) return null
  return value instanceof JsonText ? value.text : JSON.stringify(value)
}

function withInput({ input, ...spec }: Plain): Plain {
  if (input === undefined) return spec
  return { ...spec, input: input instanceof JsonText ? decodeBody(Buffer.from(input.text)) : input }
}
