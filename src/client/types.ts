/**
 * The plain-data types that every client speaks, embedded or remote.
 *
 * Owns: what goes in and what comes out, free of handlers and classes, so that it can cross a wire.
 * Durations are ms here; the friendly strings of the public surface are read one level above.
 */
import type { CommandContext, Profile } from '../core/model/profile.ts'
import type { Requirements, WorkerAttributes } from '../core/model/requirements.ts'
import type { JobState } from '../core/model/states.ts'
import type { ErrorRecord } from '../errors.ts'

/** What happens to a job when one that it depends on does not succeed. */
export type EdgePolicy = 'fail' | 'cancel' | 'run'

/** One dependency: an existing job by id, or one of the same call by its position. */
export interface Dependency {
  readonly job?: number
  /** Position in the same `enqueue` call. */
  readonly index?: number
  /** Default `fail`. */
  readonly onFailure?: EdgePolicy
}

/** What happens when an idempotency key or a uniqueness is taken. */
export type ConflictPolicy = 'use-existing' | 'replace' | 'refuse'

/** A named bound on how many jobs run at once. */
export interface LimitUse {
  readonly key: string
  /** Most holders at once. The value given last for a key wins. */
  readonly max: number
}

/** Partial option set; what is left out takes the default. */
export type ProfileOptions = {
  readonly [K in 'retry' | 'timeouts' | 'retention']?: Partial<Profile[K]>
} & {
  readonly weight?: number
  readonly command?: CommandContext
  /** What the worker that takes the job must be. */
  readonly requires?: Requirements
}

/** What is known of a job beforehand. Both only help to choose. */
export interface JobHint {
  /** How long it takes, or would take to read its files. Longer ones go first. */
  readonly durationMs?: number
  /** Where its files are, at most 512 characters. Those on a local mount of the worker go first. */
  readonly path?: string
}

