/**
 * Tables: the rows of a shard as one value. A command makes a new value and leaves the old one as it was, so that
 * a search can go on from any of them.
 *
 * Everything is in memory and small: no row is ever absent. Lines are made from the job rows when they are asked
 * for, so they cannot disagree with them; as in the engine, they do not show what the command itself has staged.
 */
import { apply, type Command, type Reply } from '../../src/core/apply.ts'
import type { JobRow } from '../../src/core/model/job.ts'
import type { RunRow } from '../../src/core/model/journal.ts'
import type { Profile } from '../../src/core/model/profile.ts'
import type { Share } from '../../src/core/model/requirements.ts'
import {
  type FairRow,
  fairId,
  type KeyRow,
  keyId,
  type LimitRow,
  type NameRow,
  nameId,
  type ProfileRow,
  type QueueRow,
  type RouteRow,
  routeKey,
} from '../../src/core/model/rows.ts'
import type { Appends, Ranges, Rows, View } from '../../src/core/view.ts'
import { PerdureError } from '../../src/errors.ts'
import { assert } from '../../src/std/assert.ts'

/** Members of ranges by owner, each with its number. */
type Members = ReadonlyMap<number, ReadonlyMap<number, number>>

/** All rows that the core reads. */
export interface Tables {
  readonly jobs: ReadonlyMap<number, JobRow>
  readonly names: ReadonlyMap<string, NameRow>
  readonly profiles: ReadonlyMap<string, ProfileRow>
  readonly routes: ReadonlyMap<string, RouteRow>
  readonly queues: ReadonlyMap<number, QueueRow>
  readonly fair: ReadonlyMap<string, FairRow>
  readonly keys: ReadonlyMap<string, KeyRow>
  readonly limits: ReadonlyMap<number, LimitRow>
  readonly runs: ReadonlyMap<number, RunRow>
  readonly holders: Members
  readonly dependents: Members
  readonly nextJobId: number
  readonly nextNameId: number
}

/** A shard in which nothing was ever done. */
export const NO_TABLES: Tables = {
  jobs: new Map(),
  names: new Map(),
  profiles: new Map(),
  routes: new Map(),
  queues: new Map(),
  fair: new Map(),
  keys: new Map(),
  limits: new Map(),
  runs: new Map(),
  holders: new Map(),
  dependents: new Map(),
  nextJobId: 1,
  nextNameId: 1,
}

/** What a command made of tables; a refused one leaves them as they are. */
export interface Applied {
  readonly tables: Tables
  readonly reply: Reply
}

/** Gives a command to the real core. */
export function applyTo(tables: Tables, command: Command, now: number): Applied {
  const view = new TableView(tables)
  const reply = apply(view, command, now)
  return { tables: reply instanceof PerdureError ? tables : view.settled(), reply }
}

/** Lets `write` change tables through a view. */
export function changed(tables: Tables, write: (view: View) => void): Tables {
  const view = new TableView(tables)
  write(view)
  return view.settled()
}

/** Ids of the jobs of a line, in order. */
export function membersOfLine(jobs: Tables['jobs'], line: number): readonly number[] {
  const rows: JobRow[] = []
  for (const job of jobs.values()) if (job.line === line) rows.push(job)
  return rows.sort((a, b) => a.rank - b.rank || a.turn - b.turn || a.id - b.id).map(({ id }) => id)
}

class TableView implements View {
  readonly jobs: StagedRows<number, JobRow>
  readonly names: StagedRows<string, NameRow>
  readonly profiles: StagedRows<string, ProfileRow>
  readonly routes: StagedRows<string, RouteRow>
  readonly queues: StagedRows<number, QueueRow>
  readonly fair: StagedRows<string, FairRow>
  readonly keys: StagedRows<string, KeyRow>
  readonly limits: StagedRows<number, LimitRow>
  readonly runs: StagedRows<number, RunRow>
  readonly holders: StagedRanges
  readonly dependents: StagedRanges
  readonly append: Appends = NO_APPENDS
  readonly #before: Tables
  readonly #lines = new Map<number, readonly number[]>()
  #nextJobId: number
  #nextNameId: number

  constructor(before: Tables) {
    this.#before = before
    this.jobs = new StagedRows(before.jobs, (row) => row.id)
    this.names = new StagedRows(before.names, (row) => nameId(row.space, row.text))
    this.profiles = new StagedRows(before.profiles, (row) => row.text)
    this.routes = new StagedRows(before.routes, routeKey)
    this.queues = new StagedRows(before.queues, (row) => row.id)
    this.fair = new StagedRows(before.fair, (row) => fairId(row.queue, row.key))
    this.keys = new StagedRows(before.keys, (row) => keyId(row.namespace, row.key))
    this.limits = new StagedRows(before.limits, (row) => row.id)
    this.runs = new StagedRows(before.runs, (row) => row.job)
    this.holders = new StagedRanges(before.holders)
    this.dependents = new StagedRanges(before.dependents)
    this.#nextJobId = before.nextJobId
    this.#nextNameId = before.nextNameId
  }

