/**
 * Replays of exported histories against the code of today.
 */
import { isDeepStrictEqual } from 'node:util'
import { ENTRY_NAMES } from '../core/model/journal.ts'
import { type ErrorRecord, errorRecord, type PerdureError, perdureError } from '../errors.ts'
import { Flow } from '../workflow/flow.ts'
import { type RunHistory, readRows } from '../workflow/history.ts'
import type { RunEnd } from '../workflow/port.ts'
import { diffOf, replayRows } from '../workflow/replay.ts'
import type { WorkflowDefinition } from './workflow.ts'

/** What a replay showed. */
export type Replay =
  /** The code does what is on record. */
  | {
      readonly fits: true
      /** How it ended: `succeeded`, `failed`, `suspended` where it waits, `goes-on` where it would do more than is on record. */
      readonly end: RunEnd['type'] | 'goes-on'
      /** What it gave, where it succeeded. */
      readonly result: unknown
      /** What it failed with. */
      readonly error: ErrorRecord | null
      /** What it would do next, such as `step charge`. */
      readonly next: readonly string[]
      /** Whether the run ended so as well, with the same result. True where it had not ended. */
      readonly isSameEnd: boolean
    }
  /** The code asks for something else. */
  | {
      readonly fits: false
      /** NON_DETERMINISM. */
      readonly error: PerdureError
      /** What was recorded (`-`) beside what the code asks for (`+`), around the first difference. */
      readonly diff: readonly string[]
    }

/**
 * Runs the code of a workflow over a history, as a worker would that takes the run up: nothing is called, written or
 * waited for.
 *
 * @throws INVALID_INPUT for a history of another kind, or one that cannot be read.
 */
export async function replayHistory(history: RunHistory, definition: WorkflowDefinition): Promise<Replay> {
  if (history.kind !== definition.kind) {
    throw perdureError('INVALID_INPUT', {
      expected: `a history of kind '${definition.kind}'`,
      found: `one of kind '${history.kind}'`,
      fix: 'Give the definition of that kind',
    })
  }
  const rows = readRows(history)
  const replayed = await replayRows(rows, (run) =>
    definition.code(new Flow(run, () => ({})), history.input as never),
  )
  switch (replayed.type) {
    case 'differs':
      return { fits: false, error: replayed.error, diff: diffOf(rows, replayed.asked) }
    case 'goes-on': {
      const next = replayed.next.map(({ kind, name }) => `${ENTRY_NAMES[kind]} ${name}`.trimEnd())
      const isSameEnd = !ENDS.has(history.state)
      return { fits: true, end: 'goes-on', result: undefined, error: null, next, isSameEnd }
    }
    case 'fits': {
      const { end } = replayed
      const result = end.type === 'succeeded' ? end.result : undefined
      const error = end.type === 'failed' ? errorRecord(end.error) : null
      const isSameEnd = !ENDS.has(history.state) || isSame(history, end)
      return { fits: true, end: end.type, result, error, next: [], isSameEnd }
    }
  }
}

const ENDS: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled'])

function isSame({ state, result }: RunHistory, end: RunEnd): boolean {
  if (end.type !== state) return false
  return end.type !== 'succeeded' || isDeepStrictEqual(asJson(end.result), asJson(result))
}

/** What is left of a value that was stored. */
function asJson(value: unknown): unknown {
  return value === undefined || value === null ? null : JSON.parse(JSON.stringify(value))
}
