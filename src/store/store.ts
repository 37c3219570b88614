/**
 * Store: where a shard's rows live. One interface, one conformance suite, several implementations.
 *
 * A store takes commits, each one fenced transaction, and answers loads that see every commit issued before
 * them. It maps and moves data; it decides nothing. It keeps no session state between calls, so that it can
 * be a pool of network connections as well as a file.
 */
import type { JobRow } from '../core/model/job.ts'
import type { JournalPage, JournalRow, RunRow } from '../core/model/journal.ts'
import type {
  AttemptRow,
  FairRow,
  KeyRow,
  LimitRow,
  LogRow,
  MetadataRow,
  NameRow,
  PayloadRow,
  ProfileRow,
  ProgressRow,
  QueueRow,
  RouteRow,
} from '../core/model/rows.ts'
import type { StateCode } from '../core/model/states.ts'
import type { JournalCut } from '../core/view.ts'

/** A change of one job: made (no before), changed, or deleted (no after). */
export interface JobChange {
  readonly before: JobRow | undefined
  readonly after: JobRow | undefined
}

/** One member of a range; value -1 takes it out. */
export interface MemberChange {
  readonly owner: number
  readonly member: number
  readonly value: number
}

/** A change of the number of jobs of a route in a state. */
export interface CountChange {
  readonly route: number
  readonly state: StateCode
  readonly delta: number
}

/** Everything that one commit changes. It takes effect as a whole or not at all. */
export interface Batch {
  /** Fence: must be the epoch of the owner. */
  readonly epoch: number
  /** Fence: must be the successor of the last committed sequence number. */
  readonly sequence: number
  readonly nextJobId: number
  readonly nextNameId: number
  /** Shard time of what it carries, epoch ms: kept, so that no later owner's time is behind it (T1). */
  readonly time: number
  readonly jobs: readonly JobChange[]
  readonly names: readonly NameRow[]
  readonly profiles: readonly ProfileRow[]
  readonly routes: readonly RouteRow[]
  readonly queues: readonly QueueRow[]
  readonly limits: readonly LimitRow[]
  readonly fair: readonly FairRow[]
  readonly fairGone: readonly FairRow[]
  readonly keys: readonly KeyRow[]
  readonly keysGone: readonly KeyRow[]
  readonly holders: readonly MemberChange[]
  readonly dependents: readonly MemberChange[]
  readonly attempts: readonly AttemptRow[]
  /** In order: a later one of the same job and field takes the place of an earlier one. */
  readonly payloads: readonly PayloadRow[]
  readonly logs: readonly LogRow[]
  readonly progress: readonly ProgressRow[]
  readonly metadata: readonly MetadataRow[]
  /** Rows of runs whose start, waits or inbox changed. Their lengths are told by their journals. */
  readonly runs: readonly RunRow[]
  /** Written behind the payloads: a value may be a copy of one. */
  readonly journal: readonly JournalRow[]
  /** Take effect behind this batch's journal rows. */
  readonly journalCuts: readonly JournalCut[]
  readonly counts: readonly CountChange[]
  /** Jobs of which every row in every table goes, but for keys whose window is not over at the batch's time. */
  readonly purged: readonly number[]
}

/** What a shard begins with. */
export interface Opening {
  /** The new owner's epoch: larger than any before. */
  readonly epoch: number
  /** The last committed sequence number. */
  readonly sequence: number
  readonly nextJobId: number
  readonly nextNameId: number
  /** Shard time of the last commit, epoch ms; 0 before the first. */
  readonly time: number
  /** All namespaces, queues, kinds and classes; names of other spaces are read on use. */
  readonly names: readonly NameRow[]
  readonly queues: readonly QueueRow[]
  readonly running: readonly JobRow[]
}

/** What is to be read, all behind the commits issued so far. */
export interface LoadRequest {
  readonly jobs: readonly number[]
  readonly names: readonly string[]
  readonly profiles: readonly string[]
  readonly profilesById: readonly number[]
  readonly routes: readonly string[]
  readonly routesById: readonly number[]
  readonly queues: readonly number[]
  readonly fair: readonly string[]
  readonly keys: readonly string[]
  readonly limits: readonly number[]
  readonly holders: readonly number[]
  readonly dependents: readonly number[]
  readonly runs: readonly number[]
  readonly windows: readonly WindowRequest[]
}

/** The next part of a line, or (line -1) of the jobs that expire, behind a place. */
export interface WindowRequest {
  readonly line: number
  readonly after: { readonly rank: number; readonly turn: number; readonly id: number }
  readonly count: number
}

/** Stands for the order of `expireAt` where a line is asked for. */
export const EXPIRY_LINE = -1

