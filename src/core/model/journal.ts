/**
 * The journal: the ordered, append-only record of what a workflow run did, and the row that says what it waits for.
 *
 * Owns: the shapes and their stored numbers. Every row has a sequence number, and the sequence is the order in which
 * promises settle on replay. What is done at once (a step) is one row; what has to be waited for is two: one in which
 * it opens, and one, later, in which it settles. Both carry the position that the code of the run gave it.
 */

/** A local step; written with its result. Opens only where it is to be tried again later, with a {@link Retry}. */
export const STEP = 1
/** A sleep. Opens with the moment in which it ends. */
export const TIMER = 2
/** A wait for a signal. Opens with its deadline or nothing, settles with the value of the signal. */
export const SIGNAL = 3
/** A job that the run made. Opens with its id, settles with its end. */
export const CHILD = 4
/** A signal to another run; written with what became of it. */
export const SEND = 5
/** Somebody asked for the run to be cancelled: what waits is told so. Has no position. */
export const CANCEL = 6
/** A decision of the code about its own version. */
export const MARK = 7
/** Things that are waited for no more: the losers of a race, or a lock that is given back. Lists what they were. */
export const WITHDRAW = 8
/** A wait for a lock. Opens with the ticket of it, or with nothing where the run was restarted and has to get it again. */
export const LOCK = 9
/** What an update came to; named after the update and the id of the call. */
export const UPDATE = 10
/** A value of a stream out of the run; named after the stream. */
export const STREAM = 11

/** What a journal row records. */
export type EntryKind = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11

/** Opened: it settles with a later row of the same position. */
export const OPEN = 0
/** Settled well; the value is its result. */
export const DONE = 1
/** Settled badly; the value is an ErrorRecord. */
export const BROKEN = 2

/** Where a journal row leaves its position. */
export type EntryState = 0 | 1 | 2

/** The names of kinds, as messages and histories show them. */
export const ENTRY_NAMES: Readonly<Record<EntryKind, string>> = {
  [STEP]: 'step',
  [TIMER]: 'sleep',
  [SIGNAL]: 'signal',
  [CHILD]: 'child',
  [SEND]: 'send',
  [CANCEL]: 'cancel',
  [MARK]: 'version',
  [WITHDRAW]: 'withdraw',
  [LOCK]: 'lock',
  [UPDATE]: 'update',
  [STREAM]: 'stream',
}

/** The names of states, each at its number. */
export const ENTRY_STATES = ['open', 'done', 'broken'] as const

const KINDS: ReadonlyMap<string, EntryKind> = new Map(
  Object.entries(ENTRY_NAMES).map(([kind, name]) => [name, Number(kind) as EntryKind]),
)

/** The kind of a name; undefined for one that is not known. */
export function entryKindOf(name: string): EntryKind | undefined {
  return KINDS.get(name)
}

/** The state of a name; undefined for one that is not known. */
export function entryStateOf(name: string): EntryState | undefined {
  const state = (ENTRY_STATES as readonly string[]).indexOf(name)
  return state < 0 ? undefined : (state as EntryState)
}

/** The signal by which updates come to a run. Callers cannot name it. */
export const UPDATES = '!update'

/** An update on its way to its run: the value of that signal. */
export interface UpdateRequest {
  /** Of the call; the same again is the same update. */
  readonly id: string
  readonly name: string
  readonly input?: unknown
}

/** What the row is called in which an update is answered. */
export function updateName({ id, name }: Pick<UpdateRequest, 'id' | 'name'>): string {
  return `${name} ${id}`
}

/** What the row is called that says how a job ended which a run waits for. No kind is called so. */
export function childName(job: number | string): string {
  return `#${job}`
}

/** Whether a row of the kind `child` says how a job ended, rather than how its making went. */
export function isChildName(name: string): boolean {
  return name.startsWith('#')
}

/** One row of a journal. */
export interface JournalRow {
  readonly run: number
  /** From 0 within the run, without gaps but for what a restart takes out; goes on over a continue-as-new. */
  readonly sequence: number
  /** The how-manieth thing the code asked for, from 0; -1 for what it did not ask for. */
  readonly position: number
  readonly kind: EntryKind
  readonly state: EntryState
  /** What the code called it; empty in a row that settles an earlier one. */
  readonly name: string
  /** JSON text. */
  readonly value: string | null
  /** Epoch ms. */
  readonly at: number
  /** The value is the large result of this job, which the store copies; 0 for none. */
  readonly copyOf: number
}