/** One job to enqueue. */
export interface JobSpec {
  /** Name of the handler; leave out for a group that only joins others. */
  readonly kind?: string
  /** Any JSON value. */
  readonly input?: unknown
  /** Default `default`. */
  readonly queue?: string
  /** Default `default`. */
  readonly namespace?: string
  /** Smaller runs first; default 0. Whole number from -1e6 to 1e6. */
  readonly priority?: number
  /** Not before this many ms from now. */
  readonly delayMs?: number
  /** Not before this moment, epoch ms. */
  readonly dueAt?: number
  /** Idempotency key, unique in its namespace. */
  readonly key?: string
  /** Default `use-existing`. */
  readonly onConflict?: ConflictPolicy
  /**
   * How long the key is remembered after the enqueue, ms; default 24 h; Infinity for ever. Also when the job is deleted
   * before: a repeated call is then answered with the id of a job that is not there any more.
   */
  readonly keyWindowMs?: number
  /** While a job with the same kind, queue and this value is live, others are duplicates. */
  readonly unique?: {
    readonly value: string
    readonly scope: 'live' | 'for' | 'ever'
    readonly forMs?: number
    readonly onConflict?: ConflictPolicy
  }
  /** Fairness key, one of the namespace's own; default: the namespace. */
  readonly fairKey?: string
  /** Bounds on running jobs, by keys of the namespace's own. */
  readonly limits?: readonly LimitUse[]
  readonly after?: readonly Dependency[]
  /** A job that this one belongs to (for display and tree operations; no dependency). */
  readonly parent?: number
  /** Helps to choose among ready jobs of the same options, priority and fairness key that stand near each other. */
  readonly hint?: JobHint
  /** Up to 16 indexed pairs. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly options?: ProfileOptions
}

/** What a worker tells about itself from time to time. Kept in memory only. */
export interface WorkerStatus {
  readonly state: 'working' | 'draining'
  /** Epoch ms. */
  readonly startedAt: number
  readonly kinds: readonly string[]
  readonly queues: readonly string[]
  readonly slots: number
  /** Ends of attempts since its start, by outcome; `lost` are those that could not be reported. */
  readonly ended: Readonly<Record<string, number>>
  /** The last thing that went wrong and that no job can be blamed for. */
  readonly lastError?: string
  /** What it is and where it runs: jobs with requirements are given only to workers that say so. */
  readonly attributes?: WorkerAttributes
  /** Which of the paths that it was asked about exist on its host. */
  readonly paths?: Readonly<Record<string, boolean>>
  /** The process to send SIGHUP to, for new code; absent where there is none. */
  readonly supervisor?: number
}

/** An attempt that a worker runs. */
export interface RunningView {
  readonly job: number
  readonly kind: string
  readonly queue: string
  readonly attempt: number
  /** Epoch ms. */
  readonly startedAt: number
}

/** A worker, and what it runs. */
export interface WorkerView {
  readonly name: string
  /** Null for a worker that is not connected now, but holds leases. */
  readonly host: string | null
  readonly pid: number | null
  /** Null until it has told, or when it is not connected. */
  readonly status: WorkerStatus | null
  /** The attempts that it holds, oldest first; at most 10,000 over all workers. */
  readonly running: readonly RunningView[]
}

/** Where an acknowledged operation stands in the shard's history. */
export interface Position {
  readonly shard: number
  readonly epoch: number
  readonly sequence: number
}

/** The answer for one enqueued job. */
export interface Enqueued {
  readonly id: number
  /** False when a key or a uniqueness led to an existing job. */
  readonly created: boolean
}

/** One attempt, as history shows it. */
export interface AttemptView {
  readonly number: number
  readonly worker: string
  readonly startedAt: number
  readonly endedAt: number | null
  readonly outcome:
    | 'running'
    | 'succeeded'
    | 'failed'
    | 'cancelled'
    | 'lost'
    | 'timeout'
    | 'released'
    | 'paused'
    | 'snoozed'
  readonly error: ErrorRecord | null
}

/** One job, as reads show it. */
export interface JobView {
  readonly id: number
  readonly kind: string | null
  readonly queue: string
  readonly namespace: string
  readonly state: JobState
  readonly priority: number
  readonly parent: number | null
  readonly key: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly limits: readonly string[]
  readonly createdAt: number
  readonly dueAt: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
  /** Attempts so far, over all restarts. */
  readonly attempts: number
  readonly attemptsSinceRestart: number
  readonly maxAttempts: number
  readonly worker: string | null
  readonly cancelRequested: boolean
  /** Why none of the workers that are here can take the job, where it is ready and none can. */
  readonly unplaced: string | null
  /** Dependencies that have not ended yet. */
  readonly pendingDependencies: number
  readonly progress: { readonly fraction: number; readonly message: string | null } | null
  readonly input: unknown
  readonly result: unknown
  readonly error: ErrorRecord | null
}

/** {@link JobView} with what only a single read brings along. */
export interface JobDetails extends JobView {
  readonly history: readonly AttemptView[]
  readonly dependsOn: readonly number[]
  readonly dependents: readonly number[]
  readonly options: Profile
}

/** What a list asks for. All conditions must hold. */
export interface JobQuery {
  readonly states?: readonly JobState[]
  readonly queue?: string
  readonly kind?: string
  readonly namespace?: string
  readonly parent?: number
  readonly ids?: readonly number[]
  /** Exact value, or a prefix of it. */
  readonly metadata?: readonly { readonly name: string; readonly value?: string; readonly prefix?: string }[]
  readonly createdAfter?: number
  readonly createdBefore?: number
  /** Default `newest`. Both are orders of id, hence stable. */
  readonly order?: 'newest' | 'oldest'
  /** Default 50, at most 1,000. */
  readonly limit?: number
  readonly cursor?: string
}

/** One page. `next` is absent on the last one; a page may be short and still have a next. */
export interface JobPage {
  readonly jobs: readonly JobView[]
  readonly next?: string
}

/** Counts of one queue of one namespace by state. */
export interface QueueCounts {
  readonly namespace: string
  readonly queue: string
  readonly paused: boolean
  readonly states: Readonly<Record<JobState, number>>
}

/** One piece of output. */
export interface LogEntry {
  readonly job: number
  readonly attempt: number
  /** Position in the attempt's log, in characters from its start; orders and deduplicates. */
  readonly offset: number
  readonly at: number
  readonly stream: 'stdout' | 'stderr' | 'log'
  readonly text: string
}

/** A state change, as `watch` delivers it. */
export interface JobEvent {
  readonly id: number
  readonly state: JobState
  readonly previous: JobState | null
  readonly attempt: number
  readonly at: number
  readonly progress?: { readonly fraction: number; readonly message: string | null }
  readonly position: Position
}

/** What `watch` lets through. No filter means all jobs. */
export interface WatchFilter {
  readonly ids?: readonly number[]
  readonly namespace?: string
  readonly queue?: string
}

/** The end of a job. */
export interface JobEnd {
  readonly id: number
  readonly state: 'succeeded' | 'failed' | 'cancelled'
  readonly result: unknown
  readonly error: ErrorRecord | null
}

/** A control verb, applied to one job. */
export type ControlVerb =
  | { readonly verb: 'cancel'; readonly reason?: string; readonly graceMs?: number; readonly signal?: string }
  /** Ends it at once: a running attempt loses its lease, and a workflow run undoes nothing. */
  | { readonly verb: 'terminate'; readonly reason?: string }
  | { readonly verb: 'restart' }
  | { readonly verb: 'expedite' }
  | { readonly verb: 'hold' }
  | { readonly verb: 'release' }
  | { readonly verb: 'delete' }
  | { readonly verb: 'snooze'; readonly delayMs: number }
  | { readonly verb: 'reprioritize'; readonly priority: number }
  /** Moves a run that does not run to workers of another version of its workflow. Default: any. */
  | { readonly verb: 'repin'; readonly version?: string }

/** What a control verb did to one job. */
export interface ControlResult {
  readonly id: number
  /** The state after the verb; null after a delete. */
  readonly state: JobState | null
  /** False when there was nothing left to do (idempotent repeat). */
  readonly changed: boolean
}
