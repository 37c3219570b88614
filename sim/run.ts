/**
 * Run: one scenario from its first event to the end. First a phase with faults, then everything heals, and what
 * is left to do must come to an end in bounded time.
 */
import { inspect } from 'node:util'
import { Random } from './random.ts'
import { drawScenario, type Scenario } from './scenario.ts'
import { hearViolations, Violation } from './violation.ts'
import { playEverything } from './workload/everything.ts'
import { scheduleFaults } from './world/faults.ts'
import { Scheduler } from './world/scheduler.ts'
import { seal } from './world/seal.ts'
import { World } from './world/world.ts'

/** How a scenario went. */
export interface RunResult {
  readonly scenario: Scenario
  /** Identity of the run: the hash of its trace. */
  readonly digest: string
  readonly virtualMs: number
  readonly events: number
  readonly commits: number
  /** Operations that the store was asked for. */
  readonly storeOperations: number
  /** How many commands of each type have landed. */
  readonly commands: Readonly<Record<string, number>>
  readonly jobs: number
  /** What went wrong; undefined when nothing did. */
  readonly error: Error | undefined
  /** The latest lines of the trace. */
  readonly tail: readonly string[]
}

/** What a run may be told. */
export interface RunOptions {
  /** Gets every line of the trace. */
  readonly onLine?: ((line: string) => void) | undefined
}

/** Simulates a scenario to its end; never rejects. */
export async function runScenario(scenario: Scenario, options: RunOptions = {}): Promise<RunResult> {
  const scheduler = new Scheduler()
  scheduler.onLine = options.onLine
  const world = new World(scenario, scheduler)
  const onRejection = (error: unknown): void => scheduler.fail(error)
  process.on('unhandledRejection', onRejection)
  hearViolations((violation) => scheduler.fail(violation))
  const open = seal(scheduler, new Random(`${scenario.swarm.seed}/ambient`))
  let error: Error | undefined
  try {
    await play(world, scenario, scheduler)
  } catch (thrown) {
    error = thrown instanceof Error ? thrown : new Error(inspect(thrown))
  } finally {
    open()
    hearViolations(() => {})
    // what a failed world still had to do, it does now, where nobody hears it
    await new Promise(setImmediate)
    process.off('unhandledRejection', onRejection)
  }
  return {
    scenario,
    digest: scheduler.digest(),
    virtualMs: scheduler.now,
    events: scheduler.events,
    commits: world.disk.sequence,
    storeOperations: world.disk.operations,
    commands: Object.fromEntries(world.landed),
    jobs: world.disk.tables.nextJobId - 1,
    error,
    tail: scheduler.tail(40),
  }
}

/** Draws and simulates a seed. */
export function runSeed(seed: number): Promise<RunResult> {
  return runScenario(drawScenario(seed))
}

async function play(world: World, scenario: Scenario, scheduler: Scheduler): Promise<void> {
  const { swarm, operations, happenings, endMs, script, cuts } = scenario
  world.disk.cuts = new Map(cuts)
  world.start()
  if (script !== undefined) playEverything(world, scheduler)
  for (const { number, at, caller: position } of operations) {
    const caller = world.callers[position % world.callers.length]
    scheduler.after(at, () => caller?.actor.run(() => caller.act(number)))
  }
  const { network, nodes, workers, callers } = world
  const names = callers.map(({ actor }) => actor.name)
  scheduleFaults({ scheduler, seed: swarm.seed, network, nodes, workers, callers: names }, happenings)
  await scheduler.run(endMs)
  world.heal()
  const end = scheduler.now + world.patienceMs
  // every worker lives, and every pause is over, by then
  await scheduler.run(scheduler.now + 4 * 60_000)
  let looked = 0
  await scheduler.run(end, () => ++looked % 50 === 0 && world.isAtRest())
  // answers that are under way arrive
  await scheduler.run(scheduler.now + 60_000)
  world.checkRest()
}

/** How a failure counts: the engine's own crash, something that never came, or something wrong that did. */
export function kindOf(error: Error): 'crash' | 'liveness' | 'safety' {
  if (!(error instanceof Violation) || error.id === 'CRASH') return 'crash'
  return error.id === 'L9' ? 'liveness' : 'safety'
}
