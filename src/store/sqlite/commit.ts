/**
 * Commit: one batch, one fenced transaction.
 */
import type Database from 'better-sqlite3'
import type { PayloadRow } from '../../core/model/rows.ts'
import { perdureError } from '../../errors.ts'
import { isBlob } from '../blobs.ts'
import { Blobs } from './blobs.ts'
import { fill, groupSql } from './group-sql.ts'
import { writeJournals } from './journal.ts'
import { LeaseWriter } from './leases.ts'
import type { JobGroup, PackedBatch } from './messages.ts'
import { Statements } from './statements.ts'

/** Rows of one statement: fewer calls into SQLite take a fifth off the time of a write. */
const ROWS_PER_STATEMENT = 32

/** Tables from which a purge takes all rows of a job; the column that names it. Those that may refer to blobs come beside them. */
const PURGED = [
  ['attempts', 'job'],
  ['logs', 'job'],
  ['progress', 'job'],
  ['metadata', 'job'],
  ['runs', 'job'],
  ['holders', 'member'],
  ['dependents', 'owner'],
  ['dependents', 'member'],
] as const
const PURGED_VALUES = [
  ['payloads', 'job'],
  ['journal', 'run'],
] as const

/** Writes batches to one connection. */
export class Committer {
  readonly #statements: Statements
  readonly #leases: LeaseWriter
  readonly #blobs: Blobs

  constructor(db: Database.Database) {
    this.#statements = new Statements(db)
    this.#leases = new LeaseWriter(this.#statements)
    this.#blobs = new Blobs(this.#statements)
  }

  /** Durable when it returns (synchronous = FULL). Throws FENCED, or what SQLite throws; nothing took effect then. */
  commit(batch: PackedBatch): void {
    this.#run('BEGIN IMMEDIATE')
    try {
      this.#fence(batch)
      this.#writeJobs(batch)
      this.#writeInterned(batch)
      this.#writeTurns(batch)
      this.#writeRanges(batch)
      this.#writeAppended(batch)
      writeJournals(this.#statements, this.#blobs, batch)
      this.#purge(batch)
      this.#blobs.settle()
      this.#run('COMMIT')
    } catch (error) {
      this.#statements.rollBack()
      this.#leases.forget()
      this.#blobs.forget()
      throw error
    }
  }

  /** Succeeds only as the successor of the last commit of the same epoch (O3). */
  #fence({ epoch, sequence, nextJobId, nextNameId, time }: PackedBatch): void {
    const sql =
      'UPDATE shard SET sequence = ?, next_job = ?, next_name = ?, time = ? WHERE id = 0 AND epoch = ? AND sequence = ?'
    const { changes } = this.#run(sql, sequence, nextJobId, nextNameId, time, epoch, sequence - 1)
    if (changes !== 1) {
      throw perdureError('FENCED', {
        expected: `the shard to stand at epoch ${epoch}, sequence ${sequence - 1}`,
        found: 'that it has moved on under another owner',
        fix: 'Stop this owner; the other one has the data',
      })
    }
  }

