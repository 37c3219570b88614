/**
 * Hunt: puts every mutant into the code, one at a time, and simulates seeds until an invariant finds it. One
 * that nobody finds means that a checker is missing.
 */
import type { Options } from '../program/options.ts'
import { Pool } from '../program/pool.ts'
import { type Failure, scenarioFor } from '../program/task.ts'
import { OF_RUNS } from '../swarm.ts'
import type { Mutant } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

/** Seeds that are tried for each mutant. */
const SEEDS_PER_MUTANT = 60
/** Callers do this much in the worlds of a hunt: short worlds, and more of them. */
const OPERATIONS = 120

/** How a hunt went. */
interface Catch {
  readonly mutant: Mutant
  readonly failure: Failure | undefined
  readonly seeds: number
  readonly ms: number
}

/** Hunts all mutants, or the one that the options name. Answers the exit code. */
export async function hunt({ mutant: name, jobs }: Options): Promise<number> {
  const mutants = MUTANTS.filter((mutant) => name === undefined || mutant.name === name)
  const catches: Catch[] = []
  const waiting = [...mutants]
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift())
      catches.push(await huntOne(mutant))
  }
  await Promise.all(Array.from({ length: jobs }, work))
  catches.sort((a, b) => mutants.indexOf(a.mutant) - mutants.indexOf(b.mutant))
  console.log(`${'mutant'.padEnd(32)} found by  seeds  seconds`)
  for (const one of catches) console.log(row(one))
  const survivors = catches.filter((one) => !isExpected(one))
  console.log(`\n${catches.length - survivors.length} of ${catches.length} mutants found`)
  for (const { mutant, failure } of survivors) {
    const how = failure === undefined ? 'survives' : `is found by ${failure.id} instead: ${failure.found}`
    console.log(
      `${mutant.name} ${how}\n  ${mutant.recreates}\n  expected: ${mutant.caughtBy.join(' or ')}; ` +
        `look: npm run sim -- --mutants --mutant ${mutant.name}`,
    )
  }
  return survivors.length === 0 ? 0 : 3
}

async function huntOne(mutant: Mutant): Promise<Catch> {
  const started = performance.now()
  const pool = new Pool(1, mutant.name)
  const having = mutant.needs ?? []
  // much goes on in worlds with workflows that has nothing to do with other defects
  const without = ['workflows', ...OF_RUNS].filter((feature) => !having.includes(feature))
  let failure: Failure | undefined
  let seeds = 0
  try {
    while (failure === undefined && seeds < SEEDS_PER_MUTANT) {
      const changes = { without, having, operations: OPERATIONS }
      failure = (await pool.run(scenarioFor((mutant.from ?? 1) + seeds++, changes))).failure
    }
  } finally {
    pool.close()
  }
  return { mutant, failure, seeds, ms: performance.now() - started }
}

function isExpected({ mutant, failure }: Catch): boolean {
  return failure !== undefined && mutant.caughtBy.includes(failure.id)
}

function row({ mutant, failure, seeds, ms }: Catch): string {
  const by = failure === undefined ? 'NOBODY' : failure.id
  return `${mutant.name.padEnd(32)} ${by.padEnd(8)}  ${String(seeds).padStart(5)}  ${(ms / 1_000).toFixed(1).padStart(7)}`
}
