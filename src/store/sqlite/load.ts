/**
 * Load: rows by key, whole ranges, and windows of lines, for the engine's working set.
 */
import type Database from 'better-sqlite3'
import type { JobRow } from '../../core/model/job.ts'
import type {
  FairRow,
  KeyRow,
  LimitRow,
  NameRow,
  ProfileRow,
  QueueRow,
  RouteRow,
} from '../../core/model/rows.ts'
import { EXPIRY_LINE, type LoadRequest, type WindowRequest } from '../store.ts'
import {
  columnName,
  NUMBER_COLUMNS,
  PACKED_NUMBERS,
  type PackedRows,
  TEXT_COLUMNS,
  unpackRows,
} from './job-columns.ts'
import { loadRuns } from './journal.ts'
import { withLeases } from './leases.ts'
import type { PackedLoaded } from './messages.ts'
import { Statements } from './statements.ts'

/** The columns of a whole job row, in the order of {@link PackedRows}. */
export const JOB_COLUMNS = ['id', ...NUMBER_COLUMNS, ...TEXT_COLUMNS]
  .map((field) => `jobs.${columnName(field)}`)
  .join(', ')

type Value = number | string | null

/** Reads through one connection. */
export class Loader {
  readonly #statements: Statements

  constructor(db: Database.Database) {
    this.#statements = new Statements(db)
  }

  load(request: LoadRequest): PackedLoaded {
    return {
      jobs: packRows(this.#each<Value[]>(`SELECT ${JOB_COLUMNS} FROM jobs WHERE id = ?`, request.jobs, true)),
      names: request.names.flatMap((key) => this.#name(key)),
      profiles: [
        ...this.#each<ProfileRow>('SELECT id, text FROM profiles WHERE text = ?', request.profiles),
        ...this.#each<ProfileRow>('SELECT id, text FROM profiles WHERE id = ?', request.profilesById),
      ],
      routes: [
        ...request.routes.flatMap((key) => this.#route(key)),
        ...this.#each<RouteRow>('SELECT * FROM routes WHERE id = ?', request.routesById),
      ],
      queues: this.#each<QueueRow>('SELECT * FROM queues WHERE id = ?', request.queues),
      limits: this.#each<LimitRow>('SELECT * FROM limits WHERE id = ?', request.limits),
      fair: request.fair.flatMap((key) => this.#fair(key)),
      keys: request.keys.flatMap((key) => this.#key(key)),
      holders: this.#range('holders', request.holders),
      dependents: this.#range('dependents', request.dependents),
      runs: loadRuns(this.#statements, request.runs),
      windows: request.windows.map((window) => this.#window(window)),
    }
  }

  /** All running jobs, for an opening. */
  running(): JobRow[] {
    const written = `SELECT ${JOB_COLUMNS} FROM jobs WHERE line = 2 AND line > 0`
    const leased = `SELECT ${JOB_COLUMNS} FROM jobs WHERE id IN (SELECT job FROM leased)`
    const rows = [written, leased].flatMap((sql) => this.#all<Value[]>(sql, [], true))
    return withLeases(this.#statements, unpackRows(packRows(rows)))
  }

  #window({ line, after, count }: WindowRequest): { rows: PackedRows; exhausted: boolean } {
    const rows =
      line === EXPIRY_LINE
        ? this.#all<Value[]>(
            `SELECT ${JOB_COLUMNS} FROM jobs WHERE expire_at > 0 AND (expire_at, id) > (?, ?)
             AND id NOT IN (SELECT job FROM leased) ORDER BY expire_at, id LIMIT ?`,
            [after.rank, after.id, count],
            true,
          )
        : this.#all<Value[]>(
            `SELECT ${JOB_COLUMNS} FROM jobs WHERE line = ? AND line > 0 AND (rank, turn, id) > (?, ?, ?)
             AND id NOT IN (SELECT job FROM leased) ORDER BY rank, turn, id LIMIT ?`,
            [line, after.rank, after.turn, after.id, count],
            true,
          )
    return { rows: packRows(rows), exhausted: rows.length < count }
  }

  #range(table: 'holders' | 'dependents', owners: readonly number[]): [number, number, number][] {
    return this.#each<[number, number, number]>(
      `SELECT owner, member, value FROM ${table} WHERE owner = ?`,
      owners,
      true,
    )
  }

  #name(key: string): NameRow[] {
    const [space, text] = split(key)
    return this.#all<NameRow>('SELECT id, space, text FROM names WHERE space = ? AND text = ?', [space, text])
  }

  #route(key: string): RouteRow[] {
    const sql = 'SELECT * FROM routes WHERE namespace = ? AND queue = ? AND kind = ? AND profile = ?'
    return this.#all<RouteRow>(sql, key.split(':').map(Number))
  }

  #fair(key: string): FairRow[] {
    return this.#all<FairRow>('SELECT * FROM fair WHERE queue = ? AND key = ?', key.split(':').map(Number))
  }

  #key(key: string): KeyRow[] {
    const [namespace, text] = split(key)
    return this.#all<KeyRow>('SELECT * FROM keys WHERE namespace = ? AND key = ?', [Number(namespace), text])
  }

  #each<R>(sql: string, keys: readonly Value[], isRaw = false): R[] {
    return keys.flatMap((key) => this.#all<R>(sql, [key], isRaw))
  }

  #all<R>(sql: string, args: readonly Value[], isRaw = false): R[] {
    return this.#statements
      .get(sql)
      .raw(isRaw)
      .all(...args) as R[]
  }
}

/** The parts before and behind the first colon. */
function split(key: string): [string, string] {
  const colon = key.indexOf(':')
  return [key.slice(0, colon), key.slice(colon + 1)]
}

/** Raw rows in the order of {@link JOB_COLUMNS} as arrays of columns. */
export function packRows(rows: readonly Value[][]): PackedRows {
  const numbers = new Float64Array(rows.length * PACKED_NUMBERS)
  rows.forEach((row, index) => {
    for (let i = 0; i < PACKED_NUMBERS; i++) numbers[index * PACKED_NUMBERS + i] = row[i] as number
  })
  const texts = TEXT_COLUMNS.map((_, column) => {
    const values = rows.map((row) => row[PACKED_NUMBERS + column] as string | null)
    return values.every((value) => value === null) ? null : values
  })
  return { count: rows.length, numbers, texts }
}
