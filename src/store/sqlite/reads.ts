/**
 * Reads: lists, details, counts, logs. Everything here sees committed data only and decides nothing.
 */
import type Database from 'better-sqlite3'
import type { JobRow } from '../../core/model/job.ts'
import { HAS_KEY, HAS_PROGRESS, LARGE_INPUT, LARGE_RESULT, limitsOf } from '../../core/model/job.ts'
import type { Profile } from '../../core/model/profile.ts'
import { keyOfOwnName, type LogRow, type ProgressRow } from '../../core/model/rows.ts'
import type { StateCode } from '../../core/model/states.ts'
import { CANCELLED, FAILED, SUCCEEDED } from '../../core/model/states.ts'
import { assert } from '../../std/assert.ts'
import type { KeyPlace, StoredJob, StoredJobDetails, StoredPage, StoredQuery, StoreReads } from '../store.ts'
import { resolved } from './blobs.ts'
import { check } from './check.ts'
import { unpackRows } from './job-columns.ts'
import { readJournal } from './journal.ts'
import { withLeases } from './leases.ts'
import { type Condition, conditionsOf, isSelective, stateCondition } from './list-sql.ts'
import { JOB_COLUMNS, packRows } from './load.ts'
import { Statements } from './statements.ts'

type Value = number | string | null
type Answer<K extends keyof StoreReads> = Awaited<ReturnType<StoreReads[K]>>

/** Ids that one scan step looks at, and how long a list goes on scanning, ms. */
const SCAN_STEP = 50_000
const SCAN_MS = 250
/** Rows that one look for ended retention reads. */
const EXPIRED_ROWS = 5_000

export class Reads {
  readonly #db: Database.Database
  readonly #path: string
  readonly #statements: Statements

  constructor(db: Database.Database, path: string) {
    this.#db = db
    this.#path = path
    this.#statements = new Statements(db)
  }

  /** Calls the function of StoreReads that has this name. */
  call(name: string, args: readonly unknown[]): unknown {
    const table: Record<string, (...args: never[]) => unknown> = {
      // One state of the shard, though it takes several reads.
      list: this.#db.transaction((query: StoredQuery) => this.list(query)),
      details: this.#db.transaction((id: number) => this.details(id)),
      payload: (job: number, field: string) => this.#payload(job, field),
      counts: (namespace: string | null) => this.#counts(namespace),
      logs: (job: number, attempt: number | null, from: { attempt: number; offset: number }, limit: number) =>
        this.#logs(job, attempt, from, limit),
      expired: (now: number, from: number) => this.#expired(now, from),
      expiredKeys: (now: number, after: KeyPlace) => this.#expiredKeys(now, after),
      dependents: (jobs: readonly number[], limit: number) => this.#dependents(jobs, limit),
      // One state of the run, though it takes two reads.
      journal: this.#db.transaction((run: number, from: number) => readJournal(this.#statements, run, from)),
      info: () => this.#info(),
      check: () => check(this.#db),
    }
    const read = table[name]
    assert(read !== undefined, `there is a read '${name}'`)
    return read(...(args as never[]))
  }

  list(query: StoredQuery): StoredPage {
    const conditions = conditionsOf(query)
    const states = query.states === null ? undefined : stateCondition(query.states)
    if (states !== undefined) conditions.push(states.condition)
    const rows =
      states?.isIndexed === true || isSelective(query)
        ? this.#page(query, conditions, query.after, null)
        : this.#scan(query, conditions)
    const jobs = this.#stored(rows.jobs)
    const last = rows.jobs.at(-1)?.id ?? null
    return { jobs, next: rows.jobs.length === query.limit ? last : rows.scannedTo }
  }

  /** One ordered read. `bound` is the id at which the range ends, inclusive. */
  #page(
    { newest, limit }: StoredQuery,
    conditions: readonly Condition[],
    after: number | null,
    bound: number | null,
    most = limit,
  ): { jobs: JobRow[]; scannedTo: null } {
    const parts = [...conditions]
    if (after !== null) parts.push({ sql: `jobs.id ${newest ? '<' : '>'} ?`, args: [after] })
    if (bound !== null) parts.push({ sql: `jobs.id ${newest ? '>=' : '<='} ?`, args: [bound] })
    const where = parts.length === 0 ? '' : `WHERE ${parts.map(({ sql }) => sql).join(' AND ')}`
    const order = newest ? 'DESC' : 'ASC'
    const sql = `SELECT ${JOB_COLUMNS} FROM jobs ${where} ORDER BY jobs.id ${order} LIMIT ?`
    return { jobs: this.#jobs(sql, [...parts.flatMap(({ args }) => args), most]), scannedTo: null }
  }

  /** Looks through ranges of ids until the page is full, the ids end, or the time is up. */
  #scan(query: StoredQuery, conditions: readonly Condition[]): { jobs: JobRow[]; scannedTo: number | null } {
    const { low, high } = this.#row<{ low: number; high: number }>(
      'SELECT coalesce(min(id), 0) AS low, coalesce(max(id), 0) AS high FROM (SELECT min(id) AS id FROM jobs UNION ALL SELECT max(id) FROM jobs)',
      [],
    ) as { low: number; high: number }
    const until = performance.now() + SCAN_MS
    const jobs: JobRow[] = []
    let after = query.after ?? (query.newest ? high + 1 : low - 1)
    while (query.newest ? after > low : after < high) {
      const bound = query.newest ? after - SCAN_STEP : after + SCAN_STEP
      jobs.push(...this.#page(query, conditions, after, bound, query.limit - jobs.length).jobs)
      if (jobs.length >= query.limit) return { jobs, scannedTo: null }
      after = bound
      if (performance.now() > until && (query.newest ? after > low : after < high))
        return { jobs, scannedTo: after }
    }
    return { jobs, scannedTo: null }
  }

