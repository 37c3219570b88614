/** The rows of the table: ids, units, where each figure comes from, and the bars that Perdure is held to. */
import type { MeasurementName } from './measurements.ts'
import type { SystemName } from './systems.ts'

export type Unit = 'jobs/s' | 'ms' | 'MB' | 'x' | '% of a core'

/** One row as measured. Ratios say how many times better Perdure is, for times and rates alike. */
export interface RowResult {
  id: string
  value: number | null
  unit: Unit
  floor: number | null
  floorRatio: number | null
  peer: number | null
  peerName: string | null
  peerRatio: number | null
  better: 'higher' | 'lower'
  bar: string | null
  pass: boolean | null
  /** Every system's figure, the floor and Perdure included. */
  systems: Partial<Record<SystemName, number>>
}

/** What a bar may look at: this row, and Perdure's own figures in others. */
export interface BarInput {
  row: RowResult
  perdure(measurement: MeasurementName, figure: string): number | undefined
}

export interface RowDefinition {
  id: string
  what: string
  unit: Unit
  better: 'higher' | 'lower'
  measurement: MeasurementName
  figure: string
  /** Which Perdure the row is about. Default: the embedded one. */
  subject?: 'node'
  /** Perdure's figure is divided by its own figure in this measurement. */
  relativeTo?: MeasurementName
  bar?: { text: string; met(input: BarInput): boolean | undefined }
}

const atLeast = (value: number | null | undefined, bound: number): boolean | undefined =>
  value === null || value === undefined ? undefined : value >= bound

const under = (value: number | null | undefined, bound: number | null | undefined): boolean | undefined =>
  typeof value === 'number' && typeof bound === 'number' ? value < bound : undefined

/** True when all are true, false when one is false, undefined when one is unknown. */
function all(...parts: (boolean | undefined)[]): boolean | undefined {
  if (parts.includes(false)) return false
  return parts.includes(undefined) ? undefined : true
}

