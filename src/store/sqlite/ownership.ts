/**
 * Ownership of a file: one process at a time, known by name to all others.
 *
 * The lock is an open exclusive transaction on an empty database beside the file: the kernel drops it when the
 * process dies, however it dies. What the owner says about itself stands in a small JSON file.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { type PerdureError, perdureError } from '../../errors.ts'

/** What an owner says about itself. */
export interface OwnerInfo {
  readonly pid: number
  /** Epoch ms. */
  readonly since: number
  /** Path of the socket on which it answers; null when it does not. */
  readonly socket: string | null
}

/** A held lock. */
export class Ownership {
  readonly #path: string
  readonly #lock: Database.Database

  private constructor(path: string, lock: Database.Database) {
    this.#path = path
    this.#lock = lock
  }

  /** Takes the lock, or throws STORE_BUSY naming who has it. */
  static take(path: string, socket: string | null): Ownership {
    const lock = new Database(`${path}-lock`, { timeout: 0 })
    try {
      lock.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      lock.close()
      if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) throw busy(path)
      throw error
    }
    const info: OwnerInfo = { pid: process.pid, since: Date.now(), socket }
    writeFileSync(`${path}-owner`, JSON.stringify(info), { mode: 0o600 })
    return new Ownership(path, lock)
  }

  release(): void {
    rmSync(`${this.#path}-owner`, { force: true })
    this.#lock.exec('ROLLBACK')
    this.#lock.close()
  }
}

/** What the present or last owner of a file said about itself. */
function readOwner(path: string): OwnerInfo | undefined {
  try {
    const info = JSON.parse(readFileSync(`${path}-owner`, 'utf8')) as unknown
    return isOwnerInfo(info) ? info : undefined
  } catch {
    return undefined
  }
}

/** The file may be half written, or somebody else's. */
function isOwnerInfo(value: unknown): value is OwnerInfo {
  if (typeof value !== 'object' || value === null) return false
  const { pid, since, socket } = value as Partial<Record<keyof OwnerInfo, unknown>>
  const isMoment = typeof since === 'number' && !Number.isNaN(new Date(since).getTime())
  return Number.isSafeInteger(pid) && isMoment && (socket === null || typeof socket === 'string')
}

function busy(path: string): PerdureError {
  const owner = readOwner(path)
  const since = owner === undefined ? 'an unknown time' : new Date(owner.since).toISOString()
  const reach = owner?.socket
    ? `Reach it at unix:${owner.socket}, or stop it`
    : 'Stop it, or use it from there'
  return perdureError('STORE_BUSY', {
    expected: `'${path}' to have no owner`,
    found: `process ${owner?.pid ?? 'unknown'}, owner since ${since}`,
    fix: reach,
    data: { pid: owner?.pid ?? null, since: owner?.since ?? null, socket: owner?.socket ?? null },
  })
}
