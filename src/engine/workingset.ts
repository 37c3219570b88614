/**
 * WorkingSet: what of a shard is in memory. It is the view that the core reads and writes, and it makes the
 * batches that the store commits.
 *
 * Never does: I/O, timing, or deciding.
 */
import type { JobRow } from '../core/model/job.ts'
import { blankRun, type RunRow } from '../core/model/journal.ts'
import type { Profile } from '../core/model/profile.ts'
import type { Share } from '../core/model/requirements.ts'
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
} from '../core/model/rows.ts'
import { isLegalMove, isTerminal, RUNNING, stateName } from '../core/model/states.ts'
import type { Absent, View } from '../core/view.ts'
import { assert } from '../std/assert.ts'
import { type Batch, EXPIRY_LINE, type Loaded, type LoadRequest, type Opening } from '../store/store.ts'
import { AppendBuffer } from './appends.ts'
import { Classes } from './classes.ts'
import { Counts } from './counts.ts'
import { InternedTable } from './interned.ts'
import { Lines } from './lines.ts'
import { RangeTable } from './ranges.ts'
import { NO_SHARE, Reservations } from './reservations.ts'
import { RESIDENCY } from './residency.ts'
import { type RowChange, Table } from './table.ts'
import { Wants } from './wants.ts'

/** Spaces of names that are few, and resident as a whole. */
const SMALL_SPACES = new Set(['namespace', 'queue', 'kind', 'class'])

export class WorkingSet implements View {
  readonly #onJob: (before: JobRow | undefined, after: JobRow | undefined) => void
  readonly #onRunNews: (job: JobRow) => void
  readonly lines: Lines
  readonly jobs = new Table<number, JobRow>({
    name: 'jobs',
    isById: true,
    keyOf: (job) => job.id,
    capacity: RESIDENCY.jobs,
    isPinned: (job) => job.state === RUNNING,
    isDone: (job) => isTerminal(job.state) || this.lines.isFarBack(job),
    onChange: (before, after) => this.#jobChanged(before, after),
  })
  readonly names = new Table<string, NameRow>({
    name: 'names',
    keyOf: (row) => nameId(row.space, row.text),
    capacity: RESIDENCY.others,
    isPinned: (row) => SMALL_SPACES.has(row.space),
    onChange: (_, after) => this.#named(after),
  })
  readonly profiles = new InternedTable<ProfileRow>(
    { name: 'profiles', keyOf: (row) => row.text, capacity: 2_000 },
    'profilesById',
  )
  readonly routes = new InternedTable<RouteRow>(
    { name: 'routes', keyOf: routeKey, capacity: RESIDENCY.others },
    'routesById',
  )
  readonly queues = new Table<number, QueueRow>({
    name: 'queues',
    keyOf: (row) => row.id,
    capacity: RESIDENCY.others,
  })
  readonly fair = new Table<string, FairRow>({
    name: 'fair',
    keyOf: (row) => fairId(row.queue, row.key),
    capacity: RESIDENCY.others,
  })
  readonly keys = new Table<string, KeyRow>({
    name: 'keys',
    keyOf: (row) => keyId(row.namespace, row.key),
    capacity: RESIDENCY.others,
  })
  readonly limits = new Table<number, LimitRow>({
    name: 'limits',
    keyOf: (row) => row.id,
    capacity: RESIDENCY.others,
  })
  readonly runs = new Table<number, RunRow>({
    name: 'runs',
    isById: true,
    keyOf: (run) => run.job,
    capacity: RESIDENCY.others,
    // How long the journal of a run is in the middle of being written is known here alone.
    isPinned: (run) => this.jobs.peek(run.job)?.state === RUNNING,
    onChange: (before, after) => this.#runChanged(before, after),
  })
  readonly holders = new RangeTable('holders', RESIDENCY.others)
  readonly dependents = new RangeTable('dependents', RESIDENCY.others)
  readonly append = new AppendBuffer()
  readonly wants = new Wants()
  readonly #nameById = new Map<number, string>()
  readonly #profileById = new Map<number, Profile>()
  readonly #counts = new Counts()
  #nextJobId: number
  #nextNameId: number
  #settledIds: { job: number; name: number }
  #isDirty = false
  /** What jobs need, by class. */
  readonly classes = new Classes()
  readonly reservations = new Reservations()

