/**
 * Journals on the wire: entries that a worker writes, and rows as they were written.
 *
 * Owns: the words that stand for stored numbers, and that values stay the text that they are stored as. Never judges
 * what an entry means, nor whether its values are JSON.
 */
import {
  BROKEN,
  DONE,
  ENTRY_NAMES,
  type EntryKind,
  type EntryState,
  type JournalRow,
  OPEN,
} from '../../core/model/journal.ts'
import { decodeBody } from '../json.ts'
import { JsonText } from './convert.ts'

type Plain = Readonly<Record<string, unknown>>

const STATE_NAMES: Readonly<Record<EntryState, string>> = {
  [OPEN]: 'open',
  [DONE]: 'done',
  [BROKEN]: 'broken',
}

const KINDS = numbersOf(ENTRY_NAMES) as ReadonlyMap<string, EntryKind>
const STATES = numbersOf(STATE_NAMES) as ReadonlyMap<string, EntryState>

function numbersOf(names: Readonly<Record<number, string>>): ReadonlyMap<string, number> {
  return new Map(Object.entries(names).map(([number, name]) => [name, Number(number)]))
}

/** The word for a kind, and for a state. */
export function kindName(kind: EntryKind): string {
  return ENTRY_NAMES[kind]
}
export function stateName(state: EntryState): string {
  return STATE_NAMES[state]
}

/** What a word stands for; undefined for one that is not known. */
export function kindOf(name: string): EntryKind | undefined {
  return KINDS.get(name)
}
export function stateOf(name: string): EntryState | undefined {
  return STATES.get(name)
}

/** An entry as a message takes it. */
export function entryToWire(entry: Plain): Plain {
  const { kind, state, value, ...rest } = entry
  return {
    ...rest,
    ...(kind === undefined ? {} : { kind: kindName(kind as EntryKind) }),
    ...(state === undefined ? {} : { state: stateName(state as EntryState) }),
    ...valueField(value),
  }
}

/** Undoes {@link entryToWire}. */
export function entryFromWire({ kind, state, value, spec, ...rest }: Plain): Plain {
  return {
    ...rest,
    kind: kindOf(kind as string),
    state: stateOf(state as string),
    value: textOf(value),
    ...(spec === undefined ? {} : { spec: withInput(spec as Plain) }),
  }
}

/** A row as a message takes it: whose run it is goes without saying. */
export function rowToWire({ sequence, position, kind, state, name, value, at }: JournalRow): Plain {
  return {
    sequence,
    position,
    kind: kindName(kind),
    state: stateName(state),
    name,
    ...valueField(value),
    at,
  }
}

/** Undoes {@link rowToWire}. */
export function rowFromWire(row: Plain): Plain {
  const { kind, state, value, ...rest } = row
  return {
    ...rest,
    kind: kindOf(kind as string),
    state: stateOf(state as string),
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