  /** The tables after the command: the same value where it wrote nothing. */
  settled(): Tables {
    const after: Tables = {
      jobs: this.jobs.settled(),
      names: this.names.settled(),
      profiles: this.profiles.settled(),
      routes: this.routes.settled(),
      queues: this.queues.settled(),
      fair: this.fair.settled(),
      keys: this.keys.settled(),
      limits: this.limits.settled(),
      runs: this.runs.settled(),
      holders: this.holders.settled(),
      dependents: this.dependents.settled(),
      nextJobId: this.#nextJobId,
      nextNameId: this.#nextNameId,
    }
    const before = this.#before
    const isSame = (Object.keys(after) as (keyof Tables)[]).every((name) => after[name] === before[name])
    return isSame ? before : after
  }

  nameOf(id: number): string {
    return id === 0 ? '' : found(this.names.all(), (row) => row.id === id).text
  }

  routeById(id: number): RouteRow {
    return found(this.routes.all(), (row) => row.id === id)
  }

  profileById(id: number): Profile {
    return profileOf(found(this.profiles.all(), (row) => row.id === id).text)
  }

  lineAt(line: number, position: number): number | undefined {
    return this.#line(line)[position]
  }

  headSize(line: number): number {
    return this.#line(line).length
  }

  needLines(): void {}

  /** Nothing in these worlds reserves anything. */
  reservedBy(): Share {
    return { cpus: 0, memory: 0 }
  }

  beginLine(): void {}

  nextJobId(): number {
    return this.#nextJobId++
  }

  nextNameId(): number {
    return this.#nextNameId++
  }

  #line(line: number): readonly number[] {
    let ids = this.#lines.get(line)
    if (ids === undefined) {
      ids = membersOfLine(this.#before.jobs, line)
      this.#lines.set(line, ids)
    }
    return ids
  }
}

/** The rows that the core only writes say nothing about what happens next. */
const NO_APPENDS: Appends = {
  attempt: () => {},
  payload: () => {},
  log: () => {},
  progress: () => {},
  metadata: () => {},
  journal: () => {},
  cutJournal: () => {},
  purge: () => {},
}

class StagedRows<K extends string | number, R> implements Rows<K, R> {
  readonly #before: ReadonlyMap<K, R>
  readonly #keyOf: (row: R) => K
  #after: Map<K, R> | undefined

  constructor(before: ReadonlyMap<K, R>, keyOf: (row: R) => K) {
    this.#before = before
    this.#keyOf = keyOf
  }

  get(key: K): R | undefined {
    return (this.#after ?? this.#before).get(key)
  }

  need(): void {}

  begin(): void {}

  put(row: R): void {
    this.#write().set(this.#keyOf(row), row)
  }

  remove(key: K): void {
    this.#write().delete(key)
  }

  all(): Iterable<R> {
    return this.settled().values()
  }

  settled(): ReadonlyMap<K, R> {
    return this.#after ?? this.#before
  }

  #write(): Map<K, R> {
    this.#after ??= new Map(this.#before)
    return this.#after
  }
}

class StagedRanges implements Ranges {
  readonly #before: Members
  #after: Map<number, ReadonlyMap<number, number>> | undefined

  constructor(before: Members) {
    this.#before = before
  }

  size(owner: number): number {
    return this.#range(owner).size
  }

  has(owner: number, member: number): boolean {
    return this.#range(owner).has(member)
  }

  members(owner: number, most = Infinity): readonly (readonly [number, number])[] {
    return [...this.#range(owner)].sort(([a], [b]) => a - b).slice(0, most)
  }

  need(): void {}

  begin(): void {}

  add(owner: number, member: number, value: number): void {
    this.#write(owner).set(member, value)
  }

  remove(owner: number, member: number): void {
    this.#write(owner).delete(member)
  }

  settled(): Members {
    return this.#after ?? this.#before
  }

  #range(owner: number): ReadonlyMap<number, number> {
    return (this.#after ?? this.#before).get(owner) ?? NOBODY
  }

  #write(owner: number): Map<number, number> {
    const range = new Map(this.#range(owner))
    this.#after ??= new Map(this.#before)
    this.#after.set(owner, range)
    return range
  }
}

const NOBODY: ReadonlyMap<number, number> = new Map()

function found<R>(rows: Iterable<R>, isIt: (row: R) => boolean): R {
  for (const row of rows) if (isIt(row)) return row
  assert(false, 'an interned row that is referred to exists')
}

const profiles = new Map<string, Profile>()

/** The profile of a canonical text. */
export function profileOf(text: string): Profile {
  let profile = profiles.get(text)
  if (profile === undefined) {
    profile = JSON.parse(text) as Profile
    profiles.set(text, profile)
  }
  return profile
}
