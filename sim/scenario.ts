/**
 * Scenario: one world and the tape of decisions that is played in it: what callers do and what happens to
 * machines, each with its moment. It is drawn from a seed; a shrunk one is written down.
 *
 * Every entry of the tape draws from a stream of its own, named by its number, so that taking one out leaves
 * the others as they were.
 */
import { Random } from './random.ts'
import { drawSwarm, type Fault, type Swarm } from './swarm.ts'

/** A caller does one thing, whatever its stream says. */
export interface Operation {
  readonly number: number
  /** Virtual ms. */
  readonly at: number
  /** Position of the caller. */
  readonly caller: number
}

/** A fault that happens to a machine at a moment. */
export interface Happening {
  readonly number: number
  readonly at: number
  readonly fault: Fault
}

export interface Scenario {
  readonly swarm: Swarm
  readonly operations: readonly Operation[]
  readonly happenings: readonly Happening[]
  /** When the faults end, virtual ms. */
  readonly endMs: number
  /** Callers do what a script says, besides. */
  readonly script?: 'everything'
  /** Deaths of an owner in the middle of operations of its store. */
  readonly cuts?: readonly Cut[]
}

/** A process dies at an operation of a store, by its number: before it took effect, or after it and unanswered. */
export type Cut = readonly [operation: number, moment: 'before' | 'after']

/** Faults that happen at moments of their own; the others strike what happens anyway. */
const TIMED_FAULTS: readonly Fault[] = [
  'partitions',
  'nodeCrashes',
  'nodeStops',
  'nodePauses',
  'workerCrashes',
  'workerPauses',
  'clockSteps',
  'clockDrift',
  'takeovers',
]

/** Draws what a seed simulates. */
export function drawScenario(seed: number): Scenario {
  return scenarioOf(drawSwarm(seed, new Random(`${seed}/swarm`)))
}

/** Draws the tape of a world. */
export function scenarioOf(swarm: Swarm): Scenario {
  const times = new Random(`${swarm.seed}/operations`)
  const operations = Array.from({ length: swarm.operations }, (_, number) => ({
    number,
    at: times.unit() * swarm.durationMs,
    caller: times.integer(0, swarm.clients - 1),
  }))
  const happenings = TIMED_FAULTS.filter((fault) => swarm.faults.includes(fault)).flatMap((fault) =>
    drawHappenings(swarm, fault),
  )
  return { swarm, operations, happenings, endMs: swarm.durationMs }
}

function drawHappenings({ seed, faultEveryMs, durationMs }: Swarm, fault: Fault): Happening[] {
  const times = new Random(`${seed}/${fault}`)
  const happenings: Happening[] = []
  for (let at = times.about(faultEveryMs); at < durationMs; at += times.about(faultEveryMs))
    happenings.push({ number: happenings.length, at, fault })
  return happenings
}
