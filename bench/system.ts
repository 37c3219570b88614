/**
 * The one interface the bench measures through. Perdure, the floor and each peer implement it as thinly as they can;
 * everything that decides what is measured and how lives in scenarios.ts, so no system is timed by its own code.
 */

/** What a system is tuned for: many jobs a second, or the shortest way from enqueue to start. */
export type Goal = 'throughput' | 'latency'

/** Where a system may put its data and how it reaches the servers that the bench has started. */
export interface Place {
  /** An empty directory on a real disk, removed after the run. */
  directory: string
  /** Port of a Redis with `appendfsync always`, when one runs. */
  redisPort?: number
  /** Port of a Redis that persists nothing, when one runs. */
  volatileRedisPort?: number
  /** Connection string of an empty PostgreSQL database, when one runs. */
  postgresUrl?: string
  /** Addresses of an empty Restate server, when one runs. */
  restate?: { readonly ingressUrl: string; readonly adminUrl: string }
}

/** What a process has used: processor time since its start, and resident memory now. */
export interface ProcessUse {
  cpuMs: number
  megabytes: number
}

export interface System {
  /** Jobs given to one call of `enqueueMany`: the number at which this system is fastest. */
  readonly chunk: number
  /** Calls of `enqueueMany` kept in flight at once. */
  readonly lanes: number

  /** Opens the store (creating it when absent) and connects. */
  open(): Promise<void>
  /** Starts a worker whose handler does nothing but call `onStart` with the number the job carries. */
  work(onStart: (number: number) => void): Promise<void>
  /**
   * Enqueues jobs that carry `first` to `first + count - 1`; resolves when they are durable.
   * @param at epoch ms before which none may start; absent: at once
   */
  enqueueMany(first: number, count: number, at?: number): Promise<void>
  /** Enqueues one job; resolves when it is durable. */
  enqueueOne(number: number): Promise<void>
  /** Submits `children` jobs (0 to children - 1) and one job `children` that starts after all of them. */
  graph?(children: number): Promise<void>
  /** Opens workers that wait for work, a hundred on each connection; answers how to look at the process that serves them. */
  crowd?(workers: number): Promise<() => ProcessUse>
  /** True when no job is left that is not durably finished. Only asked once every handler has been called. */
  finished(): Promise<boolean>
  close(): Promise<void>
}

/** Makes a system that has not been opened. */
export type SystemFactory = (place: Place, goal: Goal) => Promise<System> | System
