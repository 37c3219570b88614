/**
 * One verb over many jobs: kill, retry, rm, hold and release are each a few lines above this.
 *
 * Owns: how many are under way at once, what is printed for each, and the exit code of it all.
 */
import type { Client } from '../client/client.ts'
import type { ControlResult, ControlVerb } from '../client/types.ts'
import type { JobState } from '../core/model/states.ts'
import { PerdureError } from '../errors.ts'
import type { Context } from './context.ts'
import type { NamedId } from './parse/values.ts'
import { type FilterOptions, readSelection, selectIds } from './select.ts'

/** Calls under way at once: enough to fill group commits, few enough to stop soon after an error. */
const UNDER_WAY = 256

/** What is done, and how it is told. */
export interface ControlPlan {
  readonly verb: ControlVerb
  /** States that a filter without `--state` selects. */
  readonly states: readonly JobState[]
  /** The word behind the id in the text output. */
  tell(result: ControlResult): string
  /** Widens or orders the selection. */
  expand?(client: Client, ids: readonly NamedId[]): Promise<readonly NamedId[]>
}

/** Applies a plan to the selected jobs. Answers 0, or the exit code of what was refused. */
export async function controlJobs(
  context: Context,
  words: readonly string[],
  options: FilterOptions,
  plan: ControlPlan,
): Promise<number> {
  const selection = readSelection(words, options, plan.states)
  return context.withStore({ serves: false, creates: false }, async ({ client }) => {
    const selected = await selectIds(client, selection)
    const ids = (await plan.expand?.(client, selected)) ?? selected
    const exits = new Set<number>()
    for (let at = 0; at < ids.length; at += UNDER_WAY) {
      const group = ids.slice(at, at + UNDER_WAY)
      const results = await Promise.allSettled(group.map(({ id }) => client.control(id, plan.verb)))
      for (const [index, result] of results.entries()) {
        if (result.status === 'fulfilled') {
          const { value } = result
          context.out.data(value, `${value.id}\t${plan.tell(value)}\n`)
        } else if (!isGap(group[index], result.reason)) {
          exits.add(context.out.error(result.reason))
        }
      }
    }
    if (ids.length === 0) context.out.note('No job matches.')
    // One kind of refusal has its own exit code; of several kinds none is more true than the others.
    return exits.size === 1 ? ([...exits][0] ?? 1) : exits.size === 0 ? 0 : 1
  })
}

/** A range may have gaps, and a job that a filter found may have moved on meanwhile. */
function isGap(named: NamedId | undefined, reason: unknown): boolean {
  if (named?.isExact !== false || !(reason instanceof PerdureError)) return false
  return reason.code === 'NOT_FOUND' || reason.code === 'WRONG_STATE'
}
