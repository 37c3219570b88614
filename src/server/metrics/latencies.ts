/**
 * A histogram of latencies in the form of Prometheus, for what happens several times for every job.
 *
 * Owns: counting in an array of numbers. The library's own histogram makes objects and looks up labels for each
 * observation, which cost a node more than its protocol did.
 */
import type { Metric, Registry } from 'prom-client'

/** Latencies from a tenth of a millisecond to ten minutes, s. */
const BOUNDS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 600]

/** Counts latencies. */
export class Latencies {
  readonly #counts = new Float64Array(BOUNDS.length + 1)
  #sum = 0

  /** Shows itself in a registry from now on. */
  constructor(registry: Registry, name: string, help: string) {
    const get = async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: this.#values(name) })
    registry.registerMetric({ name, help, get, reset: () => this.#reset() } as unknown as Metric)
  }

  /** Notes a latency, seconds. */
  readonly observe = (seconds: number): void => {
    let bucket = 0
    while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sum += seconds
  }

  #values(name: string): object[] {
    let count = 0
    const buckets = Array.from(this.#counts, (inBucket, index) => {
      count += inBucket
      return { metricName: `${name}_bucket`, labels: { le: BOUNDS[index] ?? '+Inf' }, value: count }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: {}, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, value: count },
    ]
  }

  #reset(): void {
    this.#counts.fill(0)
    this.#sum = 0
  }
}
