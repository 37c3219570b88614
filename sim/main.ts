/**
 * The simulator as a program: `npm run sim -- --seed N | --seeds A..B | --minutes N`.
 *
 * Exit codes: 0 all seeds are clean, 1 the engine crashed, 2 something never came to rest (liveness), 3 an
 * invariant was violated (safety), 64 a wrong option.
 */

import { Random } from './random.ts'
import { isLiveness, type RunResult, runSwarm } from './run.ts'
import { describeSwarm, drawSwarm, FAULTS, FEATURES, type Swarm } from './swarm.ts'
import { Violation } from './violation.ts'

const USAGE = `usage: npm run sim -- OPTIONS
  --seed N          simulate one seed, and print its configuration and the hash of its trace
  --seeds A..B      simulate the seeds from A to B
  --minutes N       simulate fresh seeds for N minutes
  --trace           print the trace while it runs
  --without NAMES   leave out these faults and features (comma separated)
  --operations N    make the workload shorter
Exit codes: 0 clean, 1 crash, 2 liveness, 3 safety, 64 wrong option.
faults: ${FAULTS.join(' ')}
features: ${FEATURES.join(' ')}`

interface Options {
  readonly from: number
  readonly to: number
  readonly minutes: number
  readonly isTraced: boolean
  readonly without: readonly string[]
  readonly operations: number | undefined
}

class WrongOption extends Error {}

function readOptions(args: readonly string[]): Options {
  const options = {
    from: 1,
    to: 100,
    minutes: 0,
    isTraced: false,
    without: [] as string[],
    operations: undefined as number | undefined,
  }
  let isGiven = false
  for (let i = 0; i < args.length; i++) {
    const name = args[i]
    if (name === '--trace') {
      options.isTraced = true
      continue
    }
    const value = args[++i]
    if (value === undefined) throw new WrongOption(`${name} needs a value, or is no option`)
    if (name === '--seed') options.from = options.to = readNumber(name, value)
    else if (name === '--seeds') {
      const parts = /^(\d+)\.\.(\d+)$/.exec(value)
      if (parts === null || Number(parts[1]) > Number(parts[2]))
        throw new WrongOption(`--seeds takes A..B with A <= B, found '${value}'`)
      options.from = readNumber(name, parts[1] as string)
      options.to = readNumber(name, parts[2] as string)
    } else if (name === '--minutes') options.minutes = readNumber(name, value)
    else if (name === '--operations') options.operations = readNumber(name, value)
    else if (name === '--without') options.without = readNames(value)
    else throw new WrongOption(`there is no option '${name}'`)
    isGiven = true
  }
  if (!isGiven) throw new WrongOption('no option was given')
  return options
}

function readNames(value: string): string[] {
  const names = value.split(',')
  const wrong = names.find((name) => ![...FAULTS, ...FEATURES].some((known) => known === name))
  if (wrong !== undefined) throw new WrongOption(`there is no fault or feature '${wrong}'`)
  return names
}

function readNumber(name: string, value: string): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number))
    throw new WrongOption(`${name} takes a whole number, found '${value}'`)
  return number
}

function swarmOf(seed: number, { without, operations }: Options): Swarm {
  const swarm = drawSwarm(seed, new Random(`${seed}/swarm`))
  return {
    ...swarm,
    faults: swarm.faults.filter((fault) => !without.includes(fault)),
    features: swarm.features.filter((feature) => !without.includes(feature)),
    operations: operations ?? swarm.operations,
  }
}

function report({ swarm, error, tail }: RunResult, args: readonly string[]): number {
  if (error === undefined) return 0
  console.log(describeSwarm(swarm))
  for (const line of tail) console.log(`  ${line}`)
  const isViolation = error instanceof Violation && error.id !== 'CRASH'
  if (error instanceof Violation) console.log(`\n${error.id}: ${error.statement}\nfound: ${error.message}`)
  if (!isViolation) console.log(`\ncrash: ${error.stack}`)
  const rest = args.filter(
    (_, i) => !['--seed', '--seeds', '--minutes'].some((name) => args[i] === name || args[i - 1] === name),
  )
  console.log(`seed: ${swarm.seed}\nreplay: npm run sim -- --seed ${swarm.seed} ${rest.join(' ')}`.trimEnd())
  return !isViolation ? 1 : isLiveness(error) ? 2 : 3
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  const started = performance.now()
  const first = options.minutes > 0 && !args.includes('--seeds') ? Date.now() : options.from
  const isOver = (seed: number): boolean =>
    options.minutes > 0 ? performance.now() - started > options.minutes * 60_000 : seed > options.to
  const sum = { seeds: 0, hours: 0, events: 0, commits: 0, jobs: 0 }
  for (let seed = first; !isOver(seed); seed++) {
    const swarm = swarmOf(seed, options)
    const isAlone = options.from === options.to && options.minutes === 0
    if (isAlone) console.log(describeSwarm(swarm))
    const result = await runSwarm(swarm, options.isTraced ? (line) => console.log(line) : undefined)
    sum.seeds++
    sum.hours += result.virtualMs / 3_600_000
    sum.events += result.events
    sum.commits += result.commits
    sum.jobs += result.jobs
    if (isAlone) console.log(`trace: ${result.digest}`)
    const code = report(result, args)
    if (code !== 0) return code
  }
  const seconds = (performance.now() - started) / 1_000
  const speed = ((sum.hours / seconds) * 60).toFixed(0)
  console.log(
    `clean: ${sum.seeds} seeds, ${sum.hours.toFixed(0)} simulated hours, ${sum.events} events, ${sum.commits} commits, ` +
      `${sum.jobs} jobs in ${seconds.toFixed(1)} s (${speed} simulated hours a minute)`,
  )
  return 0
}

// what is left of a world that has failed may fail again; the first failure is the one that is told
process.on('unhandledRejection', () => {})
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof WrongOption)) throw error
  console.error(`${error.message}\n${USAGE}`)
  process.exitCode = 64
}