/** What was read; what is not in it does not exist. */
export interface Loaded {
  readonly jobs: readonly JobRow[]
  readonly names: readonly NameRow[]
  readonly profiles: readonly ProfileRow[]
  readonly routes: readonly RouteRow[]
  readonly queues: readonly QueueRow[]
  readonly fair: readonly FairRow[]
  readonly keys: readonly KeyRow[]
  readonly limits: readonly LimitRow[]
  readonly holders: readonly (readonly [owner: number, member: number, value: number])[]
  readonly dependents: readonly (readonly [owner: number, member: number, value: number])[]
  readonly runs: readonly RunRow[]
  /** Per window its jobs in order; the flag says that the store has nothing behind them. */
  readonly windows: readonly { readonly jobs: readonly JobRow[]; readonly exhausted: boolean }[]
}

/** A request for nothing; spread it and fill in. */
export const NO_LOAD: LoadRequest = {
  jobs: [],
  names: [],
  profiles: [],
  profilesById: [],
  routes: [],
  routesById: [],
  queues: [],
  fair: [],
  keys: [],
  limits: [],
  holders: [],
  dependents: [],
  runs: [],
  windows: [],
}

/** Where a shard's rows live. */
export interface Store {
  /** For messages: `sqlite:/path/app.db`. */
  readonly name: string
  /** Takes ownership: grows the epoch in the same transaction that reads where the shard stands. */
  open(): Promise<Opening>
  /**
   * Durable when it resolves. Rejects with FENCED, or with STORE_FAILED (nothing took effect, or unknown). Several may
   * be on their way; they take effect, and are acknowledged, in the order in which they were issued.
   */
  commit(batch: Batch): Promise<void>
  /**
   * Reads behind the commits that were issued before, and is answered behind them. Rejects with FENCED where another
   * owner has opened the store since: its rows would contradict what this one has in memory.
   */
  load(request: LoadRequest): Promise<Loaded>
  readonly reads: StoreReads
  close(): Promise<void>
}

/** A job with its names resolved, as lists show it. Raw JSON texts, decoded by the client. */
export interface StoredJob {
  readonly row: JobRow
  readonly namespace: string
  readonly queue: string
  readonly kind: string
  readonly profile: string
  readonly worker: string | null
  readonly key: string | null
  readonly limits: readonly string[]
  readonly progress: ProgressRow | null
  /** Input and result with large ones brought in. */
  readonly input: string | null
  readonly result: string | null
}

/** {@link StoredJob} with its past and its edges. */
export interface StoredJobDetails extends StoredJob {
  readonly attempts: readonly (Omit<AttemptRow, 'worker'> & { readonly worker: string })[]
  readonly dependsOn: readonly number[]
  readonly dependents: readonly number[]
}

/** What a list asks for, in stored terms. */
export interface StoredQuery {
  readonly states: readonly StateCode[] | null
  readonly queue: string | null
  readonly kind: string | null
  readonly namespace: string | null
  readonly parent: number | null
  readonly ids: readonly number[] | null
  readonly metadata: readonly { readonly name: string; readonly value: string; readonly isPrefix: boolean }[]
  readonly createdAfter: number | null
  readonly createdBefore: number | null
  readonly newest: boolean
  readonly limit: number
  /** The id of the last job of the page before, or null. */
  readonly after: number | null
}

/** One page; `next` is where the following one begins, null on the last. A page may be short. */
export interface StoredPage {
  readonly jobs: readonly StoredJob[]
  readonly next: number | null
}

/** Names a key row, and where it stands in their order. */
export type KeyPlace = Pick<KeyRow, 'namespace' | 'key'>

/** Reads of committed data that the engine's decisions never depend on. */
export interface StoreReads {
  list(query: StoredQuery): Promise<StoredPage>
  details(id: number): Promise<StoredJobDetails | null>
  payload(job: number, field: 'input' | 'result'): Promise<string | null>
  counts(
    namespace: string | null,
  ): Promise<
    readonly { namespace: string; queue: string; paused: boolean; state: StateCode; count: number }[]
  >
  logs(
    job: number,
    attempt: number | null,
    from: { attempt: number; offset: number },
    limit: number,
  ): Promise<readonly LogRow[]>
  /** Jobs whose retention is over, from an id on; `next` null at the end. Looks at a bounded number of rows. */
  expired(
    now: number,
    from: number,
  ): Promise<{ readonly ids: readonly number[]; readonly next: number | null }>
  /** Keys that outlived their jobs and whose window is over, from one on; `next` null at the end. Bounded like `expired`. */
  expiredKeys(
    now: number,
    after: KeyPlace,
  ): Promise<{ readonly keys: readonly KeyPlace[]; readonly next: KeyPlace | null }>
  /** Who depends on any of these, directly or not, nearest first; only edges that have not settled count. */
  dependents(jobs: readonly number[], limit: number): Promise<readonly number[]>
  /** The journal of a run from a sequence number on, a bounded number of rows; none before its start. */
  journal(run: number, from: number): Promise<JournalPage>
  /** Facts for `doctor`: version, size, settings. */
  info(): Promise<Readonly<Record<string, string | number | boolean>>>
  /** Looks for damage and for rows that contradict each other; answers what it found, as sentences. */
  check(): Promise<readonly string[]>
}
