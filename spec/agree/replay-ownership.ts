/**
 * Model against stores: random runs of models/ownership.qnt, replayed against the fence of a real store. Whenever the
 * model's node takes the shard, the store is opened anew; whenever a commit lands, the store is given one. It has to
 * take and to fence the same commits as the model does.
 *
 * The rest of the model, who believes to own and what callers are told, is the engine's and a coordinator's part.
 */
import { PerdureError } from '../../src/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { NO_CHANGES } from '../../src/store/testdata/no-changes.ts'
import type { Effort } from '../quint/models.ts'
import { type TraceState, traces } from '../quint/quint.ts'
import type { Variant } from '../quint/values.ts'
import type { Replayed } from './replay-jobs.ts'

interface ModelWorld {
  readonly store: { readonly epoch: number; readonly sequence: number }
}
interface ModelCommit {
  readonly epoch: number
  readonly sequence: number
}

/** Random runs of the model. */
export function ownershipTraces(effort: Effort): Promise<TraceState[][]> {
  return traces({ model: 'ownership', module: 'ownership_sound', ...effort })
}

/** Replays runs of the model, each against a new store, until one parts. */
export async function replayOwnership(
  runs: readonly TraceState[][],
  makeStore: () => Store,
): Promise<Replayed> {
  let steps = 0
  for (const run of runs) {
    const store = makeStore()
    const parted = await replay(run, store)
    await store.close()
    steps += run.length - 1
    if (parted !== undefined) return { traces: runs.length, steps, parted }
  }
  return { traces: runs.length, steps, parted: undefined }
}

async function replay(trace: readonly TraceState[], store: Store): Promise<string | undefined> {
  let sequence = 0
  for (const [at, { last, world }] of trace.entries()) {
    const { tag, value } = last as Variant
    const expected = (world as ModelWorld).store
    if (tag === 'Claim') {
      await store.close()
      const opening = await store.open()
      if (opening.epoch !== expected.epoch || opening.sequence !== expected.sequence) {
        return `step ${at}: opened at ${opening.epoch}/${opening.sequence}, the model at ${expected.epoch}/${expected.sequence}`
      }
    } else if (tag === 'Land') {
      const commit = value as ModelCommit
      const isTaken = await takes(store, commit)
      if (isTaken !== expected.sequence > sequence) {
        return `step ${at}: the store ${isTaken ? 'took' : 'fenced'} commit ${commit.epoch}/${commit.sequence}, the model did not`
      }
    }
    sequence = expected.sequence
  }
  return undefined
}

async function takes(store: Store, commit: ModelCommit): Promise<boolean> {
  try {
    await store.commit({ ...NO_CHANGES, ...commit })
    return true
  } catch (error) {
    if (error instanceof PerdureError && error.code === 'FENCED') return false
    throw error
  }
}
