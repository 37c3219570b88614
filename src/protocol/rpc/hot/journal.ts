/**
 * What a run writes, written and read by hand: the request with its entries, and the rows that are the answer.
 *
 * An entry of anything but what is done already, a step above all, is one message of the generated code among the others.
 */
import { toBinary } from '@bufbuild/protobuf'
import {
  ENTRY_NAMES,
  ENTRY_STATES,
  entryKindOf,
  entryStateOf,
  type JournalRow,
} from '../../../core/model/journal.ts'
import { JournalEntrySchema } from '../../generated/perdure/v1/workflows_pb.ts'
import { toMessage } from '../convert.ts'
import { entryFromWire, entryToWire } from '../journal.ts'
import { plainOf } from './generated.ts'
import { type Reader, Repeated, UNREAD } from './reader.ts'
import { readSession, writeSession } from './session.ts'
import type { Writer } from './writer.ts'

type Plain = Record<string, unknown>

/** WriteJournalRequest; the worker is field 1 of each request. */
const WORKER = 1
const TOKEN = 2
const SEEN = 3
const ENTRIES = 4
const REQUEST = 5

/** JournalEntry. */
const TYPE = 1
const POSITION = 2
const NAME = 3
const KIND = 4
const STATE = 5
const VALUE_JSON = 6
const UNDO = 8

/** WriteJournalResponse. */
const ROWS = 1
const LOST = 2

/** JournalRow. */
const SEQUENCE = 1
const ROW_POSITION = 2
const ROW_KIND = 3
const ROW_STATE = 4
const ROW_NAME = 5
const ROW_VALUE_JSON = 6
const AT = 8

/** Writes the request of the arguments of a record. False for one that the generated code has to write, or refuse. */
export function writeRecord(
  writer: Writer,
  [session, token, seen, entries, request]: readonly unknown[],
): boolean {
  if (typeof session !== 'number' || typeof token !== 'string') return false
  if (typeof seen !== 'number' || typeof request !== 'string') return false
  writeSession(writer, session)
  if (!writer.text(TOKEN, token)) return false
  writer.double(SEEN, seen)
  for (const entry of entries as readonly Plain[]) {
    const start = writer.open(ENTRIES)
    if (!writeEntry(writer, entry)) {
      writer.at = start
      writer.append(
        toBinary(JournalEntrySchema, toMessage(JournalEntrySchema, entryToWire(entry), 'entries')),
      )
    }
    writer.close(start)
  }
  return writer.optionalText(REQUEST, request)
}

function writeEntry(writer: Writer, entry: Plain): boolean {
  const { type, position, name, kind, state, value, undo, ...others } = entry as Plain & JournalRow
  if (type !== 'settled' || typeof name !== 'string' || (position | 0) !== position) return false
  for (const _ in others) return false
  writer.text(TYPE, type)
  if (position !== 0) writer.sint32(POSITION, position)
  if (!writer.text(NAME, name)) return false
  writer.text(KIND, ENTRY_NAMES[kind])
  writer.text(STATE, ENTRY_STATES[state])
  if (value !== null && !writer.optionalText(VALUE_JSON, value)) return false
  writer.bool(UNDO, undo === true)
  return true
}

/** Reads the arguments of a record. */
export function readRecord(reader: Reader): readonly unknown[] {
  let session = 0
  let token = ''
  let seen = 0
  let request = ''
  const entries: Plain[] = []
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case (WORKER << 3) | 2:
        session = readSession(reader)
        break
      case (TOKEN << 3) | 2:
        token = reader.text()
        break
      case (SEEN << 3) | 1:
        seen = reader.double()
        break
      case (ENTRIES << 3) | 2:
        entries.push(readEntry(reader))
        break
      case (REQUEST << 3) | 2:
        request = reader.text()
        break
      default:
        throw UNREAD
    }
  }
  // without a number it is named by its other fields
  if (session === 0) throw UNREAD
  return [session, token, seen, entries, request]
}