  #writeJobs({ groups, leases, deleted }: PackedBatch): void {
    for (const group of groups) {
      this.#writeGroup(group)
      if (!group.isInsert) this.#leases.settle(idsOf(group))
    }
    this.#leases.add(leases)
    for (const id of deleted) this.#run('DELETE FROM jobs WHERE id = ?', id)
  }

  #writeGroup(group: JobGroup): void {
    const args: (number | string | null)[] = []
    let row = 0
    for (const rows of [ROWS_PER_STATEMENT, 1]) {
      if (group.count - row < rows) continue
      const statement = this.#statements.get(groupSql(group, rows))
      for (; row + rows <= group.count; row += rows) {
        fill(args, group, row, rows)
        statement.run(...args)
      }
    }
  }

  #writeInterned({ names, profiles, routes }: PackedBatch): void {
    for (const { id, space, text } of names) this.#run('INSERT INTO names VALUES (?, ?, ?)', id, space, text)
    for (const { id, text } of profiles) this.#run('INSERT INTO profiles VALUES (?, ?)', id, text)
    for (const { id, namespace, queue, kind, class: classId, profile } of routes) {
      this.#run('INSERT INTO routes VALUES (?, ?, ?, ?, ?, ?)', id, namespace, queue, kind, classId, profile)
    }
  }

  #writeTurns({ queues, limits, fair, fairGone }: PackedBatch): void {
    for (const { id, paused, turn } of queues)
      this.#run('REPLACE INTO queues VALUES (?, ?, ?)', id, paused, turn)
    for (const { id, max } of limits) this.#run('REPLACE INTO limits VALUES (?, ?)', id, max)
    for (const { queue, key, turn } of fair) this.#run('REPLACE INTO fair VALUES (?, ?, ?)', queue, key, turn)
    for (const { queue, key } of fairGone)
      this.#run('DELETE FROM fair WHERE queue = ? AND key = ?', queue, key)
  }

  #writeRanges({ holders, dependents, keys, keysGone, counts }: PackedBatch): void {
    for (const { namespace, key, job, digest, until } of keys) {
      this.#run('REPLACE INTO keys VALUES (?, ?, ?, ?, ?)', namespace, key, job, digest, until)
    }
    for (const { namespace, key } of keysGone)
      this.#run('DELETE FROM keys WHERE namespace = ? AND key = ?', namespace, key)
    for (const [table, changes] of [
      ['holders', holders],
      ['dependents', dependents],
    ] as const) {
      for (const { owner, member, value } of changes) {
        if (value < 0) this.#run(`DELETE FROM ${table} WHERE owner = ? AND member = ?`, owner, member)
        else this.#run(`REPLACE INTO ${table} VALUES (?, ?, ?)`, owner, member, value)
      }
    }
    const sql = 'INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n'
    for (const { route, state, delta } of counts) this.#run(sql, route, state, delta)
  }

  #writeAppended({ attempts, payloads, logs, progress, metadata }: PackedBatch): void {
    for (const { job, number, worker, startedAt, endedAt, outcome, error } of attempts) {
      const sql = 'REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)'
      this.#run(sql, job, number, worker, startedAt, endedAt, outcome, error)
    }
    for (const row of payloads) this.#writePayload(row)
    for (const { job, attempt, offset, stream, at, text } of logs) {
      this.#run('REPLACE INTO logs VALUES (?, ?, ?, ?, ?, ?)', job, attempt, offset, stream, at, text)
    }
    for (const { job, fraction, message, at } of progress) {
      this.#run('REPLACE INTO progress VALUES (?, ?, ?, ?)', job, fraction, message, at)
    }
    for (const { namespace, name, value, job } of metadata) {
      this.#run('REPLACE INTO metadata VALUES (?, ?, ?, ?)', namespace, name, value, job)
    }
  }

  #writePayload({ job, field, text }: PayloadRow): void {
    this.#blobs.delete('payloads', 'job = ? AND field = ?', job, field)
    const sql = 'INSERT INTO payloads VALUES (?, ?, ?, ?)'
    if (isBlob(text)) this.#run(sql, job, field, null, this.#blobs.refer(text))
    else if (text !== null) this.#run(sql, job, field, text, null)
  }

  /** Keys are remembered for their window, whatever becomes of their job (D9). */
  #purge({ purged, time }: PackedBatch): void {
    for (const job of purged) {
      for (const [table, column] of PURGED) this.#run(`DELETE FROM ${table} WHERE ${column} = ?`, job)
      for (const [table, column] of PURGED_VALUES) this.#blobs.delete(table, `${column} = ?`, job)
      this.#run('DELETE FROM keys WHERE job = ? AND until <= ?', job, time)
    }
  }

  #run(sql: string, ...args: (number | string | null)[]): Database.RunResult {
    return this.#statements.get(sql).run(...args)
  }
}

function* idsOf({ count, numbers }: JobGroup): Generator<number> {
  for (let at = 0; at < numbers.length; at += numbers.length / count) yield numbers[at] as number
}