  details(id: number): StoredJobDetails | null {
    const [job] = this.#stored(this.#jobs(`SELECT ${JOB_COLUMNS} FROM jobs WHERE id = ?`, [id]))
    if (job === undefined) return null
    const attempts = this.#all<StoredJobDetails['attempts'][number]>(
      `SELECT a.job, a.number, coalesce(n.text, '') AS worker, a.started_at AS startedAt, a.ended_at AS endedAt, a.outcome, a.error
       FROM attempts a LEFT JOIN names n ON n.id = a.worker WHERE a.job = ? ORDER BY a.number`,
      [id],
    )
    const ids = (sql: string) => this.#all<{ id: number }>(sql, [id]).map((row) => row.id)
    return {
      ...job,
      attempts,
      dependsOn: ids('SELECT owner AS id FROM dependents WHERE member = ? AND value < 3 ORDER BY owner'),
      dependents: ids('SELECT member AS id FROM dependents WHERE owner = ? AND value < 3 ORDER BY member'),
    }
  }

  /** Brings in what a job row only refers to. */
  #stored(rows: readonly JobRow[]): StoredJob[] {
    return rows.map((row) => {
      const route = this.#row<{ namespace: string; queue: string; kind: string; profile: string }>(
        `SELECT (SELECT text FROM names WHERE id = r.namespace) AS namespace,
                (SELECT text FROM names WHERE id = r.queue) AS queue,
                coalesce((SELECT text FROM names WHERE id = r.kind), '') AS kind,
                (SELECT text FROM profiles WHERE id = r.profile) AS profile
         FROM routes r WHERE r.id = ?`,
        [row.route],
      )
      assert(route !== undefined, `the route of job ${row.id} exists`)
      const progress =
        (row.flags & HAS_PROGRESS) === 0
          ? undefined
          : this.#row<ProgressRow>('SELECT * FROM progress WHERE job = ?', [row.id])
      return {
        row,
        ...route,
        worker: row.worker === 0 ? null : this.#name(row.worker),
        key: (row.flags & HAS_KEY) === 0 ? null : this.#key(row.id),
        limits: limitsOf(row).map((limit) => keyOfOwnName(this.#name(limit))),
        progress: progress ?? null,
        input: (row.flags & LARGE_INPUT) === 0 ? row.input : this.#payload(row.id, 'input'),
        result: (row.flags & LARGE_RESULT) === 0 ? row.result : this.#payload(row.id, 'result'),
      }
    })
  }

  #name(id: number): string {
    return this.#row<{ text: string }>('SELECT text FROM names WHERE id = ?', [id])?.text ?? ''
  }

  #key(job: number): string | null {
    const row = this.#row<{ key: string }>("SELECT key FROM keys WHERE job = ? AND key LIKE 'k:%'", [job])
    return row === undefined ? null : row.key.slice(2)
  }

  #payload(job: number, field: string): string | null {
    const sql = `SELECT ${resolved('text')} AS text FROM payloads WHERE job = ? AND field = ?`
    return this.#row<{ text: string }>(sql, [job, field])?.text ?? null
  }

  #counts(namespace: string | null): Answer<'counts'> {
    const rows = this.#all<{
      namespace: string
      queue: string
      paused: number
      state: StateCode
      count: number
    }>(
      `SELECT n.text AS namespace, q.text AS queue, coalesce(max(queues.paused), 0) AS paused, c.state, sum(c.n) AS count
       FROM counts c JOIN routes r ON r.id = c.route JOIN names n ON n.id = r.namespace JOIN names q ON q.id = r.queue
       LEFT JOIN queues ON queues.id = r.queue
       WHERE ? IS NULL OR n.text = ? GROUP BY n.text, q.text, c.state ORDER BY n.text, q.text, c.state`,
      [namespace, namespace],
    )
    return rows.map((row) => ({ ...row, paused: row.paused !== 0 }))
  }

  #logs(
    job: number,
    attempt: number | null,
    from: { attempt: number; offset: number },
    limit: number,
  ): LogRow[] {
    return this.#all<LogRow>(
      `SELECT job, attempt, offset, at, stream, text FROM logs WHERE job = ? AND (? IS NULL OR attempt = ?)
       AND (attempt, offset) >= (?, ?) ORDER BY attempt, offset, rowid LIMIT ?`,
      [job, attempt, attempt, from.attempt, from.offset, limit],
    )
  }

  #expired(now: number, from: number): Answer<'expired'> {
    const rows = this.#all<{ id: number; state: StateCode; finishedAt: number; profile: string }>(
      `SELECT jobs.id, state, finished_at AS finishedAt, p.text AS profile FROM jobs
       JOIN routes r ON r.id = jobs.route JOIN profiles p ON p.id = r.profile
       WHERE jobs.id >= ? ORDER BY jobs.id LIMIT ?`,
      [from, EXPIRED_ROWS],
    )
    const retentions = new Map<string, Profile['retention']>()
    const ids: number[] = []
    for (const { id, state, finishedAt, profile } of rows) {
      let retention = retentions.get(profile)
      if (retention === undefined) {
        retention = (JSON.parse(profile) as Profile).retention
        retentions.set(profile, retention)
      }
      const { succeededMs, failedMs, cancelledMs } = retention
      const keepMs =
        state === SUCCEEDED
          ? succeededMs
          : state === FAILED
            ? failedMs
            : state === CANCELLED
              ? cancelledMs
              : Infinity
      if (finishedAt + keepMs <= now) ids.push(id)
    }
    const last = rows.at(-1)?.id
    return { ids, next: rows.length < EXPIRED_ROWS || last === undefined ? null : last + 1 }
  }

  #expiredKeys(now: number, after: KeyPlace): Answer<'expiredKeys'> {
    const rows = this.#all<KeyPlace & { isOver: number }>(
      `SELECT namespace, key, until <= ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = keys.job) AS isOver FROM keys
       WHERE (namespace, key) > (?, ?) ORDER BY namespace, key LIMIT ?`,
      [now, after.namespace, after.key, EXPIRED_ROWS],
    )
    const keys = rows.flatMap(({ namespace, key, isOver }) => (isOver === 1 ? [{ namespace, key }] : []))
    const last = rows.at(-1)
    if (rows.length < EXPIRED_ROWS || last === undefined) return { keys, next: null }
    return { keys, next: { namespace: last.namespace, key: last.key } }
  }

  #dependents(jobs: readonly number[], limit: number): number[] {
    const found = new Set<number>()
    let level = jobs
    while (level.length > 0 && found.size < limit) {
      const next: number[] = []
      for (const owner of level) {
        for (const { id } of this.#all<{ id: number }>(
          'SELECT member AS id FROM dependents WHERE owner = ? LIMIT ?',
          // Some of them may have been found already, though fewer than the limit.
          [owner, 2 * limit],
        )) {
          if (found.has(id) || found.size >= limit) continue
          found.add(id)
          next.push(id)
        }
      }
      level = next
    }
    return [...found]
  }

  #info(): Record<string, string | number | boolean> {
    const pragma = (name: string) => this.#db.pragma(name, { simple: true }) as number
    const shard = this.#row<Record<string, number>>(
      'SELECT epoch, sequence, next_job AS nextJob FROM shard',
      [],
    )
    return {
      path: this.#path,
      sqlite: this.#row<{ v: string }>('SELECT sqlite_version() AS v', [])?.v ?? '',
      schema: pragma('user_version'),
      bytes: pragma('page_count') * pragma('page_size'),
      freeBytes: pragma('freelist_count') * pragma('page_size'),
      journal: String(pragma('journal_mode')),
      epoch: shard?.epoch ?? 0,
      sequence: shard?.sequence ?? 0,
      nextJob: shard?.nextJob ?? 0,
      blobs: this.#row<{ count: number }>('SELECT count(*) AS count FROM blobs', [])?.count ?? 0,
    }
  }

  #jobs(sql: string, args: readonly Value[]): JobRow[] {
    const rows = this.#statements
      .get(sql)
      .raw(true)
      .all(...args) as Value[][]
    return withLeases(this.#statements, unpackRows(packRows(rows)))
  }

  #row<R>(sql: string, args: readonly Value[]): R | undefined {
    return this.#statements.get(sql).get(...args) as R | undefined
  }

  #all<R>(sql: string, args: readonly Value[]): R[] {
    return this.#statements.get(sql).all(...args) as R[]
  }
}
