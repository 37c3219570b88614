/**
 * Tables: the rows of a memory store and the orders over them. Changes go through `apply` alone.
 *
 * Rows are never changed in place, so they are kept and given out as they came.
 */
import type { JobRow } from '../../core/model/job.ts'
import {
  BROKEN,
  CANCEL,
  CHILD,
  childName,
  DONE,
  type EntryKind,
  type JournalRow,
  LOCK,
  OPEN,
  type RunRow,
  STEP,
  TIMER,
  WITHDRAW,
} from '../../core/model/journal.ts'
import { NO_LINE } from '../../core/model/line.ts'
import {
  type AttemptRow,
  type FairRow,
  fairId,
  type KeyRow,
  keyId,
  type LimitRow,
  type LogRow,
  type MetadataRow,
  type NameRow,
  nameId,
  type PayloadRow,
  type ProfileRow,
  type ProgressRow,
  type QueueRow,
  type RouteRow,
  routeKey,
} from '../../core/model/rows.ts'
import { assert } from '../../std/assert.ts'
import { type Batch, EXPIRY_LINE, type JobChange } from '../store.ts'
import { Blobs } from './blobs.ts'
import { bucket } from './bucket.ts'
import { Edges } from './edges.ts'
import { Order, type Place } from './order.ts'

export class Tables {
  nextJobId = 1
  nextNameId = 1
  time = 0
  readonly jobs = new Map<number, JobRow>()
  /** All jobs in order of id. */
  readonly ids = new Order()
  readonly names = new Map<string, NameRow>()
  readonly namesById = new Map<number, NameRow>()
  readonly profiles = new Map<string, ProfileRow>()
  readonly profilesById = new Map<number, ProfileRow>()
  readonly routes = new Map<string, RouteRow>()
  readonly routesById = new Map<number, RouteRow>()
  readonly queues = new Map<number, QueueRow>()
  readonly limits = new Map<number, LimitRow>()
  readonly fair = new Map<string, FairRow>()
  readonly keys = new Map<string, KeyRow>()
  /** Per job the ids of the key rows that point at it. */
  readonly keysByJob = new Map<number, Set<string>>()
  readonly holders = new Edges()
  readonly dependents = new Edges()
  readonly attempts = new Map<number, Map<number, AttemptRow>>()
  readonly payloads = new Map<number, Map<string, string>>()
  readonly logs = new Map<number, Map<string, LogRow>>()
  readonly progress = new Map<number, ProgressRow>()
  readonly metadata = new Map<number, Map<string, MetadataRow>>()
  readonly runs = new Map<number, RunRow>()
  /** Per run its rows by sequence number, in order. */
  readonly journal = new Map<number, Map<number, JournalRow>>()
  /** The long ones of the texts in payloads and journals. */
  readonly blobs = new Blobs()
  /** Number of jobs by `route * 16 + state`. */
  readonly counts = new Map<number, number>()
  readonly #lines = new Map<number, Order>()

  /** The order of a line, or of what expires. */
  line(line: number): Order {
    return this.#lines.get(line) ?? new Order()
  }

  /** Throws INTERNAL where a batch does not fit what is stored; {@link apply} cannot fail afterwards. */
  verify(batch: Batch): void {
    const changed = new Set<number>()
    for (const { before, after } of batch.jobs) {
      const id = (after ?? before)?.id
      if (id === undefined) continue
      assert(!changed.has(id), `a batch changes job ${id} once`)
      changed.add(id)
      const stored = this.jobs.get(id)
      assert(isSame(before, stored), `a change of job ${id} starts from the row that is stored`)
    }
  }

  apply(batch: Batch): void {
    this.nextJobId = batch.nextJobId
    this.nextNameId = batch.nextNameId
    this.time = batch.time
    for (const change of batch.jobs) this.#changeJob(change)
    this.#intern(batch)
    for (const row of batch.queues) this.queues.set(row.id, row)
    for (const row of batch.limits) this.limits.set(row.id, row)
    for (const row of batch.fair) this.fair.set(fairId(row.queue, row.key), row)
    for (const row of batch.fairGone) this.fair.delete(fairId(row.queue, row.key))
    for (const row of batch.keys) this.#putKey(row)
    for (const row of batch.keysGone) this.#removeKey(row)
    for (const change of batch.holders) this.holders.change(change)
    for (const change of batch.dependents) this.dependents.change(change)
    this.#append(batch)
    this.#writeJournals(batch)
    for (const { route, state, delta } of batch.counts) {
      const key = route * 16 + state
      this.counts.set(key, (this.counts.get(key) ?? 0) + delta)
    }
    for (const job of batch.purged) this.#purge(job, batch.time)
  }

