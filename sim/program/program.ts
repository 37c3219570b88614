/**
 * Program: does what the options say, and answers the exit code.
 */
import type { Scenario } from '../scenario.ts'
import { shrink } from '../shrink.ts'
import { describeSwarm } from '../swarm.ts'
import { LookTable } from './looks.ts'
import type { Options } from './options.ts'
import { Pool } from './pool.ts'
import { REGRESSIONS, readRegression, saveRegression, tellFailure, tellShrunk } from './report.ts'
import { runSeeds, type Sum } from './seeds.ts'
import { EXIT_CODES, type Failure, runTask, scenarioFor } from './task.ts'

/** Does what the options say. */
export async function main(options: Options): Promise<number> {
  switch (options.what) {
    case 'seed':
      return one(scenarioFor(options.from, { ...options, having: [] }), options)
    case 'replay':
      return one(readRegression(options.file).scenario, options)
    case 'mutants': {
      const { hunt } = await import('../mutants/hunt.ts')
      return hunt(options)
    }
    case 'crash-everywhere': {
      const { crashEverywhere } = await import('../crash/everywhere.ts')
      return crashEverywhere(options)
    }
    default:
      return many(options)
  }
}

/** One scenario, in this process. */
async function one(scenario: Scenario, options: Options): Promise<number> {
  console.log(describeSwarm(scenario.swarm))
  const onLine = options.isTraced ? (line: string) => console.log(line) : undefined
  const { digest, failure, hours, events, commits, jobs } = await runTask(scenario, { onLine })
  console.log(`trace: ${digest}`)
  if (failure !== undefined) return fail(failure, options)
  console.log(
    `clean: ${hours.toFixed(1)} simulated hours, ${events} events, ${commits} commits, ${jobs} jobs`,
  )
  return 0
}

/** Many seeds, in processes of their own. */
async function many(options: Options): Promise<number> {
  const { from, to, minutes, jobs, mutant } = options
  const started = performance.now()
  const until = started + minutes * 60_000
  const pool = new Pool(jobs, mutant)
  const sumText = (sum: Sum): string => textOf(sum, performance.now() - started, jobs)
  let toldAt = started
  let isStopped = false
  const stop = (): void => {
    isStopped = true
    console.error('stopping, once the seeds that are under way have ended')
  }
  process.once('SIGINT', stop)
  const first = minutes > 0 ? Date.now() : from
  if (minutes > 0) console.error(`fresh seeds from ${first} on, for ${minutes} minutes; Ctrl-C ends it early`)
  try {
    const table = new LookTable()
    const { sum, failure } = await runSeeds({
      scenarioOf: (seed) => scenarioFor(seed, { ...options, having: [] }),
      run: async (scenario) => {
        const outcome = await pool.run(scenario)
        table.add(scenario.swarm.faults, outcome.looks)
        return outcome
      },
      first,
      isOver: (seed) => isStopped || (minutes > 0 ? performance.now() > until : seed > to),
      jobs,
      onSeed: (sum) => {
        if (performance.now() < toldAt + TELL_EVERY_MS) return
        toldAt = performance.now()
        console.error(`so far: ${sumText(sum)}`)
      },
    })
    if (failure !== undefined) {
      console.log(`found after ${sumText(sum)}`)
      return await fail(failure, options)
    }
    console.log(`clean: ${sumText(sum)}`)
    if (options.tells) console.log(table.tell())
    return 0
  } finally {
    process.off('SIGINT', stop)
    pool.close()
  }
}

/** How often those who wait hear how far it is. */
const TELL_EVERY_MS = 60_000

function textOf(sum: Sum, ms: number, jobs: number): string {
  const seconds = ms / 1_000
  const speed = ((sum.hours / seconds) * 60).toFixed(0)
  return (
    `${sum.seeds} seeds, ${sum.hours.toFixed(0)} simulated hours, ${sum.events} events, ${sum.commits} commits, ` +
    `${sum.jobs} jobs in ${seconds.toFixed(1)} s with ${jobs} processes (${speed} simulated hours a minute)`
  )
}

/** Tells of a failure, makes it small, and keeps it. */
async function fail(failure: Failure, options: Options): Promise<number> {
  const { mutant, shrinks, folder } = options
  console.log(tellFailure(failure))
  const { seed } = failure.scenario.swarm
  const withMutant = mutant === undefined ? '' : ` --mutant ${mutant}`
  let replay = `npm run sim -- --seed ${seed}${withMutant}${changesOf(options)}`
  if (options.what === 'replay') replay = `npm run sim -- --replay ${options.file}${withMutant}`
  // a world that never ends, or that took its process with it, cannot be tried again from here
  if (shrinks && options.what !== 'replay' && Number.isFinite(failure.atMs)) {
    const small = await shrink(failure, async (scenario) => (await runTask(scenario)).failure)
    console.log(tellShrunk(small))
    const keep = folder ?? (mutant === undefined ? REGRESSIONS : undefined)
    if (keep !== undefined)
      replay = `npm run sim -- --replay ${saveRegression(keep, small, mutant)}${withMutant}`
  }
  console.log(`seed: ${seed}\nreplay: ${replay}`)
  return EXIT_CODES[failure.kind]
}

function changesOf({ without, operations }: Options): string {
  const left = without.length === 0 ? '' : ` --without ${without.join(',')}`
  return operations === undefined ? left : `${left} --operations ${operations}`
}
