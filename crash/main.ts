/**
 * Real crashes as a program: `npm run crash`. What it takes and its exit codes are in options.ts.
 */
import { Stuck, Violation } from './findings.ts'
import { installStrace, lackOf } from './machine.ts'
import { type CrashOptions, HELP, readOptions } from './options.ts'
import { type Counts, runScenario } from './run.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios/all.ts'

/** How a scenario ended. */
interface Outcome {
  readonly name: string
  readonly result: 'clean' | 'skipped' | 'CRASH' | 'STUCK' | 'VIOLATION'
  readonly seconds: number
  readonly details: string
}

const EXIT_CODES = { clean: 0, skipped: 0, CRASH: 1, STUCK: 2, VIOLATION: 3 } as const

const write = (text: string): void => void process.stdout.write(`${text}\n`)

async function runOne(scenario: Scenario, options: CrashOptions): Promise<Outcome> {
  const { name, title, needs } = scenario
  write(`== ${name}: ${title}`)
  const lack = needs.map(lackOf).find((reason) => reason !== undefined)
  if (lack !== undefined) return { name, result: 'skipped', seconds: 0, details: lack }
  const start = performance.now()
  const secondsSoFar = (): number => (performance.now() - start) / 1_000
  try {
    const onRound = (number: number): void => write(`   round ${number}, ${secondsSoFar().toFixed(1)} s`)
    const counts = await runScenario(scenario, { ...options, onRound })
    return { name, result: 'clean', seconds: secondsSoFar(), details: describe(counts) }
  } catch (error) {
    const result = error instanceof Violation ? 'VIOLATION' : error instanceof Stuck ? 'STUCK' : 'CRASH'
    const { message, stack, round } = error as Error & { round?: number }
    write(`   ${result} in round ${round}: ${result === 'CRASH' ? stack : message}`)
    write(`   again: npm run crash -- --only ${name} --seed ${options.seed} --from ${round} --rounds 1`)
    return { name, result, seconds: secondsSoFar(), details: `round ${round}: ${message.split('\n')[0]}` }
  }
}

function describe(counts: Counts): string {
  return [...counts].map(([what, much]) => `${much} ${what}`).join(', ')
}

async function main(options: CrashOptions): Promise<number> {
  const chosen = SCENARIOS.filter(({ name }) => options.only.length === 0 || options.only.includes(name))
  write(`seed ${options.seed}, ${options.rounds} rounds each`)
  if (chosen.some(({ needs }) => needs.includes('strace')) && lackOf('strace') !== undefined) {
    write('strace is not here; trying to install it by apt-get')
    const problem = installStrace()
    if (problem !== undefined) write(problem)
  }
  const outcomes: Outcome[] = []
  for (const scenario of chosen) outcomes.push(await runOne(scenario, options))
  write('\nscenario     result         time  what')
  for (const { name, result, seconds, details } of outcomes) {
    const time = `${seconds.toFixed(1)} s`.padStart(8)
    write(`${name.padEnd(12)} ${result.padEnd(9)} ${time}  ${details}`.trimEnd())
  }
  return Math.max(...outcomes.map(({ result }) => EXIT_CODES[result]))
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) process.stdout.write(HELP)
  else process.exitCode = await main(options)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
  process.exitCode = 64
}
