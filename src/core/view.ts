/**
 * What a command handler sees: rows by key, members of ranges, heads of lines, and places to write.
 *
 * Reads throw {@link Absent} where a row is not in memory; the engine loads it and applies the command again
 * from the start. Writes are staged and take effect together when the handler returns, so a command that
 * stops half-way has changed nothing. Reads see the handler's own staged writes; lines do not.
 */

import type { JobRow } from './model/job.ts'
import type { JournalRow, RunRow } from './model/journal.ts'
import type { Profile } from './model/profile.ts'
import type { Share } from './model/requirements.ts'
import type {
  AttemptRow,
  FairRow,
  KeyRow,
  LimitRow,
  LogRow,
  MetadataRow,
  NameRow,
  NameSpace,
  PayloadRow,
  ProfileRow,
  ProgressRow,
  QueueRow,
  RouteRow,
} from './model/rows.ts'

/** The tables that can be absent from memory. */
export type AbsentTable =
  | 'jobs'
  | 'names'
  | 'profiles'
  | 'profilesById'
  | 'routes'
  | 'routesById'
  | 'queues'
  | 'fair'
  | 'keys'
  | 'limits'
  | 'holders'
  | 'dependents'
  | 'runs'
  | 'line'

/** Thrown by a read of something that is not in memory. Not an error: a request to the engine. */
export class Absent {
  readonly table: AbsentTable
  readonly keys: readonly (string | number)[]

  constructor(table: AbsentTable, keys: readonly (string | number)[]) {
    this.table = table
    this.keys = keys
  }
}

/** Rows by key. */
export interface Rows<K extends string | number, R> {
  /** The row, or undefined where there is none. Throws Absent. */
  get(key: K): R | undefined
  /** Throws one Absent that names all missing keys: call before a loop of `get`. */
  need(keys: readonly K[]): void
  put(row: R): void
  remove(key: K): void
}

/** The rows of workflow runs. */
export interface Runs extends Rows<number, RunRow> {
  /** Says that the run has just begun, so that it is known to have no row. */
  begin(job: number): void
}

/** Sets of members by owner (holders of a limit, dependents of a job), each with a small number. */
export interface Ranges {
  size(owner: number): number
  has(owner: number, member: number): boolean
  /** A copy of the first `most` (default all): `[member, value]` in order of members. */
  members(owner: number, most?: number): readonly (readonly [number, number])[]
  need(owners: readonly number[]): void
  add(owner: number, member: number, value: number): void
  remove(owner: number, member: number): void
  /** Says that the owner was just made, so its range is known to be empty. */
  begin(owner: number): void
}

/** Which rows go out of a journal. */
export interface JournalCut {
  readonly run: number
  /** Rows of smaller sequence numbers; 0 for none. */
  readonly before: number
  /** Rows of what failed for good, of what was let go of, and of a cancel. Locks that were had are to be got again in their places. */
  readonly failures: boolean
}

/** Rows that handlers only write. */
export interface Appends {
  attempt(row: AttemptRow): void
  payload(row: PayloadRow): void
  log(row: LogRow): void
  progress(row: ProgressRow): void
  metadata(row: MetadataRow): void
  journal(row: JournalRow): void
  /** Takes rows out of a run's journal: those before a number, or those of what failed. */
  cutJournal(cut: JournalCut): void
  /** Removes all rows of a job in every table that the core does not read. */
  purge(job: number): void
}

/** Everything a handler may touch. A handler's type picks the parts that it uses. */
export interface View {
  readonly jobs: Rows<number, JobRow>
  readonly names: Rows<string, NameRow>
  readonly profiles: Rows<string, ProfileRow>
  readonly routes: Rows<string, RouteRow>
  readonly queues: Rows<number, QueueRow>
  readonly fair: Rows<string, FairRow>
  readonly keys: Rows<string, KeyRow>
  readonly limits: Rows<number, LimitRow>
  readonly runs: Runs
  readonly holders: Ranges
  readonly dependents: Ranges
  readonly append: Appends
  /** The text of a namespace, queue or kind; '' for 0. */
  nameOf(id: number): string
  routeById(id: number): RouteRow
  profileById(id: number): Profile
  /** Id of the job at a position of the head of a line, undefined past its end. Throws Absent. */
  lineAt(line: number, position: number): number | undefined
  /** How many entries of a line are in memory. Throws Absent when it was never looked at. */
  headSize(line: number): number
  /** Throws one Absent that names all lines of which nothing is in memory: call before a loop over them. */
  needLines(lines: readonly number[]): void
  /** Says that a line was just made, so it is known to be empty. */
  beginLine(line: number): void
  /** What the jobs that a worker runs reserve of it, by the interned name of the worker. */
  reservedBy(worker: number): Share
  /** The next integer for a job. */
  nextJobId(): number
  /** The next integer for an interned row. */
  nextNameId(): number
}

/** Interns a name. */
export function intern(view: Pick<View, 'names' | 'nextNameId'>, space: NameSpace, text: string): number {
  const found = view.names.get(`${space}:${text}`)
  if (found !== undefined) return found.id
  const row: NameRow = { id: view.nextNameId(), space, text }
  view.names.put(row)
  return row.id
}
