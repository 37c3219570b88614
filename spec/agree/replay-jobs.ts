/**
 * Model against core: random runs of the model, replayed command by command against the real core. After each one
 * the states have to be the same.
 */
import { type TraceState, traces } from '../quint/quint.ts'
import { toQuint } from '../quint/values.ts'
import { differences } from './differences.ts'
import { execute, firstWorld, type ModelCommand, NotAllowed, shardOf } from './jobs.ts'

/** What became of a replay. */
export interface Replayed {
  readonly traces: number
  readonly steps: number
  /** Where model and core parted, with the commands up to there; undefined where they never did. */
  readonly parted: string | undefined
}

/** Replays runs of a module of models/jobs.qnt, until one parts. */
export async function replayJobs(
  module: string,
  params: { readonly runs: number; readonly steps: number; readonly seed: number },
): Promise<Replayed> {
  const all = await traces({ model: 'jobs', module, ...params })
  let steps = 0
  for (const trace of all) {
    steps += trace.length - 1
    const parted = replay(trace)
    if (parted !== undefined) return { traces: all.length, steps, parted }
  }
  return { traces: all.length, steps, parted: undefined }
}

function replay(trace: readonly TraceState[]): string | undefined {
  let world = firstWorld()
  const given: string[] = []
  for (const state of trace) {
    const command = state.last as ModelCommand
    given.push(toQuint(command))
    try {
      world = execute(world, command)
    } catch (error) {
      if (!(error instanceof NotAllowed)) throw error
      return `${given.join('\n')}\nthe core does not allow it: ${error.message}`
    }
    const found = differences(state.shard, shardOf(world))
    if (found.length > 0)
      return `${given.join('\n')}\nmodel (expected) and core (found) differ:\n${found.join('\n')}`
  }
  return undefined
}
