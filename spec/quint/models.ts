/**
 * The models: what each of them has to show, read from its own text, and the random simulation that shows it.
 *
 * A name that begins with an invariant's id is an invariant; `seen_` is something that has to happen; `caught_` is
 * a defect that the invariants have to catch.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MODELS, simulate } from './quint.ts'
import { toQuint } from './values.ts'

/** The models that are simulated. */
export const MODEL_NAMES = ['ownership', 'jobs'] as const
export type ModelName = (typeof MODEL_NAMES)[number]

/** How much to simulate. */
export interface Effort {
  readonly runs: number
  readonly steps: number
  readonly seed: number
}

/** What a simulation showed. */
export interface Shown {
  readonly invariants: readonly string[]
  readonly violated: readonly string[]
  /** What should have happened in some run, and did not. */
  readonly unseen: readonly string[]
  /** The commands of a run that violated something, else of some run. */
  readonly commands: readonly string[]
}

/** Simulates a model as it should be. */
export async function simulateSound(model: ModelName, effort: Effort): Promise<Shown> {
  const invariants = namesIn(model, /^ {2}val ([A-Z]\d+\w*) =/gm)
  const witnesses = namesIn(model, /^ {2}val (seen_\w+) =/gm)
  const { violated, witnessed, trace } = await simulate({
    model,
    module: `${model}_sound`,
    ...effort,
    invariants,
    witnesses,
  })
  const unseen = violated.length > 0 ? [] : witnesses.filter((name) => !witnessed.get(name))
  return { invariants, violated, unseen, commands: trace.map(({ last }) => toQuint(last)) }
}

/** Simulates a model with its defects; answers how often each was caught. One that was not is tried for again. */
export async function simulateDefects(
  model: ModelName,
  effort: Effort,
): Promise<ReadonlyMap<string, number>> {
  const caught = new Map(namesIn(model, /^ {2}val (caught_\w+) =/gm).map((name) => [name, 0]))
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const witnesses = [...caught].filter(([, count]) => count === 0).map(([name]) => name)
    if (witnesses.length === 0) break
    const params = { model, module: `${model}_broken`, ...effort, seed: effort.seed + round, witnesses }
    const { witnessed } = await simulate(params)
    for (const [name, count] of witnessed) caught.set(name, (caught.get(name) ?? 0) + count)
  }
  return caught
}

/** A defect shows in about one run of a hundred. */
const MOST_ROUNDS = 4

function namesIn(model: ModelName, pattern: RegExp): string[] {
  const text = readFileSync(join(MODELS, `${model}.qnt`), 'utf8')
  return [...text.matchAll(pattern)].map((match) => match[1] as string)
}