export const rows: RowDefinition[] = [
  {
    id: 'embedded.e2e',
    what: 'enqueued, run and durably finished, 200k jobs',
    unit: 'jobs/s',
    better: 'higher',
    measurement: 'endToEnd',
    figure: 'perSecond',
    bar: {
      text: '>= 0.5 of the floor and >= 3 x the best peer',
      met: ({ row }) => all(atLeast(row.floorRatio, 0.5), atLeast(row.peerRatio, 3)),
    },
  },
  {
    id: 'embedded.enqueue.bulk',
    what: 'bulk enqueue, no worker',
    unit: 'jobs/s',
    better: 'higher',
    measurement: 'bulk',
    figure: 'enqueuePerSecond',
    bar: { text: '>= 0.6 of the floor', met: ({ row }) => atLeast(row.floorRatio, 0.6) },
  },
  {
    id: 'embedded.enqueue.single.1',
    what: 'single enqueue, each awaited before the next',
    unit: 'jobs/s',
    better: 'higher',
    measurement: 'single1',
    figure: 'perSecond',
  },
  {
    id: 'embedded.enqueue.single.64',
    what: 'single enqueue, 64 awaited at once',
    unit: 'jobs/s',
    better: 'higher',
    measurement: 'single64',
    figure: 'perSecond',
    bar: {
      text: '>= BullMQ without persistence',
      met: ({ row }) => {
        const peer = row.systems['bullmq-volatile']
        return peer === undefined ? undefined : atLeast(row.value, peer)
      },
    },
  },
  {
    id: 'embedded.process',
    what: 'running a queue that is already full',
    unit: 'jobs/s',
    better: 'higher',
    measurement: 'bulk',
    figure: 'processPerSecond',
  },
  {
    id: 'embedded.latency.idle.p50',
    what: 'enqueue to start on an idle system, median',
    unit: 'ms',
    better: 'lower',
    measurement: 'latencyIdle',
    figure: 'p50',
    bar: { text: '< 1 ms', met: ({ row }) => under(row.value, 1) },
  },
  {
    id: 'embedded.latency.idle.p99',
    what: 'enqueue to start on an idle system, 99th percentile',
    unit: 'ms',
    better: 'lower',
    measurement: 'latencyIdle',
    figure: 'p99',
    bar: { text: '< the best peer', met: ({ row }) => under(row.value, row.peer) },
  },
  {
    id: 'embedded.latency.half.p99',
    what: "enqueue to start at half of one's own end-to-end rate, 99th percentile",
    unit: 'ms',
    better: 'lower',
    measurement: 'latencyHalf',
    figure: 'p99',
    bar: { text: '< 15 ms', met: ({ row }) => under(row.value, 15) },
  },
  {
    id: 'embedded.backlog.1m',
    what: 'throughput with 1M jobs waiting, relative to 10k waiting',
    unit: 'x',
    better: 'higher',
    measurement: 'backlog1m',
    figure: 'perSecond',
    relativeTo: 'backlog10k',
    bar: { text: '>= 0.9', met: ({ row }) => atLeast(row.value, 0.9) },
  },
  {
    id: 'embedded.backlog.10m',
    what: 'throughput with 10M jobs waiting, relative to 10k waiting',
    unit: 'x',
    better: 'higher',
    measurement: 'backlog10m',
    figure: 'perSecond',
    relativeTo: 'backlog10k',
    bar: { text: '>= 0.9', met: ({ row }) => atLeast(row.value, 0.9) },
  },
  {
    id: 'embedded.backlog.10m.rss',
    what: 'resident memory while running with 10M jobs waiting',
    unit: 'MB',
    better: 'lower',
    measurement: 'backlog10m',
    figure: 'megabytes',
    bar: {
      text: '< 400 MB and < 1.25 x that with 10k',
      met: ({ row, perdure }) => {
        const small = perdure('backlog10k', 'megabytes')
        return all(under(row.value, 400), under(row.value, small === undefined ? undefined : small * 1.25))
      },
    },
  },
  {
    id: 'embedded.backlog.10m.open',
    what: 'opening a store with 10M jobs waiting',
    unit: 'ms',
    better: 'lower',
    measurement: 'backlog10m',
    figure: 'openMs',
    bar: { text: '< 2000 ms', met: ({ row }) => under(row.value, 2000) },
  },
  {
    id: 'embedded.due.100k',
    what: '100k jobs due at one instant: until the last has started',
    unit: 'ms',
    better: 'lower',
    measurement: 'due',
    figure: 'lastMs',
    bar: { text: '<= 1500 ms', met: ({ row }) => under(row.value, 1500.0001) },
  },
  {
    id: 'embedded.graph.10k',
    what: '10k children and a join: from submission to the start of the join',
    unit: 'ms',
    better: 'lower',
    measurement: 'graph',
    figure: 'ms',
    bar: {
      text: "< a third of BullMQ's flow",
      met: ({ row }) =>
        under(row.value, row.systems.bullmq === undefined ? undefined : row.systems.bullmq / 3),
    },
  },
  {
    id: 'embedded.memory',
    what: "peak resident memory of the end-to-end run; a peer's server is not counted",
    unit: 'MB',
    better: 'lower',
    measurement: 'endToEnd',
    figure: 'peakMegabytes',
  },
  {
    id: 'embedded.idle.cpu',
    what: 'processor time of a process that waits for work',
    unit: '% of a core',
    better: 'lower',
    measurement: 'idle',
    figure: 'percent',
    bar: { text: '< 1 %', met: ({ row }) => under(row.value, 1) },
  },
  {
    id: 'node.e2e',
    what: 'the same through a node, the worker in another process',
    unit: 'jobs/s',
    better: 'higher',
    subject: 'node',
    measurement: 'endToEnd',
    figure: 'perSecond',
    bar: {
      text: '>= 25,000 and >= 1.5 x the best peer',
      met: ({ row }) => all(atLeast(row.value, 25_000), atLeast(row.peerRatio, 1.5)),
    },
  },
  {
    id: 'node.enqueue.single.64',
    what: 'single enqueue through a node, 64 awaited at once',
    unit: 'jobs/s',
    better: 'higher',
    subject: 'node',
    measurement: 'single64',
    figure: 'perSecond',
    bar: { text: '>= 20,000', met: ({ row }) => atLeast(row.value, 20_000) },
  },
  {
    id: 'node.latency.idle.p50',
    what: 'enqueue to start through an idle node, median',
    unit: 'ms',
    better: 'lower',
    subject: 'node',
    measurement: 'latencyIdle',
    figure: 'p50',
    bar: { text: '< 3 ms', met: ({ row }) => under(row.value, 3) },
  },
  {
    id: 'node.latency.idle.p99',
    what: 'enqueue to start through an idle node, 99th percentile',
    unit: 'ms',
    better: 'lower',
    subject: 'node',
    measurement: 'latencyIdle',
    figure: 'p99',
  },
  {
    id: 'node.latency.half.p99',
    what: "enqueue to start at half of a node's own end-to-end rate, 99th percentile",
    unit: 'ms',
    better: 'lower',
    subject: 'node',
    measurement: 'latencyHalf',
    figure: 'p99',
    bar: { text: '< 20 ms', met: ({ row }) => under(row.value, 20) },
  },
  {
    id: 'node.idle.5000',
    what: 'processor time of a node with 5,000 idle workers',
    unit: '% of a core',
    better: 'lower',
    subject: 'node',
    measurement: 'crowd',
    figure: 'percent',
    bar: { text: '< 5 %', met: ({ row }) => under(row.value, 5) },
  },
  {
    id: 'node.idle.5000.rss',
    what: 'resident memory of that node',
    unit: 'MB',
    better: 'lower',
    subject: 'node',
    measurement: 'crowd',
    figure: 'megabytes',
    bar: { text: '< 200 MB', met: ({ row }) => under(row.value, 200) },
  },
]
