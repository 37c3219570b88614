/**
 * Reads of a memory store: lists, single jobs, counts and output, answered from its tables.
 */
import { blankRun, type JournalPage } from '../../core/model/journal.ts'
import type { Profile } from '../../core/model/profile.ts'
import type { LogRow } from '../../core/model/rows.ts'
import { CANCELLED, isTerminal, type StateCode, SUCCEEDED } from '../../core/model/states.ts'
import type { KeyPlace, StoredJobDetails, StoredPage, StoredQuery, StoreReads } from '../store.ts'
import { check } from './check.ts'
import { compare, type Place } from './order.ts'
import { detailsOf, nameOf, storedJob } from './stored.ts'
import type { Tables } from './tables.ts'

/** Rows that one call of `expired` looks at. */
const MOST_LOOKED_AT = 5_000

/**
 * Makes the reads over some tables.
 *
 * @param facts Where the shard stands, for `info`.
 * @param run Runs a read when its turn comes.
 */
export function createReads(
  tables: Tables,
  facts: () => Readonly<Record<string, number>>,
  run: <T>(read: () => T) => Promise<T>,
): StoreReads {
  return {
    list: (query) => run(() => list(tables, query)),
    details: (id) => run(() => details(tables, id)),
    payload: (job, field) => run(() => tables.payloads.get(job)?.get(field) ?? null),
    counts: (namespace) => run(() => counts(tables, namespace)),
    logs: (job, attempt, from, limit) => run(() => logs(tables, job, attempt, from, limit)),
    expired: (now, from) => run(() => expired(tables, now, from)),
    expiredKeys: (now, after) => run(() => expiredKeys(tables, now, after)),
    dependents: (jobs, limit) => run(() => dependents(tables, jobs, limit)),
    journal: (job, from) => run(() => journal(tables, job, from)),
    info: () =>
      run(() => ({ store: 'memory', jobs: tables.jobs.size, blobs: tables.blobs.size, ...facts() })),
    check: () => run(() => check(tables)),
  }
}

function list(tables: Tables, query: StoredQuery): StoredPage {
  const jobs = []
  for (const id of idsFor(tables, query)) {
    if (!matches(tables, id, query)) continue
    if (jobs.length >= query.limit) return { jobs, next: jobs.at(-1)?.row.id ?? null }
    jobs.push(storedJob(tables, id))
  }
  return { jobs, next: null }
}

/** The ids to look at, in order and behind the cursor. */
function idsFor(tables: Tables, { ids, after, newest }: StoredQuery): Iterable<number> {
  if (ids === null) return tables.ids.from(after === null ? undefined : placeOfId(after), newest)
  const sorted = [...new Set(ids)]
    .filter((id) => tables.jobs.has(id))
    .sort((a, b) => (newest ? b - a : a - b))
  if (after === null) return sorted
  return sorted.filter((id) => (newest ? id < after : id > after))
}

const placeOfId = (id: number): Place => ({ rank: 0, turn: 0, id })

function matches(tables: Tables, id: number, query: StoredQuery): boolean {
  const row = tables.jobs.get(id)
  if (row === undefined) return false
  if (query.states !== null && !query.states.includes(row.state)) return false
  if (query.parent !== null && row.parent !== query.parent) return false
  if (query.createdAfter !== null && row.createdAt < query.createdAfter) return false
  if (query.createdBefore !== null && row.createdAt >= query.createdBefore) return false
  const route = tables.routesById.get(row.route)
  if (query.namespace !== null && nameOf(tables, route?.namespace) !== query.namespace) return false
  if (query.queue !== null && nameOf(tables, route?.queue) !== query.queue) return false
  if (query.kind !== null && nameOf(tables, route?.kind) !== query.kind) return false
  const pairs = [...(tables.metadata.get(id)?.values() ?? [])]
  return query.metadata.every(({ name, value, isPrefix }) =>
    pairs.some(
      (pair) => pair.name === name && (isPrefix ? pair.value.startsWith(value) : pair.value === value),
    ),
  )
}

function details(tables: Tables, id: number): StoredJobDetails | null {
  return tables.jobs.has(id) ? detailsOf(tables, id) : null
}

