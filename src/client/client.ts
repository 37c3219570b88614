/**
 * The client: everything that can be asked of Perdure, embedded or remote, in plain data.
 *
 * The embedded client answers from an engine in this process, the remote one over a socket; both pass the
 * same conformance suite. The typed `open / job / enqueue` surface of the package is a thin layer above.
 */
import type { AttemptFacts } from '../core/model/attempt.ts'
import type { LogStream, Outcome } from '../core/model/outcome.ts'
import type { CommandContext } from '../core/model/profile.ts'
import type { TailFilter } from '../runtime/logger/book.ts'
import type { LogRecord } from '../runtime/logger/record.ts'
import type {
  AttemptView,
  ControlResult,
  ControlVerb,
  Enqueued,
  JobDetails,
  JobEnd,
  JobEvent,
  JobPage,
  JobQuery,
  JobSpec,
  LogEntry,
  Position,
  QueueCounts,
  WatchFilter,
  WorkerStatus,
  WorkerView,
} from './types.ts'
import type { WorkflowClient, WorkflowSession } from './workflows.ts'

/** A leased attempt, as it reaches a worker. */
export interface Lease extends AttemptFacts {
  /** JSON text of the input, or undefined where there is none. Decoded by the worker. */
  readonly input: string | undefined
  readonly startToCloseMs: number
  readonly heartbeatMs: number
  readonly graceMs: number
  readonly command?: CommandContext
  /** Smaller is more urgent. */
  readonly priority: number
}

/** What a worker says about itself. */
export interface WorkerInfo {
  /** Shown to operators; unique among live workers: `host:pid:n` by default. */
  readonly name: string
  readonly host: string
  readonly pid: number
}

/** What a poll asks for. */
export interface PollRequest {
  readonly queues: readonly string[]
  /** Kinds that have a handler here; jobs of others are left alone. */
  readonly kinds: readonly string[]
  /** Most leases to grant. */
  readonly slots: number
  /** Only jobs of a smaller priority, which are more urgent. Default: any. */
  readonly below?: number
  /** True answers at once, with what is ready or nothing. Default false: parks. */
  readonly once?: boolean
}

/** One attempt's end, as a worker reports it. */
export interface Report {
  readonly token: string
  readonly outcome: Outcome
  /** JSON text of the outcome's result, where the worker has made it already; spares making it twice. */
  readonly resultText?: string
}

/** Asks an attempt to stop. */
export interface StopNotice {
  readonly type: 'stop'
  readonly token: string
  readonly reason: 'cancel' | 'lease-lost'
  readonly graceMs: number
  readonly signal?: string
}

/** Asks which of these paths exist on the worker's host, now and whenever that changes. The answer is its next status. */
export interface LookNotice {
  readonly type: 'look'
  readonly paths: readonly string[]
}

/** What the engine tells a worker without being asked. */
export type WorkerNotice = StopNotice | LookNotice

/**
 * A worker's connection. Closing it does not end the leases of a worker in another process, which may open it
 * again; those of a worker in the owner's own process are lost with it. Report or release before.
 */
export interface WorkerSession {
  /** Work on workflow runs. */
  readonly workflows: WorkflowSession
  /**
   * Asks for work; parks until at least one lease is granted or the signal aborts (then resolves empty).
   * Leases granted meanwhile are never dropped: they are released.
   */
  poll(request: PollRequest, signal?: AbortSignal): Promise<Lease[]>
  /**
   * Reports ends, durable when it resolves. Answers per report: true, or false where the lease was lost
   * (nothing was changed by it). Reports of one turn of the event loop travel together.
   */
  report(reports: readonly Report[]): Promise<boolean[]>
  /** Renews leases; answers the tokens that are no longer valid. */
  heartbeat(tokens: readonly string[]): Promise<{ readonly lost: string[] }>
  /** Appends output of running attempts. Not awaited by handlers; resolved once durable. */
  log(entries: readonly { token: string; stream: LogStream; text: string }[]): Promise<void>
  progress(token: string, fraction: number, message?: string): void
  /** Hands over what the worker itself logged, at most 1,000 records at once. Kept in memory only. */
  record(records: readonly LogRecord[]): Promise<void>
  /** Tells about the worker itself, for operators. The last one counts. */
  tell(status: WorkerStatus): void
  /** Delivers stop requests, and questions about paths. */
  onNotice(listener: (notice: WorkerNotice) => void): void
  close(): Promise<void>
}