/** A row of a journal in words: as histories show it, and imports take it. */
export interface SpelledRow {
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

/** A row in words. */
export function spellRow(row: JournalRow): SpelledRow {
  return rowInWords(row, row.value === null ? {} : { value: JSON.parse(row.value) as unknown })
}

/** A row in words, with its value in whatever form it is to have. */
export function rowInWords<Value extends { readonly value?: unknown }>(
  { sequence, position, kind, state, name, at }: JournalRow,
  value: Value,
): Omit<SpelledRow, 'value'> & Value {
  return { sequence, position, kind: ENTRY_NAMES[kind], state: ENTRY_STATES[state], name, ...value, at }
}

/** The positions that a row lets go of. */
export function lostIn({ kind, value }: Pick<JournalRow, 'kind' | 'value'>): readonly number[] {
  return kind === WITHDRAW ? (JSON.parse(value as string) as number[]) : NONE
}

/** The positions of the locks that a run has at the end of a journal. */
export function heldLocks(
  rows: readonly Pick<JournalRow, 'position' | 'kind' | 'state' | 'value'>[],
): ReadonlySet<number> {
  const asked = new Set<number>()
  const held = new Set<number>()
  for (const row of rows) {
    const { position, kind, state } = row
    if (kind === LOCK && state === OPEN) asked.add(position)
    else if (kind === LOCK && state === DONE && asked.has(position)) held.add(position)
    for (const lost of lostIn(row)) held.delete(lost)
  }
  return held
}

/** Part of a run's journal, in order. */
export interface JournalPage {
  readonly rows: readonly JournalRow[]
  /** The sequence number behind the last of them. */
  readonly next: number
  /** Nothing was behind them when they were read. */
  readonly isEnd: boolean
  /** The sequence number at which the run began, or began anew. */
  readonly origin: number
}

/** Something that a run waits for and that the shard itself settles. */
export interface Wait {
  readonly position: number
  readonly kind: typeof TIMER | typeof SIGNAL
  /** Epoch ms; 0 for never. */
  readonly dueAt: number
  /** Of the signal. */
  readonly name: string
}

/** How a step stands that is to be tried again: the value of the row in which it opens. */
export interface Retry {
  /** When, epoch ms. */
  readonly dueAt: number
  /** Tries so far. */
  readonly tries: number
  /** When the first of them began, epoch ms. */
  readonly since: number
  /** How the last of them failed: an ErrorRecord. */
  readonly error: unknown
}

/** A signal that came before anybody waited for it. */
export interface KeptSignal {
  readonly name: string
  readonly value: string | null
}

/** What a shard knows of a workflow run beside its job row. A run that never waited for anything has none stored. */
export interface RunRow {
  readonly job: number
  /** The next sequence number. Not stored, since the journal and the start tell it. */
  readonly length: number
  /** Numbers below this one are not given again, though some of their rows are gone: the run began anew, or was restarted, which leaves one out. */
  readonly start: number
  /** The sequence number at which it began, or began anew: what it does from there on is told from what it did before. */
  readonly origin: number
  /** JSON array of {@link Wait}, in order of positions; null for none. */
  readonly waits: string | null
  /** JSON array of {@link KeptSignal}, first come first; null for none. */
  readonly inbox: string | null
  /** How often something settled that the run's worker did not write itself. In memory only. */
  readonly news: number
}

/** The row of a run of which nothing is known yet. */
export function blankRun(job: number): RunRow {
  return { job, length: 0, start: 0, origin: 0, waits: null, inbox: null, news: 0 }
}

/** What the run waits for. */
export function waitsOf(run: RunRow): readonly Wait[] {
  return run.waits === null ? NONE : (JSON.parse(run.waits) as Wait[])
}

/** Signals that were kept. */
export function inboxOf(run: RunRow): readonly KeptSignal[] {
  return run.inbox === null ? NONE : (JSON.parse(run.inbox) as KeptSignal[])
}

/** A list as it stands in a row. */
export function listText(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list)
}

const NONE: readonly never[] = []
