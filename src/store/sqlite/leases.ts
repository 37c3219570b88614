/**
 * Leases beside the job rows: what a lease adds to many jobs, in one row.
 *
 * A leased job is soon written again, with how it ended. So a lease that changes nothing else does not touch the job's
 * row: it is a member of a row of `leases`, until the job's next change writes the whole of it and takes it out. That
 * spares one of the three writes in the life of most jobs. Who reads job rows puts the two together.
 *
 * A job that was scheduled, and becomes due and is leased within one commit, is no different: what becoming due changes,
 * a lease changes again. Its row goes on saying that it is scheduled.
 */
import { type Grant, leasedRow } from '../../core/commands/lease.ts'
import type { JobRow } from '../../core/model/job.ts'
import { LOCAL_LEASE } from '../../core/model/job.ts'
import { READY, RUNNING, SCHEDULED, type StateCode } from '../../core/model/states.ts'
import { changedColumns, LEASE_MASK } from './job-columns.ts'
import type { LeaseGroup } from './messages.ts'
import type { Statements } from './statements.ts'

/** Most jobs of one row, so that taking one out writes little. */
const JOBS_PER_ROW = 64

/** What the row of a job may say that has its lease here. */
const isLeasable = (state: StateCode): boolean => state === READY || state === SCHEDULED

/** Whether a change of a job is its lease and nothing else. */
export function isPlainLease(before: JobRow, after: JobRow): boolean {
  return (
    isLeasable(before.state) &&
    after.state === RUNNING &&
    after.attempt === before.attempt + 1 &&
    after.tries === before.tries + 1 &&
    ((after.flags ^ before.flags) & ~LOCAL_LEASE) === 0 &&
    (changedColumns(before, after) & ~LEASE_MASK) === 0
  )
}

/** Leases in the order in which jobs were granted; those of one command become one group. */
export class LeaseGroups {
  readonly groups: (LeaseGroup & { readonly jobs: number[] })[] = []

  add(job: JobRow): void {
    const last = this.groups[this.groups.length - 1]
    const local = (job.flags & LOCAL_LEASE) !== 0
    const { worker, startedAt } = job
    const nonce = job.nonce as string
    if (
      last?.nonce === nonce &&
      last.worker === worker &&
      last.startedAt === startedAt &&
      last.local === local
    )
      last.jobs.push(job.id)
    else this.groups.push({ worker, nonce, local, startedAt, jobs: [job.id] })
  }
}

interface LeaseRow {
  readonly id: number
  readonly worker: number
  readonly nonce: string
  readonly local: number
  readonly started_at: number
  readonly jobs: string
}

/** The leases of all jobs that have one here, by job. */
function grantsByJob(statements: Statements): Map<number, Grant> {
  const grants = new Map<number, Grant>()
  for (const row of rowsOf(statements)) {
    const grant = { worker: row.worker, nonce: row.nonce, local: row.local !== 0, startedAt: row.started_at }
    for (const job of JSON.parse(row.jobs) as number[]) grants.set(job, grant)
  }
  return grants
}

/** The same jobs as they stand: those that have a lease here are running. */
export function withLeases(statements: Statements, jobs: JobRow[]): JobRow[] {
  if (!jobs.some(({ state }) => isLeasable(state))) return jobs
  const grants = grantsByJob(statements)
  if (grants.size === 0) return jobs
  return jobs.map((job) => {
    const grant = grants.get(job.id)
    return grant === undefined ? job : leasedRow(job, grant)
  })
}

function rowsOf(statements: Statements): LeaseRow[] {
  return statements.get('SELECT * FROM leases').raw(false).all() as LeaseRow[]
}

/** Writes leases within the commits of one connection, and knows which jobs have one. */
export class LeaseWriter {
  readonly #statements: Statements
  /** The row of each job that has a lease; undefined until it is read, and after a commit that failed. */
  #rows: Map<number, Row> | undefined
  #nextId = 1

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /** Forgets what is known: it is read again from what was committed. */
  forget(): void {
    this.#rows = undefined
  }

  /** Takes jobs out whose own rows are written, or go, in this commit. */
  settle(jobs: Iterable<number>): void {
    const rows = this.#known()
    if (rows.size === 0) return
    const touched = new Set<Row>()
    for (const job of jobs) {
      const row = rows.get(job)
      if (row === undefined) continue
      rows.delete(job)
      row.jobs.delete(job)
      touched.add(row)
    }
    for (const { id, jobs } of touched) {
      if (jobs.size === 0) this.#statements.get('DELETE FROM leases WHERE id = ?').run(id)
      else this.#statements.get('UPDATE leases SET jobs = ? WHERE id = ?').run(textOf(jobs), id)
    }
  }

  add(groups: readonly LeaseGroup[]): void {
    const rows = this.#known()
    for (const { worker, nonce, local, startedAt, jobs } of groups) {
      for (let at = 0; at < jobs.length; at += JOBS_PER_ROW) {
        const row: Row = { id: this.#nextId++, jobs: new Set(jobs.slice(at, at + JOBS_PER_ROW)) }
        for (const job of row.jobs) rows.set(job, row)
        const sql = 'INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?)'
        this.#statements.get(sql).run(row.id, worker, nonce, local ? 1 : 0, startedAt, textOf(row.jobs))
      }
    }
  }

  #known(): Map<number, Row> {
    if (this.#rows !== undefined) return this.#rows
    const rows = new Map<number, Row>()
    this.#nextId = 1
    for (const { id, jobs } of rowsOf(this.#statements)) {
      const row: Row = { id, jobs: new Set(JSON.parse(jobs) as number[]) }
      for (const job of row.jobs) rows.set(job, row)
      this.#nextId = Math.max(this.#nextId, id + 1)
    }
    this.#rows = rows
    return rows
  }
}

/** A row of `leases` in memory. */
interface Row {
  readonly id: number
  readonly jobs: Set<number>
}

const textOf = (jobs: ReadonlySet<number>): string => JSON.stringify([...jobs])
