/**
 * Task: one scenario to run, and what became of it, as plain data that can go to another process and back.
 */
import { Random } from '../random.ts'
import { kindOf, type RunOptions, type RunResult, runScenario } from '../run.ts'
import { type Scenario, scenarioOf } from '../scenario.ts'
import { drawSwarm, isFault, isFeature } from '../swarm.ts'
import { looks, Violation } from '../violation.ts'

/** Exit codes of the program by kind of failure. */
export const EXIT_CODES = { crash: 1, liveness: 2, safety: 3 } as const

/** What to change about what seeds draw. */
export interface Changes {
  /** Faults and features to leave out. */
  readonly without: readonly string[]
  /** Faults and features to have in any case. */
  readonly having: readonly string[]
  readonly operations: number | undefined
}

/** A run that went wrong. */
export interface Failure {
  readonly kind: 'crash' | 'liveness' | 'safety'
  /** Id of the invariant; CRASH where the engine failed on its own account. */
  readonly id: string
  readonly statement: string
  readonly found: string
  readonly stack: string
  readonly atMs: number
  readonly scenario: Scenario
  /** The latest lines of the trace. */
  readonly tail: readonly string[]
}

/** What became of a scenario. */
export interface Outcome {
  readonly seed: number
  readonly digest: string
  readonly hours: number
  readonly events: number
  readonly commits: number
  readonly storeOperations: number
  readonly commands: Readonly<Record<string, number>>
  /** How often each invariant was looked at. */
  readonly looks: Readonly<Record<string, number>>
  readonly jobs: number
  readonly failure: Failure | undefined
}

/** What a seed simulates, with changes. */
export function scenarioFor(seed: number, { without, having, operations }: Changes): Scenario {
  const swarm = drawSwarm(seed, new Random(`${seed}/swarm`))
  const change = <T extends string>(drawn: readonly T[]): T[] =>
    drawn.filter((name) => !without.includes(name))
  return scenarioOf({
    ...swarm,
    store: having.includes('takeovers') ? 'network' : swarm.store,
    faults: change([...new Set([...swarm.faults, ...having.filter(isFault)])]),
    features: change([...new Set([...swarm.features, ...having.filter(isFeature)])]),
    operations: operations ?? swarm.operations,
  })
}

/** Runs a scenario. */
export async function runTask(scenario: Scenario, options?: RunOptions): Promise<Outcome> {
  const before: Record<string, number> = { ...looks }
  const result = await runScenario(scenario, options)
  const { digest, events, commits, storeOperations, commands, jobs } = result
  return {
    seed: scenario.swarm.seed,
    digest,
    hours: result.virtualMs / 3_600_000,
    events,
    commits,
    storeOperations,
    commands,
    looks: Object.fromEntries(Object.entries(looks).map(([id, count]) => [id, count - (before[id] ?? 0)])),
    jobs,
    failure: failureOf(result),
  }
}

function failureOf({ error, scenario, virtualMs, tail }: RunResult): Failure | undefined {
  if (error === undefined) return undefined
  const isKnown = error instanceof Violation
  return {
    kind: kindOf(error),
    id: isKnown ? error.id : 'CRASH',
    statement: isKnown ? error.statement : 'The engine never fails on its own account.',
    found: error.message,
    stack: error.stack ?? error.message,
    atMs: virtualMs,
    scenario,
    tail,
  }
}