  constructor(
    opening: Opening,
    onJob: (before: JobRow | undefined, after: JobRow | undefined) => void,
    onRunNews: (job: JobRow) => void = () => {},
    residency = RESIDENCY,
  ) {
    this.#onJob = onJob
    this.#onRunNews = onRunNews
    if (residency !== RESIDENCY)
      for (const table of this.#tables())
        table.keepAtMost(table === this.jobs ? residency.jobs : residency.others)
    this.#nextJobId = opening.nextJobId
    this.#nextNameId = opening.nextNameId
    this.#settledIds = { job: opening.nextJobId, name: opening.nextNameId }
    this.lines = new Lines(opening.nextJobId === 1, residency)
    for (const row of opening.names) {
      this.names.load(nameId(row.space, row.text), row)
      this.#named(row)
    }
    for (const row of opening.queues) this.queues.load(row.id, row)
    for (const row of opening.running) this.jobs.load(row.id, row)
  }

  /** True when there are changes that no commit carries yet. */
  get isDirty(): boolean {
    return this.#isDirty
  }

  // What the core asks for.

  routeById(id: number): RouteRow {
    return this.routes.byId(id)
  }

  profileById(id: number): Profile {
    const known = this.#profileById.get(id)
    if (known !== undefined) return known
    const profile = JSON.parse(this.profiles.byId(id).text) as Profile
    if (this.#profileById.size > 2_000) this.#profileById.clear()
    this.#profileById.set(id, profile)
    return profile
  }

  lineAt(line: number, position: number): number | undefined {
    return this.lines.at(line, position)
  }

  headSize(line: number): number {
    return this.lines.headSize(line)
  }

  needLines(lines: readonly number[]): void {
    this.lines.need(lines)
  }

  beginLine(line: number): void {
    this.lines.begin(line)
  }

  reservedBy(worker: number): Share {
    return this.reservations.of(worker)
  }

  nextJobId(): number {
    return this.#nextJobId++
  }

  nextNameId(): number {
    return this.#nextNameId++
  }

  // What the engine asks for.

  /** The text of a namespace, queue, kind or class; '' for 0. */
  nameOf(id: number): string {
    return this.#nameById.get(id) ?? ''
  }

  /** Takes in what a job that runs at an opening reserves. */
  reserve(job: JobRow, share: Share): void {
    this.reservations.follow(undefined, job, () => share)
  }

  /** Makes the writes of a command take effect. */
  settle(): void {
    let changed = this.jobs.settle()
    changed = this.names.settle() || changed
    changed = this.profiles.settle() || changed
    changed = this.routes.settle() || changed
    changed = this.queues.settle() || changed
    changed = this.fair.settle() || changed
    changed = this.keys.settle() || changed
    changed = this.limits.settle() || changed
    changed = this.runs.settle() || changed
    changed = this.holders.settle() || changed
    changed = this.dependents.settle() || changed
    changed = this.append.settle() || changed
    if (!changed) return
    this.#isDirty = true
    this.#settledIds = { job: this.#nextJobId, name: this.#nextNameId }
  }

  /** Throws away the writes of a command. */
  discard(): void {
    for (const table of this.#tables()) table.discard()
    this.append.discard()
    this.#nextJobId = this.#settledIds.job
    this.#nextNameId = this.#settledIds.name
    // A profile parsed by the discarded command may have had an id that will be given again.
    for (const id of this.#profileById.keys()) if (id >= this.#nextNameId) this.#profileById.delete(id)
  }

  /** Hands over everything that changed since the last batch. */
  take(epoch: number, sequence: number, time: number): Batch {
    this.#isDirty = false
    const fair = this.fair.take(sequence)
    const keys = this.keys.take(sequence)
    return {
      epoch,
      sequence,
      nextJobId: this.#nextJobId,
      nextNameId: this.#nextNameId,
      time,
      jobs: this.jobs.take(sequence),
      names: rowsOf(this.names.take(sequence)),
      profiles: rowsOf(this.profiles.take(sequence)),
      routes: rowsOf(this.routes.take(sequence)),
      queues: rowsOf(this.queues.take(sequence)),
      limits: rowsOf(this.limits.take(sequence)),
      keys: rowsOf(keys),
      keysGone: goneOf(keys),
      fair: rowsOf(fair),
      fairGone: goneOf(fair),
      runs: this.runs.take(sequence).flatMap(storedRun),
      holders: this.holders.take(sequence),
      dependents: this.dependents.take(sequence),
      counts: this.#counts.take(),
      ...this.append.take(),
    }
  }

  /** Says that commits up to this one are durable. */
  durable(sequence: number): void {
    for (const table of this.#tables()) table.durable(sequence)
    this.lines.evict()
  }

  /** Notes what a command did not find. */
  want(absent: Absent): void {
    this.wants.add(absent)
  }

  /** The reads that are wanted now. Call only right behind a commit, or when nothing is dirty. */
  beginLoads(): LoadRequest | undefined {
    if (this.wants.isEmpty && !this.lines.hungry) return undefined
    const { request, lines } = this.wants.take()
    for (const owner of request.holders) this.holders.beginLoad(owner)
    for (const owner of request.dependents) this.dependents.beginLoad(owner)
    return { ...request, windows: this.lines.beginLoads(lines) }
  }

  /** Takes in what was read. */
  endLoads(request: LoadRequest, loaded: Loaded): void {
    for (const job of loaded.jobs) this.jobs.load(job.id, job)
    for (const id of request.jobs) this.jobs.load(id, undefined)
    for (const row of loaded.names) this.names.load(nameId(row.space, row.text), row)
    for (const key of request.names) this.names.load(key, undefined)
    for (const row of loaded.profiles) this.profiles.load(row.text, row)
    for (const key of request.profiles) this.profiles.load(key, undefined)
    for (const row of loaded.routes) this.routes.load(routeKey(row), row)
    for (const key of request.routes) this.routes.load(key, undefined)
    for (const row of loaded.queues) this.queues.load(row.id, row)
    for (const id of request.queues) this.queues.load(id, undefined)
    for (const row of loaded.fair) this.fair.load(fairId(row.queue, row.key), row)
    for (const key of request.fair) this.fair.load(key, undefined)
    for (const row of loaded.keys) this.keys.load(keyId(row.namespace, row.key), row)
    for (const key of request.keys) this.keys.load(key, undefined)
    for (const row of loaded.limits) this.limits.load(row.id, row)
    for (const id of request.limits) this.limits.load(id, undefined)
    for (const row of loaded.runs) this.runs.load(row.job, row)
    for (const id of request.runs) this.runs.load(id, undefined)
    loadRanges(this.holders, request.holders, loaded.holders)
    loadRanges(this.dependents, request.dependents, loaded.dependents)
    request.windows.forEach(({ line }, index) => {
      const window = loaded.windows[index] as Loaded['windows'][number]
      if (line !== EXPIRY_LINE) for (const job of window.jobs) this.jobs.load(job.id, job)
      this.lines.endLoad(line, window.jobs, window.exhausted)
    })
  }

  #jobChanged(before: JobRow | undefined, after: JobRow | undefined): void {
    this.lines.follow(before, after)
    if (before?.state !== after?.state) {
      if (before !== undefined && after !== undefined) {
        assert(
          isLegalMove(before.state, after.state),
          `job ${after.id} may go from ${stateName(before.state)} to ${stateName(after.state)}`,
        )
      }
      this.#count(before, after)
      if (this.classes.isReserving) this.reservations.follow(before, after, (job) => this.#shareOf(job))
    } else if (before?.route !== after?.route) {
      this.#count(before, after)
    }
    this.#onJob(before, after)
  }

  #count(before: JobRow | undefined, after: JobRow | undefined): void {
    if (before !== undefined) this.#counts.add(before, -1)
    if (after !== undefined) this.#counts.add(after, 1)
  }

  /** What settled for a run that is being worked on: its worker has to hear of it. */
  #runChanged(before: RunRow | undefined, after: RunRow | undefined): void {
    if (after === undefined || after.news === (before?.news ?? 0)) return
    const job = this.jobs.peek(after.job)
    if (job?.state === RUNNING) this.#onRunNews(job)
  }

  #shareOf(job: JobRow): Share {
    return this.classes.get(this.routeById(job.route).class)?.share ?? NO_SHARE
  }

  #named(row: NameRow | undefined): void {
    if (row === undefined || !SMALL_SPACES.has(row.space)) return
    this.#nameById.set(row.id, row.text)
    if (row.space === 'class') this.classes.add(row.id, row.text)
  }

  #tables() {
    const { jobs, names, profiles, routes, queues, fair, keys, limits, runs, holders, dependents } = this
    return [jobs, names, profiles, routes, queues, fair, keys, limits, runs, holders, dependents]
  }
}

/** The row of a run, where it says anything that its journal does not. */
function storedRun({ before, after }: RowChange<RunRow>): RunRow[] {
  if (after === undefined) return []
  const { start, origin, waits, inbox } = before ?? blankRun(after.job)
  const isSame =
    after.start === start && after.origin === origin && after.waits === waits && after.inbox === inbox
  return isSame ? [] : [after]
}

function rowsOf<R>(changes: readonly { readonly after: R | undefined }[]): R[] {
  const rows: R[] = []
  for (const { after } of changes) if (after !== undefined) rows.push(after)
  return rows
}

function goneOf<R>(
  changes: readonly { readonly before: R | undefined; readonly after: R | undefined }[],
): R[] {
  const rows: R[] = []
  for (const { before, after } of changes) if (after === undefined && before !== undefined) rows.push(before)
  return rows
}

function loadRanges(
  table: RangeTable,
  owners: readonly number[],
  read: readonly (readonly [number, number, number])[],
): void {
  const byOwner = new Map<number, [number, number][]>(owners.map((owner) => [owner, []]))
  for (const [owner, member, value] of read) byOwner.get(owner)?.push([member, value])
  for (const [owner, members] of byOwner) table.endLoad(owner, members)
}
