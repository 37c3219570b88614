/**
 * Replays in tests: a change of a workflow is safe for the runs that are under way if it fits their histories.
 */
import { readFileSync } from 'node:fs'
import { type Replay, replayHistory } from '../app/replay.ts'
import type { WorkflowDefinition } from '../app/workflow.ts'
import { PerdureError } from '../errors.ts'
import { parseHistory, type RunHistory } from '../workflow/history.ts'

/** A replay in which the code did what is on record. */
export type FittingReplay = Extract<Replay, { readonly fits: true }>

/**
 * Runs the code of a workflow over the history of a run, without doing anything, and answers how that ended.
 *
 * @param history what `perdure show RUN --json` wrote: the file's path, or its content.
 * @throws NON_DETERMINISM, with a diff in its message, where the code asks for something else than is on record;
 *   INVALID_INPUT where the file is no history, or one of another kind.
 */
export async function replay(
  history: string | RunHistory,
  definition: WorkflowDefinition,
): Promise<FittingReplay> {
  const read = typeof history === 'string' ? parseHistory(readFileSync(history, 'utf8')) : history
  const replayed = await replayHistory(read, definition)
  if (replayed.fits) return replayed
  const { code, message, data } = replayed.error
  throw new PerdureError(code, `${message}\n\n${replayed.diff.join('\n')}\n`, { data })
}
