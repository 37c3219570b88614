/**
 * Replays: the code of a workflow over a journal that is on record, without doing anything.
 *
 * Owns: what the code asks for beside what was recorded, and how they differ. Nothing is called, written or waited for: a
 * replay ends where the record ends.
 */
import { ENTRY_NAMES, type EntryKind, type JournalRow } from '../core/model/journal.ts'
import { PerdureError } from '../errors.ts'
import { NEVER } from './pending.ts'
import type { RunEnd, RunPort } from './port.ts'
import { FlowRun } from './run.ts'
import { DEFAULT_RULES } from './step-options.ts'
import type { StepRequest } from './steps.ts'
import { passesMade } from './turns.ts'

/** Something that the code asked for. Its place in the list is its position. */
export interface Asked {
  readonly kind: EntryKind
  readonly name: string
}

/** How a replay ended. */
export type Replayed =
  /** The code took the way that is on record, and ended or waits as it did. */
  | { readonly type: 'fits'; readonly end: RunEnd; readonly asked: readonly Asked[] }
  /** The code took the way that is on record, and then asks for what it would do next. */
  | { readonly type: 'goes-on'; readonly next: readonly Asked[]; readonly asked: readonly Asked[] }
  /** The code asks for something else. */
  | { readonly type: 'differs'; readonly error: PerdureError; readonly asked: readonly Asked[] }

/** The longest that code may take between two things that it asks for, ms: then it counts as not getting there. */
const PATIENCE_MS = 1_000

/**
 * Runs code over rows of a journal.
 *
 * @param program gets the run, of which it makes a flow.
 * @param child makes the spec of a child; what it rejects is what the code would get.
 */
export async function replayRows(
  rows: readonly JournalRow[],
  program: (run: FlowRun) => unknown,
  child: RunPort['child'] = () => ({}),
  job: number = rows[0]?.run ?? 0,
): Promise<Replayed> {
  const stop = new AbortController()
  const run = new ReplayedRun(job, program)
  const port = portOf(rows, run, child, stop.signal)
  const worked = run.work(port, false)
  const ended = await Promise.race([worked, run.whenBeyond])
  stop.abort('lease-lost')
  const { asked, beyond } = run
  if (ended?.type === 'paused' && ended.error instanceof PerdureError)
    return { type: 'differs', error: ended.error, asked }
  if (ended === undefined || beyond.length > 0) return { type: 'goes-on', next: beyond, asked }
  return { type: 'fits', end: ended, asked }
}

/** A run that notes what its code asks for, and calls none of its steps. */
class ReplayedRun extends FlowRun {
  readonly asked: Asked[] = []
  readonly beyond: Asked[] = []
  /** Resolves when the code has asked for all that it asks for behind the record. */
  readonly whenBeyond: Promise<undefined>
  readonly #tellBeyond: () => void

  constructor(job: number, program: (run: FlowRun) => unknown) {
    super(job, program)
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.whenBeyond = promise
    this.#tellBeyond = () => resolve(undefined)
  }

  override step(name: string, request: StepRequest): Promise<unknown> {
    const position = this.asked.length
    const fn = () => {
      this.goBeyond(this.asked[position] as Asked)
      return NEVER
    }
    return super.step(name, { ...request, rules: DEFAULT_RULES, fn })
  }

  protected override noteAsked(kind: EntryKind, name: string): void {
    this.asked.push({ kind, name })
  }

  /** Notes what is not on record. */
  goBeyond(asked: Asked): void {
    this.beyond.push(asked)
    if (this.beyond.length === 1) void this.#settle()
  }

  /** What is on record may still come: it is waited for, since it may show that the code differs. */
  async #settle(): Promise<void> {
    for (let calm = 0, seen = passesMade(); calm < 3; ) {
      await new Promise((resolve) => setImmediate(resolve))
      calm = seen === passesMade() ? calm + 1 : 0
      seen = passesMade()
    }
    this.#tellBeyond()
  }
}

function portOf(
  rows: readonly JournalRow[],
  run: ReplayedRun,
  child: RunPort['child'],
  signal: AbortSignal,
): RunPort {
  const last = rows.at(-1)
  return {
    read: async (from) => {
      return {
        rows: rows.filter((row) => row.sequence >= from),
        next: (last?.sequence ?? -1) + 1,
        isEnd: true,
        origin: 0,
      }
    },
    record: async (_, entries) => {
      for (const { position } of entries) {
        const asked = run.asked[position]
        if (asked !== undefined) run.goBeyond(asked)
      }
      return []
    },
    child,
    after: (ms, act) => {
      const timer = setTimeout(act, Math.min(ms, PATIENCE_MS))
      return () => clearTimeout(timer)
    },
    now: () => last?.at ?? 0,
    attempt: 1,
    progress: () => {},
    signal,
  }
}

/** Lines of a diff are shown from so many positions before the first that differs, and behind it. */
const AROUND = 3

/**
 * What was recorded beside what the code asked for, around the first difference: lines that begin with two spaces for what
 * is the same, `-` for what was recorded and `+` for what the code asks for.
 */
export function diffOf(rows: readonly JournalRow[], asked: readonly Asked[]): string[] {
  const recorded = new Map<number, Asked>()
  for (const row of rows) {
    if (row.position >= 0 && !recorded.has(row.position)) recorded.set(row.position, row)
  }
  const length = Math.max(asked.length, ...[...recorded.keys()].map((position) => position + 1))
  const at = Array.from({ length }, (_, position) => position)
  const isSame = (position: number): boolean => {
    const [left, right] = [recorded.get(position), asked[position]]
    return left?.kind === right?.kind && left?.name === right?.name
  }
  const first = at.find((position) => !isSame(position)) ?? length
  const lines: string[] = []
  for (const position of at.slice(Math.max(0, first - AROUND), first + AROUND)) {
    const [left, right] = [recorded.get(position), asked[position]]
    if (isSame(position)) lines.push(`  ${position}  ${shown(left)}`)
    else {
      if (left !== undefined) lines.push(`- ${position}  ${shown(left)}`)
      if (right !== undefined) lines.push(`+ ${position}  ${shown(right)}`)
    }
  }
  return lines
}

function shown(asked: Asked | undefined): string {
  return asked === undefined ? '' : `${ENTRY_NAMES[asked.kind]} ${asked.name}`.trimEnd()
}
