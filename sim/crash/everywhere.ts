/**
 * Everywhere: a short script with every command in it, and the owner dies at operation 0, 1, 2, ... of its store;
 * then at pairs of operations. Each time all invariants must hold, and all jobs come to an end.
 */
import type { Options } from '../program/options.ts'
import { Pool } from '../program/pool.ts'
import { tellFailure } from '../program/report.ts'
import { EXIT_CODES, type Outcome, runTask } from '../program/task.ts'
import type { Cut, Scenario } from '../scenario.ts'
import type { Swarm } from '../swarm.ts'

const MOMENTS = ['before', 'after'] as const
const STORES = ['file', 'network'] as const

/** What is crashed. */
export interface Sweep {
  /** Of the pairs of operations, each which is a multiple of this one; 1 for all. */
  readonly every: number
  readonly run: (scenario: Scenario) => Promise<Outcome>
  /** How many run at once; one process runs one at a time. */
  readonly jobs: number
}

/** How a sweep went. */
export interface Swept {
  /** Operations of the store, without a crash. */
  readonly operations: number
  readonly runs: number
  readonly commands: Readonly<Record<string, number>>
  readonly failed: Outcome | undefined
}

/** The script over a store, with deaths. */
function everything(store: Swarm['store'], cuts: readonly Cut[]): Scenario {
  const swarm: Swarm = {
    seed: 1,
    store,
    faults: [],
    features: ['output', 'smallMemory', 'requests', 'workflows'],
    workers: 2,
    slots: 2,
    clients: 2,
    operations: 0,
    durationMs: 4_000,
    faultEveryMs: 4_000,
    commitMs: 5,
    networkMs: 5,
    workMs: 100,
    heartbeatMs: 1_000,
    attempts: 3,
    backoffMs: 200,
    retentionMs: 0,
    limitMax: 2,
    head: 4,
  }
  return { swarm, operations: [], happenings: [], endMs: swarm.durationMs, script: 'everything', cuts }
}

/** Crashes a store at each of its operations, then at pairs; stops at the first failure. */
export async function sweep(store: Swarm['store'], { every, run, jobs }: Sweep): Promise<Swept> {
  const calm = await run(everything(store, []))
  const { storeOperations: operations, commands } = calm
  let failed = calm.failure === undefined ? undefined : calm
  let runs = 1
  const plans = [...singles(operations), ...pairs(operations, every)]
  const work = async (): Promise<void> => {
    for (let cuts = plans.shift(); cuts !== undefined && failed === undefined; cuts = plans.shift()) {
      const outcome = await run(everything(store, cuts))
      runs++
      if (outcome.failure !== undefined) failed ??= outcome
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  return { operations, runs, commands, failed }
}

function singles(operations: number): Cut[][] {
  return Array.from({ length: operations }, (_, at) => MOMENTS.map((moment): Cut[] => [[at, moment]])).flat()
}

/** Pairs of operations; the moments change with them. */
function pairs(operations: number, every: number): Cut[][] {
  const plans: Cut[][] = []
  let number = 0
  for (let first = 0; first < operations; first++) {
    for (let second = first + 1; second < operations; second++) {
      if (number++ % every !== 0) continue
      plans.push([
        [first, MOMENTS[(first + second) % 2] as Cut[1]],
        [second, MOMENTS[(first + Math.floor(second / 2)) % 2] as Cut[1]],
      ])
    }
  }
  return plans
}

/** `--crash-everywhere`. Answers the exit code. */
export async function crashEverywhere({ jobs, mutant, cuts, isTraced }: Options): Promise<number> {
  if (cuts !== undefined) {
    const onLine = isTraced ? (line: string) => console.log(line) : undefined
    const { failure } = await runTask(everything(cuts.store, cuts.at), { onLine })
    console.log(failure === undefined ? 'clean' : tellFailure(failure))
    return failure === undefined ? 0 : EXIT_CODES[failure.kind]
  }
  const pool = new Pool(jobs, mutant)
  try {
    for (const store of STORES) {
      const started = performance.now()
      const { operations, runs, failed } = await sweep(store, {
        every: 1,
        jobs,
        run: (scenario) => pool.run(scenario),
      })
      if (failed?.failure !== undefined) {
        const at = (failed.failure.scenario.cuts ?? []).map(([operation, moment]) => `${operation}${moment}`)
        console.log(tellFailure(failed.failure))
        console.log(`replay: npm run sim -- --crash-everywhere --cut ${store}:${at.join(',')}`)
        return EXIT_CODES[failed.failure.kind]
      }
      const seconds = ((performance.now() - started) / 1_000).toFixed(1)
      console.log(`clean: ${store} store, ${operations} operations, ${runs} runs in ${seconds} s`)
    }
    return 0
  } finally {
    pool.close()
  }
}