const kinds = new Repeated()
const states = new Repeated()
const types = new Repeated()

/** Anything but what is done already is read again as a whole. */
function readEntry(reader: Reader): Plain {
  const outer = reader.enter()
  const start = reader.at
  const entry =
    readSettled(reader) ?? entryFromWire(plainOf(JournalEntrySchema, restFrom(reader, start), TEXT))
  reader.at = reader.end
  reader.end = outer
  return entry
}

const TEXT = { keepsText: true }

function restFrom(reader: Reader, start: number): Buffer {
  return reader.bytes.subarray(start, reader.end)
}

function readSettled(reader: Reader): Plain | undefined {
  const entry: Plain = { ...BLANK }
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case (TYPE << 3) | 2:
        entry.type = types.read(reader)
        break
      case POSITION << 3:
        entry.position = reader.sint32()
        break
      case (NAME << 3) | 2:
        entry.name = reader.text()
        break
      case (KIND << 3) | 2:
        entry.kind = entryKindOf(kinds.read(reader))
        break
      case (STATE << 3) | 2:
        entry.state = entryStateOf(states.read(reader))
        break
      case (VALUE_JSON << 3) | 2:
        entry.value = reader.text()
        break
      case UNDO << 3:
        entry.undo = reader.bool()
        break
      default:
        return undefined
    }
  }
  return entry.type === 'settled' ? entry : undefined
}

/** What the generated code makes of an entry in which nothing is said. */
const BLANK: Plain = {
  ...{ type: '', position: 0, name: '', undo: false, delayMs: 0, dueAt: 0, closes: false, awaits: false },
  ...{ to: 0, signal: '', positions: [], jobs: [], kind: undefined, state: undefined, value: null },
}

/** Writes the answer of a record. */
export function writeRows(writer: Writer, answer: unknown): boolean {
  const { rows, lost } = answer as { rows: readonly JournalRow[]; lost: boolean }
  for (const { sequence, position, kind, state, name, value, at } of rows) {
    const start = writer.open(ROWS)
    writer.double(SEQUENCE, sequence)
    if (position !== 0) writer.sint32(ROW_POSITION, position)
    writer.text(ROW_KIND, ENTRY_NAMES[kind])
    writer.text(ROW_STATE, ENTRY_STATES[state])
    if (!writer.text(ROW_NAME, name)) return false
    if (value !== null && !writer.optionalText(ROW_VALUE_JSON, value)) return false
    writer.double(AT, at)
    writer.close(start)
  }
  writer.bool(LOST, lost)
  return true
}

/** Reads the answer of a record. */
export function readRows(reader: Reader): unknown {
  const rows: Plain[] = []
  let lost = false
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case (ROWS << 3) | 2:
        rows.push(readRow(reader))
        break
      case LOST << 3:
        lost = reader.bool()
        break
      default:
        throw UNREAD
    }
  }
  return { rows, lost }
}

function readRow(reader: Reader): Plain {
  const outer = reader.enter()
  const row: Plain = {
    sequence: 0,
    position: 0,
    name: '',
    at: 0,
    kind: undefined,
    state: undefined,
    value: null,
  }
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case (SEQUENCE << 3) | 1:
        row.sequence = reader.double()
        break
      case ROW_POSITION << 3:
        row.position = reader.sint32()
        break
      case (ROW_KIND << 3) | 2:
        row.kind = entryKindOf(kinds.read(reader))
        break
      case (ROW_STATE << 3) | 2:
        row.state = entryStateOf(states.read(reader))
        break
      case (ROW_NAME << 3) | 2:
        row.name = reader.text()
        break
      case (ROW_VALUE_JSON << 3) | 2:
        row.value = reader.text()
        break
      case (AT << 3) | 1:
        row.at = reader.double()
        break
      default:
        throw UNREAD
    }
  }
  reader.end = outer
  return row
}
