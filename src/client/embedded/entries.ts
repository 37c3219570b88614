/**
 * Entries of a journal that came from another process, checked and stripped of all that their type has no use for.
 *
 * Never does: anything for workers of this process, whose entries are made by the same code that reads them.
 */
import { BROKEN, DONE, ENTRY_NAMES, type EntryKind } from '../../core/model/journal.ts'
import { MOST_VALUE } from '../../core/policy/sizes.ts'
import type { PerdureError } from '../../errors.ts'
import type { RunAnswer, RunEntry } from '../workflows.ts'
import {
  checkArray,
  checkIds,
  checkInteger,
  checkKey,
  checkMs,
  checkObject,
  checkOneOf,
  invalid,
  tooLarge,
} from './validate.ts'

/** Entries of one call: bounds how long the engine is busy with it. */
const MOST_ENTRIES = 10_000
const TYPES = ['settled', 'timer', 'signal', 'child', 'send', 'retry', 'lock', 'withdraw'] as const
const MOST_POSITION = 2 ** 31 - 1

/** Reads the entries of one call. Throws INVALID_OPTION, TOO_LARGE. */
export function readEntries(entries: readonly unknown[]): readonly RunEntry[] {
  checkArray('entries', entries as readonly object[])
  if (entries.length > MOST_ENTRIES)
    throw tooLarge('entries', `${MOST_ENTRIES} entries a call`, `${entries.length} entries`)
  return entries.map((entry) => readEntry(entry as Loose<RunEntry>))
}

/** Reads an answer to a question. Throws INVALID_OPTION, TOO_LARGE. */
export function readAnswer({ isBroken, value }: RunAnswer): RunAnswer {
  const text = checkText(value)
  if (isBroken === true && !isError(text)) throw notAnError(text)
  return { isBroken: isBroken === true, value: text }
}

/** What is said to be an entry, before it is known to be one. */
type Loose<Union> = { readonly [Key in Union extends unknown ? keyof Union : never]?: unknown }

function readEntry(entry: Loose<RunEntry>): RunEntry {
  const position = checkInteger('entries.position', entry.position, 0, MOST_POSITION)
  const place = { position, name: checkKey('entries.name', entry.name) }
  const type = checkOneOf('entries.type', entry.type, TYPES)
  switch (type) {
    case 'settled':
      return { ...place, type, ...readSettled(entry) }
    case 'timer': {
      const dueAt = checkMs('entries.dueAt', entry.dueAt ?? 0)
      return { ...place, type, delayMs: checkMs('entries.delayMs', entry.delayMs ?? 0), dueAt }
    }
    case 'signal':
      return { ...place, type, delayMs: checkMs('entries.delayMs', entry.delayMs ?? 0) }
    case 'child': {
      const spec = checkObject('entries.spec', entry.spec as Extract<RunEntry, { spec: unknown }>['spec'])
      return { ...place, type, spec, closes: entry.closes === true, awaits: entry.awaits === true }
    }
    case 'send': {
      const to = checkInteger('entries.to', entry.to, 1, Number.MAX_SAFE_INTEGER)
      const signal = checkKey('entries.signal', entry.signal)
      return { ...place, type, to, signal, value: checkText(entry.value) }
    }
    case 'retry': {
      const value = checkText(entry.value) ?? '{}'
      return { ...place, type, delayMs: checkMs('entries.delayMs', entry.delayMs ?? 0), value }
    }
    case 'lock':
      return { ...place, type }
    case 'withdraw':
      return {
        ...place,
        type,
        positions: checkIds('entries.positions', entry.positions ?? []),
        jobs: checkIds('entries.jobs', entry.jobs ?? []),
      }
  }
}

function readSettled({ kind, state, value, undo }: Loose<RunEntry>) {
  if (state !== DONE && state !== BROKEN) throw invalid('entries.state', 'done or broken', state)
  if (!Object.hasOwn(ENTRY_NAMES, kind as EntryKind))
    throw invalid('entries.kind', `one of ${Object.values(ENTRY_NAMES).join(', ')}`, kind)
  const text = checkText(value)
  if (state === BROKEN && !isError(text)) throw notAnError(text)
  return { kind: kind as EntryKind, state, value: text, undo: undo === true } as const
}

/** JSON text, or nothing. */
function checkText(value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw invalid('value', 'JSON text', value)
  if (value.length > MOST_VALUE)
    throw tooLarge('value', `${MOST_VALUE} characters of JSON`, `${value.length} characters`)
  parse(value)
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('value', 'JSON text', text)
  }
}

function isError(text: string | null): boolean {
  const value = text === null ? null : (parse(text) as { code?: unknown; message?: unknown } | null)
  return typeof value?.code === 'string' && typeof value.message === 'string'
}

function notAnError(text: string | null): PerdureError {
  return invalid('value', 'an error of code and message where it is broken', text)
}
