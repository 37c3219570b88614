/**
 * Swarm: what a seed simulates. Faults, features and numbers are drawn first and printed, since a world in
 * which everything happens at once tests less than many worlds in each of which some things do.
 */
import { RESIDENCY, type Residency } from '../src/engine/residency.ts'
import type { Random } from './random.ts'

/** Kinds of fault that a world may have. */
export const FAULTS = [
  'loss',
  'duplicates',
  'slowness',
  'partitions',
  'nodeCrashes',
  'nodeStops',
  'nodePauses',
  'workerCrashes',
  'workerPauses',
  'commitFailures',
  'lostAcks',
  'lateCommits',
  'clockSteps',
  'clockDrift',
  'takeovers',
] as const

export type Fault = (typeof FAULTS)[number]

/** Kinds of call and option that a workload may use. */
export const FEATURES = [
  'keys',
  'uniqueness',
  'requests',
  'delays',
  'longDelays',
  'priorities',
  'dependencies',
  'groups',
  'limits',
  'fairness',
  'metadata',
  'controls',
  'pausing',
  'imports',
  'retention',
  'timeouts',
  'largeValues',
  'output',
  'localWorkers',
  'malformed',
  'smallMemory',
  'placement',
  'workflows',
  'branches',
  'locks',
  'updates',
  'questions',
  'versions',
  'forks',
] as const

export type Feature = (typeof FEATURES)[number]

/** What only workflow runs do. */
export const OF_RUNS = ['branches', 'locks', 'updates', 'questions', 'versions', 'forks'] as const
/** Features that came when there were worlds already. */
const LATER = ['placement', 'workflows', ...OF_RUNS] as const

export const isFault = (name: string): name is Fault => (FAULTS as readonly string[]).includes(name)
export const isFeature = (name: string): name is Feature => (FEATURES as readonly string[]).includes(name)

/** What one seed simulates. */
export interface Swarm {
  readonly seed: number
  /** `file`: one process at a time. `network`: others may take over while an old owner still runs. */
  readonly store: 'file' | 'network'
  readonly faults: readonly Fault[]
  readonly features: readonly Feature[]
  readonly workers: number
  readonly slots: number
  readonly clients: number
  readonly operations: number
  /** Length of the phase with faults, virtual ms. */
  readonly durationMs: number
  /** Faults of a kind happen about this often, virtual ms. */
  readonly faultEveryMs: number
  readonly commitMs: number
  readonly networkMs: number
  readonly workMs: number
  readonly heartbeatMs: number
  readonly attempts: number
  readonly backoffMs: number
  readonly retentionMs: number
  readonly limitMax: number
  /** With `smallMemory`: entries of the head of a line; rows are kept in proportion. */
  readonly head: number
}

const HOUR_MS = 3_600_000

/** Draws what a seed simulates. */
export function drawSwarm(seed: number, random: Random): Swarm {
  const store = random.chance(0.5) ? 'file' : 'network'
  const share = random.pick([0, 0.2, 0.5, 0.8])
  const faults = FAULTS.filter(
    (fault) => random.chance(share) && (store === 'network' || fault !== 'takeovers'),
  )
  const used = random.pick([0.2, 0.5, 0.9])
  // drawn apart, so that the others are what they were before there were these
  const later: readonly Feature[] = LATER.filter((feature) => random.fork(feature).chance(used))
  const isOf = (group: readonly Feature[], feature: Feature): boolean => group.includes(feature)
  const isDrawn = (feature: Feature): boolean =>
    later.includes(feature) && (!isOf(OF_RUNS, feature) || later.includes('workflows'))
  const features = FEATURES.filter((feature) =>
    isOf(LATER, feature) ? isDrawn(feature) : random.chance(used),
  )
  // most worlds are short and busy; some are long, since some things go wrong only after much quiet
  const isLong = random.chance(0.25)
  const durationMs = isLong
    ? random.magnitude(6 * HOUR_MS, 48 * HOUR_MS)
    : random.magnitude(60_000, 2 * HOUR_MS)
  const drawn: Swarm = {
    seed,
    store,
    faults,
    features,
    workers: random.integer(1, 3),
    slots: random.integer(1, 6),
    clients: random.integer(1, 4),
    operations: random.magnitude(20, 250),
    durationMs,
    faultEveryMs: durationMs / random.integer(2, 8),
    commitMs: random.magnitude(1, 200),
    networkMs: random.magnitude(1, 500),
    workMs: random.magnitude(1, 60_000),
    // short terms make for many heartbeats, of which a long world has enough
    heartbeatMs: random.pick(isLong ? [5_000, 30_000] : [1_000, 5_000, 30_000]),
    attempts: random.integer(1, 6),
    backoffMs: random.magnitude(1, 60_000),
    retentionMs: random.magnitude(1_000, 3_600_000),
    limitMax: random.integer(1, 4),
    head: random.pick([4, 8, 32]),
  }
  if (!features.includes('workflows')) return drawn
  // a step of a run is under way for many heartbeats, and begins again with its lease: where most come too late it never ends
  return { ...drawn, heartbeatMs: Math.max(drawn.heartbeatMs, 20 * drawn.networkMs) }
}

/** How much engines keep in memory: seldom as much as they would. */
export function residencyOf({ features, head }: Swarm): Residency {
  if (!features.includes('smallMemory')) return RESIDENCY
  const low = Math.ceil(head / 3)
  return { jobs: head, others: 2 * head, lines: 8, head: { most: head, low, window: Math.ceil(head / 2) } }
}

/** One line that says what a seed simulates. */
export function describeSwarm(swarm: Swarm): string {
  const { faults, features, ...rest } = swarm
  const numbers = Object.entries(rest).map(([name, value]) => `${name}=${value}`)
  return `${numbers.join(' ')} faults=[${faults.join(' ')}] features=[${features.join(' ')}]`
}