  #changeJob({ before, after }: JobChange): void {
    if (after === undefined) {
      if (before !== undefined) this.#removeJob(before.id)
      return
    }
    const old = this.jobs.get(after.id)
    this.jobs.set(after.id, after)
    if (old === undefined) this.ids.put({ rank: 0, turn: 0, id: after.id })
    this.#moveLine(old?.line ?? NO_LINE, after.line, after)
    this.#moveExpiry(old?.expireAt ?? 0, after)
  }

  #removeJob(id: number): void {
    const job = this.jobs.get(id)
    if (job === undefined) return
    this.jobs.delete(id)
    this.ids.remove(id)
    this.#leave(job.line, id)
    this.#leave(EXPIRY_LINE, id)
  }

  #moveLine(from: number, to: number, job: JobRow): void {
    if (from !== to) this.#leave(from, job.id)
    if (to !== NO_LINE) this.#enter(to, { rank: job.rank, turn: job.turn, id: job.id })
  }

  #moveExpiry(from: number, { id, expireAt }: JobRow): void {
    if (expireAt > 0) this.#enter(EXPIRY_LINE, { rank: expireAt, turn: 0, id })
    else if (from > 0) this.#leave(EXPIRY_LINE, id)
  }

  #enter(line: number, place: Place): void {
    bucket(this.#lines, line, () => new Order()).put(place)
  }

  #leave(line: number, id: number): void {
    const order = this.#lines.get(line)
    order?.remove(id)
    if (order?.size === 0) this.#lines.delete(line)
  }

  #intern({ names, profiles, routes }: Batch): void {
    for (const row of names) {
      this.names.set(nameId(row.space, row.text), row)
      this.namesById.set(row.id, row)
    }
    for (const row of profiles) {
      this.profiles.set(row.text, row)
      this.profilesById.set(row.id, row)
    }
    for (const row of routes) {
      this.routes.set(routeKey(row), row)
      this.routesById.set(row.id, row)
    }
  }

  #putKey(row: KeyRow): void {
    const id = keyId(row.namespace, row.key)
    const old = this.keys.get(id)
    if (old !== undefined) this.keysByJob.get(old.job)?.delete(id)
    this.keys.set(id, row)
    bucket(this.keysByJob, row.job, () => new Set()).add(id)
  }

  #removeKey({ namespace, key, job }: KeyRow): void {
    const id = keyId(namespace, key)
    this.keys.delete(id)
    const keys = this.keysByJob.get(job)
    keys?.delete(id)
    if (keys?.size === 0) this.keysByJob.delete(job)
  }

  #append({ attempts, payloads, logs, progress, metadata }: Batch): void {
    for (const row of attempts) bucket(this.attempts, row.job, () => new Map()).set(row.number, row)
    for (const row of payloads) this.#putPayload(row)
    for (const row of logs) {
      bucket(this.logs, row.job, () => new Map()).set(`${row.attempt}:${row.offset}:${row.stream}`, row)
    }
    for (const row of progress) this.progress.set(row.job, row)
    for (const row of metadata) {
      const key = JSON.stringify([row.namespace, row.name, row.value])
      bucket(this.metadata, row.job, () => new Map()).set(key, row)
    }
  }

  #putPayload({ job, field, text }: PayloadRow): void {
    const own = bucket(this.payloads, job, () => new Map<string, string>())
    this.blobs.drop(own.get(field) ?? null)
    if (text !== null) own.set(field, this.blobs.refer(text))
    else own.delete(field)
    if (own.size === 0) this.payloads.delete(job)
  }

  #writeJournals({ runs, journal, journalCuts }: Batch): void {
    for (const row of runs) this.runs.set(row.job, row)
    for (const row of journal) {
      const value = row.copyOf === 0 ? row.value : (this.payloads.get(row.copyOf)?.get('result') ?? null)
      const kept = { ...row, value: this.blobs.refer(value), copyOf: 0 }
      bucket(this.journal, row.run, () => new Map()).set(row.sequence, kept)
    }
    for (const { run, before, failures } of journalCuts) {
      const rows = this.journal.get(run) ?? new Map<number, JournalRow>()
      const hasFailed = failures ? failuresOf([...rows.values()]) : () => false
      for (const row of [...rows.values()]) {
        if (row.sequence < before || hasFailed(row)) {
          this.blobs.drop(row.value)
          rows.delete(row.sequence)
        } else if (failures && row.kind === LOCK && row.state === OPEN) {
          rows.set(row.sequence, { ...row, value: null })
        }
      }
    }
  }

  #purge(job: number, time: number): void {
    this.#removeJob(job)
    for (const text of this.payloads.get(job)?.values() ?? []) this.blobs.drop(text)
    for (const { value } of this.journal.get(job)?.values() ?? []) this.blobs.drop(value)
    for (const table of [
      ...[this.attempts, this.payloads, this.logs, this.progress, this.metadata, this.runs, this.journal],
    ])
      table.delete(job)
    this.holders.removeMember(job)
    this.dependents.removeOwner(job)
    this.dependents.removeMember(job)
    for (const id of [...(this.keysByJob.get(job) ?? [])]) {
      const row = this.keys.get(id) as KeyRow
      if (row.until <= time) this.#removeKey(row)
    }
  }
}

function isSame(a: JobRow | undefined, b: JobRow | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  for (const field in a) if (a[field as keyof JobRow] !== b[field as keyof JobRow]) return false
  return true
}

/** What a restart takes out in any case. */
const GONE: ReadonlySet<EntryKind> = new Set<EntryKind>([CANCEL, WITHDRAW])

/** Which rows are of something that failed, or was cancelled: a step with its tries, a child, whose position may be another's as well, a lock that was not got, or was got again. */
function failuresOf(rows: readonly JournalRow[]): (row: JournalRow) => boolean {
  const broken = rows.filter(({ state }) => state === BROKEN)
  const children = new Set(broken.filter(({ kind }) => kind === CHILD).map(({ name }) => name))
  const steps = new Set(broken.filter(({ kind }) => kind === STEP).map(({ position }) => position))
  const got = new Map<number, number>()
  for (const { kind, state, position, sequence } of rows)
    if (kind === LOCK && state === DONE && !got.has(position)) got.set(position, sequence)
  return ({ kind, state, position, sequence, value }) =>
    GONE.has(kind)
      ? true
      : kind === LOCK
        ? sequence > (got.get(position) ?? -1)
        : kind === CHILD
          ? state === BROKEN || (state === OPEN && children.has(childName(value as string)))
          : (kind === STEP || kind === TIMER) && steps.has(position)
}
