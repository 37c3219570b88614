/**
 * What a node counts of its own work, in the text form of Prometheus.
 *
 * Owns: the names and meanings of the metrics (listed in docs/operations.md). Counts come from what the engine
 * announces with its commits; only how many jobs are in which state is asked of the store, when somebody looks. Labels
 * have few values each, so that a series per job, key or worker cannot come about.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Client } from '../../client/client.ts'
import { dueAtOf } from '../../core/model/job.ts'
import { isTerminal, JOB_STATES, READY, RUNNING, type StateCode, stateName } from '../../core/model/states.ts'
import type { Change } from '../../engine/announcer.ts'
import type { Engine } from '../../engine/engine.ts'
import { Latencies } from './latencies.ts'

/** Jobs whose readiness is remembered until they start; those beyond are not timed. */
const MOST_READY = 50_000
/** The store is asked for counts no more often than this, however often somebody looks, ms. */
const COUNTS_MS = 1_000
/** Queues beyond these are summed up as `other`. */
const MOST_QUEUES = 200

/** Counts by state. Plain numbers, since this happens several times for every job. */
class Tally {
  readonly counts = new Map<StateCode, number>()

  add(state: StateCode): void {
    this.counts.set(state, (this.counts.get(state) ?? 0) + 1)
  }
}

/** Counts what one node does. */
export class Meter {
  readonly #registry = new Registry()
  readonly #readyAt = new Map<number, number>()
  readonly #enqueued = this.#tally('perdure_jobs_enqueued_total', 'Jobs made durable, by their first state')
  readonly #started = this.#tally('perdure_attempts_started_total', 'Attempts leased, by the state before')
  readonly #left = this.#tally('perdure_attempts_ended_total', 'Attempts ended, by the state after')
  readonly #ended = this.#tally('perdure_jobs_ended_total', 'Jobs ended, by their last state')
  readonly #readyToStart = new Latencies(
    this.#registry,
    'perdure_ready_to_start_seconds',
    'From being ready, with all limits held, to the start of the attempt',
  )
  readonly #dueToStart = new Latencies(
    this.#registry,
    'perdure_due_to_start_seconds',
    'From being due, time spent waiting on limits included, to the start of the attempt',
  )
  readonly #commits = new Latencies(this.#registry, 'perdure_commit_seconds', 'Durations of commits')
  readonly #jobs = new Gauge({
    name: 'perdure_jobs',
    help: 'Jobs that have not ended, by queue and state',
    labelNames: ['queue', 'state'],
    registers: [this.#registry],
  })
  #countedAt = Number.NEGATIVE_INFINITY

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
  }

  /** Notes the duration of a commit, seconds. */
  readonly committed = this.#commits.observe

  /** Counts what an engine announces from now on. */
  readonly observe = (engine: Engine): void => {
    engine.announcer.onNews({
      heard: ({ changes }) => {
        for (const change of changes) this.#count(change)
      },
      closed: () => {},
    })
    this.gauge('perdure_leases', 'Attempts that are leased to a worker', () => engine.leases.size)
  }

  /** Shows a number as it is when somebody looks. */
  gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      ...{ name, help, registers: [this.#registry] },
      collect() {
        this.set(value())
      },
    })
  }

  /** All metrics as text. */
  async text(client: Client): Promise<{ readonly text: string; readonly type: string }> {
    await this.#countJobs(client)
    return { text: await this.#registry.metrics(), type: this.#registry.contentType }
  }

  #count({ before, after, at }: Change): void {
    if (after === undefined) return
    const { id, state } = after
    if (before === undefined) this.#enqueued.add(state)
    if (before?.state === state) return
    if (before?.state === RUNNING) this.#left.add(state)
    if (state === READY && this.#readyAt.size < MOST_READY) this.#readyAt.set(id, at)
    if (state === RUNNING) {
      this.#started.add(before?.state ?? READY)
      this.#dueToStart.observe(Math.max(0, at - dueAtOf(after)) / 1000)
      // a job that is leased in the commit of its own enqueue was ready for no time
      const readyAt = this.#readyAt.get(id) ?? (before === undefined ? at : undefined)
      if (readyAt !== undefined) this.#readyToStart.observe(Math.max(0, at - readyAt) / 1000)
    }
    if (before?.state === READY) this.#readyAt.delete(id)
    if (isTerminal(state)) this.#ended.add(state)
  }

  async #countJobs(client: Client): Promise<void> {
    const now = performance.now()
    if (now - this.#countedAt < COUNTS_MS) return
    this.#countedAt = now
    const queues = new Map<string, Map<string, number>>()
    for (const { queue, states } of await client.counts()) {
      const name = queues.has(queue) || queues.size < MOST_QUEUES ? queue : 'other'
      const sums = queues.get(name) ?? new Map<string, number>()
      queues.set(name, sums)
      for (const [state, count] of Object.entries(states)) sums.set(state, (sums.get(state) ?? 0) + count)
    }
    this.#jobs.reset()
    for (const [queue, sums] of queues)
      for (const state of LIVE) this.#jobs.set({ queue, state }, sums.get(state) ?? 0)
  }

  #tally(name: string, help: string): Tally {
    const tally = new Tally()
    new Counter({
      ...{ name, help, labelNames: ['state'], registers: [this.#registry] },
      collect() {
        this.reset()
        for (const [state, count] of tally.counts) this.inc({ state: stateName(state) }, count)
      },
    })
    return tally
  }
}

/** Ended jobs are counted as they end; how many are kept is a matter of retention, not of load. */
const LIVE = JOB_STATES.filter((state) => !['succeeded', 'failed', 'cancelled'].includes(state))
