/**
 * The formal models as a program: `npm run spec`. What is modelled and shown: README.md.
 *
 * Exit codes: 0 all holds, 1 crash, 2 a defect was not caught, or something that has to happen did not, 3 an
 * invariant was violated, or model and core part, 64 a wrong option.
 */

import { Violation } from '../sim/violation.ts'
import { createMemoryStore } from '../src/store/memory/memory-store.ts'
import { judge, record } from './agree/record-jobs.ts'
import { type Replayed, replayJobs } from './agree/replay-jobs.ts'
import { ownershipTraces, replayOwnership } from './agree/replay-ownership.ts'
import { type Options, type PartName, readOptions, USAGE, WrongOption } from './options.ts'
import { MODEL_NAMES, simulateDefects, simulateSound } from './quint/models.ts'
import { SCENARIOS } from './search/scenarios.ts'
import { type Failure, search } from './search/search.ts'

const OK = 0
const BLIND = 2
const UNSAFE = 3

const RUN_PART: Readonly<Record<PartName, (options: Options) => Promise<number> | number>> = {
  simulate: runSimulations,
  defects: runDefects,
  replay: runReplays,
  record: runRecordings,
  search: runSearches,
}

async function runSimulations(options: Options): Promise<number> {
  let code = OK
  for (const model of MODEL_NAMES) {
    const started = performance.now()
    const { invariants, violated, unseen, commands } = await simulateSound(model, options)
    tell(
      `simulate ${model}: ${options.runs} runs of ${options.steps} steps; ${invariants.join(' ')}`,
      started,
    )
    if (violated.length > 0) {
      console.log(`${commands.join('\n')}\nviolated: ${violated.join(' ')}`)
      code = UNSAFE
    } else if (unseen.length > 0) {
      console.log(`  never happened: ${unseen.join(' ')}; give more --runs, or look at the model`)
      code = Math.max(code, BLIND)
    }
  }
  return code
}

async function runDefects(options: Options): Promise<number> {
  let code = OK
  for (const model of MODEL_NAMES) {
    const started = performance.now()
    const caught = await simulateDefects(model, options)
    const missed = [...caught].filter(([, count]) => count === 0).map(([name]) => name)
    tell(`defects ${model}: caught ${caught.size - missed.length} of ${caught.size}`, started)
    for (const [name, count] of caught) console.log(`  ${name}: in ${count} runs`)
    if (missed.length > 0) code = BLIND
  }
  return code
}

async function runReplays(options: Options): Promise<number> {
  const jobs = await timed('replay jobs', () => replayJobs('jobs_sound', options))
  const ownership = await timed('replay ownership', async () =>
    replayOwnership(await ownershipTraces(options), () => createMemoryStore()),
  )
  return jobs && ownership ? OK : UNSAFE
}

async function timed(title: string, replay: () => Promise<Replayed>): Promise<boolean> {
  const started = performance.now()
  const { traces, steps, parted } = await replay()
  tell(`${title}: ${traces} runs of the model, ${steps} steps`, started)
  if (parted !== undefined) console.log(parted)
  return parted === undefined
}

async function runRecordings({ runs, steps, seed }: Options): Promise<number> {
  const started = performance.now()
  const recordings = Array.from({ length: runs }, (_, i) => record(seed + i, steps))
  const refusal = await judge(recordings)
  tell(`record jobs: ${runs} runs of the core, ${runs * steps} steps`, started)
  if (refusal === undefined) return OK
  console.log(`run ${seed + refusal.recording}:\n${refusal.text}`)
  return UNSAFE
}

function runSearches({ scenarios, depth, seconds }: Options): number {
  for (const scenario of SCENARIOS) {
    if (!scenarios.includes(scenario.name)) continue
    const started = performance.now()
    const found = search(scenario, { depth, until: started + seconds * 1_000 })
    const reach = found.isComplete ? 'everything' : `all of depth ${found.depth}`
    tell(`search ${scenario.name}: ${reach}, ${found.states} states, ${found.moves} moves`, started)
    if (found.failure !== undefined) return tellFailure(found.failure)
  }
  return OK
}

function tellFailure({ error, way }: Failure): number {
  for (const name of way) console.log(`  ${name}`)
  if (!(error instanceof Violation)) throw error
  console.log(`${error.id}: ${error.statement}\nfound: ${error.message}`)
  return UNSAFE
}

function tell(what: string, started: number): void {
  console.log(`${what}; ${((performance.now() - started) / 1_000).toFixed(1)} s`)
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (options === undefined) {
    console.log(USAGE)
    return OK
  }
  let worst = OK
  for (const part of options.parts) worst = Math.max(worst, await RUN_PART[part](options))
  return worst
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof WrongOption)) throw error
  console.error(`${error.message}\n${USAGE}`)
  process.exitCode = 64
}