/** An import of a job with its past. */
export interface ImportedJob extends JobSpec {
  readonly createdAt: number
  readonly state: 'ready' | 'scheduled' | 'held' | 'succeeded' | 'failed' | 'cancelled'
  readonly finishedAt?: number
  readonly result?: unknown
  readonly history?: readonly AttemptView[]
  /** What a workflow run has done already, in order: everything in it that opens has settled. */
  readonly journal?: readonly ImportedEntry[]
}

/** A row of the journal of an imported run. */
export interface ImportedEntry {
  /** Rows are numbered anew. Where a number is missing between two rows, something was taken out there, as by a restart. */
  readonly sequence?: number
  readonly position: number
  /** `step`, `sleep`, `signal`, `child`, ... */
  readonly kind: string
  readonly state: 'open' | 'done' | 'broken'
  readonly name: string
  /** Absent for nothing. */
  readonly value?: unknown
  /** Epoch ms. */
  readonly at: number
}

/** What makes a call safe to repeat. */
export interface RequestOptions {
  /** The same text again is the same call, which is answered as it was before. Remembered for ten minutes. */
  readonly request?: string
  /** True only in the first sending of a text that was made up for this call: it spares looking for it. */
  readonly isNewRequest?: boolean
}

/** Everything that can be asked of Perdure. All methods reject with a PerdureError. */
export interface Client {
  /** Questions about workflow runs. */
  readonly workflows: WorkflowClient
  /** Enqueues all of `jobs` or none (at most 10,000). */
  enqueue(jobs: readonly JobSpec[], options?: RequestOptions): Promise<Enqueued[]>
  import(jobs: readonly ImportedJob[]): Promise<Enqueued[]>
  get(id: number): Promise<JobDetails>
  list(query: JobQuery): Promise<JobPage>
  counts(filter?: { readonly namespace?: string }): Promise<QueueCounts[]>
  /** Applies a verb to one job; rejects with WRONG_STATE or NOT_FOUND. */
  control(id: number, verb: ControlVerb): Promise<ControlResult>
  /** Resolves at the end of the job, now or later. Rejects only with NOT_FOUND or by the signal. */
  wait(id: number, signal?: AbortSignal): Promise<JobEnd>
  /** State changes from now on, in commit order. Ends when the signal aborts. A reader that falls 10,000 events behind gets OVERLOADED. */
  watch(filter: WatchFilter, signal?: AbortSignal): AsyncIterable<JobEvent>
  /** Output of a job from `offset` on; with `follow` until the job ends. */
  logs(
    id: number,
    options?: { readonly attempt?: number; readonly follow?: boolean; readonly signal?: AbortSignal },
  ): AsyncIterable<LogEntry>
  /**
   * Recent logs of the owner and of its workers and recent output of jobs, in the order in which they came; with `follow`
   * also what comes. A slow reader misses records, and finds one that says how many.
   */
  tail(filter: TailFilter, signal?: AbortSignal): AsyncIterable<LogRecord>
  pauseQueue(queue: string, paused: boolean): Promise<void>
  /** Ids of all jobs that depend on `id`, directly or not, nearest first. At most `limit` (default 10,000). */
  dependents(id: number, limit?: number): Promise<number[]>
  openWorker(info: WorkerInfo): Promise<WorkerSession>
  /** The workers that are connected or hold leases, by name, with what each runs. */
  workers(): Promise<WorkerView[]>
  /** Where the shard stands. */
  position(): Promise<Position>
  /** Facts about the store and the engine, for `doctor` and `status`. */
  info(): Promise<Readonly<Record<string, string | number | boolean>>>
  /** Checks the store from end to end; answers the problems found, as sentences. */
  check(): Promise<readonly string[]>
  close(): Promise<void>
}
