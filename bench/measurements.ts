/**
 * What is run to fill the rows: each measurement is one scenario with its sizes, for each system that takes part. One
 * measurement may give several rows their figures.
 */
import type { ScenarioName, Size } from './scenarios.ts'
import type { Goal } from './system.ts'
import { type Pace, type SystemName, systemEntry } from './systems.ts'
import { workflowMeasurements } from './workflows/measurements.ts'
import type { WorkflowScenarioName } from './workflows/scenarios.ts'

/** The durable peers. BullMQ without persistence takes part only where it is the bar. */
const PEERS: SystemName[] = ['graphile-worker', 'pg-boss', 'bullmq', 'bee-queue', 'plainjob']

export interface Measurement {
  scenario: ScenarioName | WorkflowScenarioName
  goal: Goal
  systems: SystemName[]
  /** The peers that --quick still runs. */
  quickPeers: SystemName[]
  /** Left out by --quick unless it is asked for by its row's id. */
  fullOnly?: boolean
  /** Rounds of a full run, of which the median counts; --quick runs one. */
  rounds: number
  size(pace: Pace, quick: boolean): Partial<Size>
  /** Jobs arrive at half of the rate that `endToEnd` has found for the same system in this run. */
  atHalfRate?: true
}

/** More jobs than any system runs in that time. */
const WARM: Partial<Size> = { warmup: 500_000, warmMs: 2_000 }

const throughputJobs = (pace: Pace, quick: boolean): Partial<Size> =>
  ({
    embedded: { jobs: 200_000, ...WARM },
    server: { jobs: quick ? 15_000 : 60_000, ...WARM },
    slow: { jobs: quick ? 2000 : 10_000, ...WARM },
  })[pace]

const everyone: SystemName[] = ['perdure', 'floor', ...PEERS]
/** Where rows of the node stand beside those of the embedded form. */
const withNode: SystemName[] = ['perdure', 'node', 'floor', ...PEERS]

function single(inFlight: number): Measurement {
  return {
    scenario: 'enqueueSingle',
    goal: 'throughput',
    systems: [...(inFlight === 64 ? withNode : everyone), 'bullmq-volatile'],
    quickPeers: inFlight === 64 ? ['bullmq-volatile'] : [],
    rounds: 3,
    size: (_pace, quick) => ({ inFlight, seconds: quick ? 0.7 : 2, ...WARM }),
  }
}

function backlog(count: number, fullOnly: boolean): Measurement {
  return {
    scenario: 'backlogRun',
    goal: 'throughput',
    systems: ['perdure'],
    quickPeers: [],
    fullOnly,
    rounds: 3,
    size: () => ({ backlog: count, jobs: 200_000 }),
  }
}

export const measurements = {
  endToEnd: {
    scenario: 'endToEnd',
    goal: 'throughput',
    systems: withNode,
    quickPeers: ['graphile-worker', 'bee-queue'],
    rounds: 3,
    size: throughputJobs,
  },
  bulk: {
    scenario: 'enqueueThenProcess',
    goal: 'throughput',
    systems: everyone,
    quickPeers: [],
    rounds: 3,
    size: (pace, quick) => {
      const size = throughputJobs(pace, quick)
      return { ...size, warmup: (size.jobs as number) / 20 }
    },
  },
  single1: single(1),
  single64: single(64),
  latencyIdle: {
    scenario: 'latencyIdle',
    goal: 'latency',
    systems: withNode,
    quickPeers: ['bee-queue'],
    rounds: 3,
    size: (_pace, quick) => ({ jobs: quick ? 300 : 1000, ...WARM }),
  },
  latencyHalf: {
    scenario: 'latencyUnderLoad',
    goal: 'throughput',
    systems: withNode,
    quickPeers: [],
    rounds: 3,
    size: (_pace, quick) => ({ seconds: quick ? 1.5 : 4, ...WARM }),
    atHalfRate: true,
  },
  due: {
    scenario: 'dueAtOnce',
    goal: 'throughput',
    systems: ['perdure', ...PEERS],
    quickPeers: ['graphile-worker'],
    rounds: 1,
    size: (pace, quick) => ({
      jobs: 100_000,
      ...WARM,
      leadMs: pace === 'server' ? (quick ? 10_000 : 20_000) : 6000,
    }),
  },
  graph: {
    scenario: 'graph',
    goal: 'throughput',
    systems: ['perdure', 'bullmq', 'pg-boss'],
    quickPeers: ['bullmq'],
    rounds: 3,
    size: () => ({ jobs: 10_000 }),
  },
  idle: {
    scenario: 'idle',
    goal: 'latency',
    systems: everyone,
    quickPeers: [],
    rounds: 1,
    size: (_pace, quick) => ({ seconds: quick ? 4 : 10 }),
  },
  crowd: {
    scenario: 'idleCrowd',
    goal: 'latency',
    systems: ['node'],
    quickPeers: [],
    rounds: 1,
    size: (_pace, quick) => ({ jobs: 5_000, seconds: quick ? 4 : 10 }),
  },
  backlog10k: backlog(10_000, true),
  backlog1m: backlog(1_000_000, true),
  backlog10m: backlog(10_000_000, true),
  ...workflowMeasurements,
} satisfies Record<string, Measurement>

export type MeasurementName = keyof typeof measurements

/** The measurement of a name, with the members that only some have. */
export const measurementOf = (name: MeasurementName): Measurement => measurements[name]

/** The systems of a measurement that this run includes. */
export function participants(name: MeasurementName, quick: boolean, peers: boolean): SystemName[] {
  const { systems, quickPeers } = measurementOf(name)
  return systems.filter((system) => {
    if (systemEntry(system).kind !== 'peer') return true
    return peers && (!quick || quickPeers.includes(system))
  })
}