type Count = Awaited<ReturnType<StoreReads['counts']>>[number]

/** From the counters that commits keep, not from the jobs. */
function counts(tables: Tables, wanted: string | null): Count[] {
  const sums = new Map<string, Count>()
  for (const [key, count] of tables.counts) {
    const route = tables.routesById.get(Math.floor(key / 16))
    const namespace = nameOf(tables, route?.namespace)
    if (count === 0 || (wanted !== null && namespace !== wanted)) continue
    const queue = nameOf(tables, route?.queue)
    const state = (key % 16) as StateCode
    const id = JSON.stringify([namespace, queue, state])
    const paused = tables.queues.get(route?.queue ?? 0)?.paused === 1
    sums.set(id, { namespace, queue, paused, state, count: (sums.get(id)?.count ?? 0) + count })
  }
  return [...sums.values()]
}

function logs(
  tables: Tables,
  job: number,
  attempt: number | null,
  from: { readonly attempt: number; readonly offset: number },
  limit: number,
): LogRow[] {
  const start = { rank: from.attempt, turn: from.offset, id: 0 }
  return [...(tables.logs.get(job)?.values() ?? [])]
    .filter((row) => (attempt === null || row.attempt === attempt) && compare(placeOfLog(row), start) >= 0)
    .sort((a, b) => compare(placeOfLog(a), placeOfLog(b)))
    .slice(0, limit)
}

const placeOfLog = ({ attempt, offset }: LogRow): Place => ({ rank: attempt, turn: offset, id: 0 })

function expired(tables: Tables, now: number, from: number): { ids: number[]; next: number | null } {
  const ids: number[] = []
  let looked = 0
  for (const id of tables.ids.from({ rank: 0, turn: 0, id: from - 1 })) {
    if (looked++ === MOST_LOOKED_AT) return { ids, next: id }
    if (isExpired(tables, id, now)) ids.push(id)
  }
  return { ids, next: null }
}

function journal(tables: Tables, run: number, from: number): JournalPage {
  const rows = [...(tables.journal.get(run)?.values() ?? [])].filter(({ sequence }) => sequence >= from)
  const last = rows.at(-1)
  const next = last === undefined ? from : last.sequence + 1
  const { start, origin } = tables.runs.get(run) ?? blankRun(run)
  return { rows, next: Math.max(next, start), isEnd: true, origin }
}

function isExpired(tables: Tables, id: number, now: number): boolean {
  const row = tables.jobs.get(id)
  if (row === undefined || !isTerminal(row.state)) return false
  const profile = tables.profilesById.get(tables.routesById.get(row.route)?.profile ?? 0)
  if (profile === undefined) return false
  const { succeededMs, failedMs, cancelledMs } = (JSON.parse(profile.text) as Profile).retention
  const keptMs = row.state === SUCCEEDED ? succeededMs : row.state === CANCELLED ? cancelledMs : failedMs
  return row.finishedAt + keptMs <= now
}

function expiredKeys(
  tables: Tables,
  now: number,
  after: KeyPlace,
): { keys: KeyPlace[]; next: KeyPlace | null } {
  const looked = [...tables.keys.values()].filter((row) => compareKeys(row, after) > 0).sort(compareKeys)
  const rows = looked.slice(0, MOST_LOOKED_AT)
  const keys = rows.filter(({ job, until }) => until <= now && !tables.jobs.has(job))
  return { keys, next: looked.length > rows.length ? (rows.at(-1) ?? null) : null }
}

function compareKeys(a: KeyPlace, b: KeyPlace): number {
  if (a.namespace !== b.namespace) return a.namespace - b.namespace
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}

/** Breadth first over the edges that have not settled. */
function dependents(tables: Tables, jobs: readonly number[], limit: number): number[] {
  const found = new Set<number>()
  const queue = [...jobs]
  for (const owner of queue) {
    for (const member of tables.dependents.membersOf(owner).keys()) {
      if (found.size >= limit) return [...found]
      if (found.has(member)) continue
      found.add(member)
      queue.push(member)
    }
  }
  return [...found]
}
