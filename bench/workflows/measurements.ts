/** What is run to fill the rows of workflows, as measurements.ts has it for jobs. */
import type { Measurement } from '../measurements.ts'
import type { SystemName } from '../systems.ts'

const PEERS: SystemName[] = ['restate', 'dbos', 'openworkflow']
const WITH_NODE: SystemName[] = ['perdure', 'node', ...PEERS]

export const workflowMeasurements = {
  flowSteps: {
    scenario: 'workflowSteps',
    goal: 'throughput',
    systems: WITH_NODE,
    quickPeers: ['restate'],
    rounds: 3,
    size: (_pace, quick) => ({ warmMs: quick ? 2500 : 4000, seconds: quick ? 2.5 : 5 }),
  },
  flowAlone: {
    scenario: 'workflowAlone',
    goal: 'latency',
    systems: ['perdure', ...PEERS],
    quickPeers: [],
    rounds: 3,
    // The slowest takes a second for each.
    size: (pace, quick) => ({
      jobs: pace === 'embedded' ? (quick ? 100 : 300) : quick ? 10 : 25,
      warmup: 1000,
      warmMs: 2000,
    }),
  },
  flowSignal: {
    scenario: 'workflowSignal',
    goal: 'latency',
    systems: ['perdure', ...PEERS],
    quickPeers: [],
    rounds: 3,
    size: (pace, quick) => ({
      jobs: pace === 'embedded' ? (quick ? 60 : 200) : quick ? 10 : 25,
      warmup: 1000,
      warmMs: 2000,
    }),
  },
  flowFanOut: {
    scenario: 'workflowFanOut',
    goal: 'throughput',
    // The others take longer than a measurement may.
    systems: ['perdure', 'restate'],
    quickPeers: [],
    rounds: 3,
    size: () => ({ jobs: 10_000 }),
  },
  flowSuspended: {
    scenario: 'workflowSuspended',
    goal: 'throughput',
    systems: ['node'],
    quickPeers: [],
    fullOnly: true,
    rounds: 1,
    size: () => ({ jobs: 100_000, inFlight: 1000 }),
  },
  flowRest: {
    scenario: 'workflowRest',
    goal: 'throughput',
    systems: ['node'],
    quickPeers: [],
    fullOnly: true,
    rounds: 1,
    size: () => ({ jobs: 100_000 }),
  },
  flowReplay: {
    scenario: 'workflowReplay',
    goal: 'latency',
    systems: ['perdure'],
    quickPeers: [],
    fullOnly: true,
    rounds: 1,
    size: (_pace, quick) => ({ jobs: 10_000, seconds: quick ? 5 : 15 }),
  },
} satisfies Record<string, Measurement>
