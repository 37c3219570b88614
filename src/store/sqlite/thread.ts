/**
 * The thread of a store: one connection, requests answered in the order in which they came.
 */
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import type { NameRow, QueueRow } from '../../core/model/rows.ts'
import { errorRecord } from '../../errors.ts'
import { assert } from '../../std/assert.ts'
import { Committer } from './commit.ts'
import { checkHeader, guarded, openCheckpointer, openOwner, openReader, translate } from './connection.ts'
import { Loader } from './load.ts'
import { checkLog } from './log.ts'
import { LogRoom } from './log-room.ts'
import type { PackedLoaded, Request, Response, ThreadOptions } from './messages.ts'
import { Ownership } from './ownership.ts'
import { Reads } from './reads.ts'

const { path, role, socket } = workerData as ThreadOptions
const port = parentPort
assert(port !== null, 'this file runs as a thread')

let ownership: Ownership | undefined
let db: Database.Database | undefined
let committer: Committer | undefined
let loader: Loader | undefined
let reads: Reads | undefined
let room: LogRoom | undefined
/** An operation on the file failed, so that a sync may have. */
let isLogDoubtful = false
/** This thread has opened the shard once. */
let isAcquired = false

const OPENERS = { owner: openOwner, reader: openReader, checkpointer: openCheckpointer }

/** Opens, or opens anew after a failure: a connection that saw a failed sync is never used again (D7). */
function open(): unknown {
  const isMemory = path === ':memory:'
  if (role === 'owner' && !isMemory) {
    // First of all, so that nothing is made beside a file that is not ours.
    checkHeader(path)
    ownership ??= Ownership.take(path, socket)
    // Later openings find the log as this thread has left it.
    if (db === undefined) checkLog(path)
  }
  if (isMemory && db !== undefined) return guarded(path, () => opening(db as Database.Database))
  db?.close()
  db = OPENERS[role](path)
  if (isLogDoubtful) settleLog(db)
  committer = new Committer(db)
  loader = new Loader(db)
  reads = new Reads(db, path)
  if (role === 'owner' && !isMemory) room ??= new LogRoom(path)
  return role === 'owner' ? guarded(path, () => opening(db as Database.Database)) : undefined
}

/**
 * After a sync that failed, what the log holds may be in memory only, and no later sync writes it again. Moving
 * the log into the file writes it anew and syncs that, so that what counts as committed from here on is on disk.
 */
function settleLog(connection: Database.Database): void {
  guarded(path, () => connection.pragma('wal_checkpoint(TRUNCATE)'))
  isLogDoubtful = false
}

/** A full disk is no such failure: SQLite takes that commit back by itself. */
function noteFailure(error: unknown): void {
  if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_IOERR')) isLogDoubtful = true
}

/** Grows the epoch by a write and reads in the same transaction where the shard stands (O2, D6). */
function opening(connection: Database.Database): unknown {
  try {
    const opened = connection.transaction(() => {
      connection.prepare('UPDATE shard SET epoch = epoch + 1 WHERE id = 0').run()
      return standing(connection)
    })()
    isAcquired = true
    return opened
  } catch (error) {
    if (!isAcquired || !isFull(error)) throw error
    // Who opens again after a failed commit had the lock all the time, and SQLite has taken that commit back: the
    // epoch may stay. Giving up instead would end reads too, and would outlast the full disk.
    return standing(connection)
  }
}

function standing(connection: Database.Database): unknown {
  const shard = connection
    .prepare('SELECT epoch, sequence, next_job, next_name, time FROM shard')
    .get() as Record<string, number>
  const small = "SELECT id, space, text FROM names WHERE space IN ('namespace', 'queue', 'kind', 'class')"
  return {
    epoch: shard.epoch,
    sequence: shard.sequence,
    nextJobId: shard.next_job,
    nextNameId: shard.next_name,
    time: shard.time,
    names: connection.prepare(small).all() as NameRow[],
    queues: connection.prepare('SELECT * FROM queues').all() as QueueRow[],
    running: (loader as Loader).running(),
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_FULL'
}

function close(): void {
  db?.close()
  db = undefined
  ownership?.release()
  ownership = undefined
}

function handle(request: Request): unknown {
  switch (request.op) {
    case 'open':
      return open()
    case 'commit':
      return (committer as Committer).commit(request.batch)
    case 'load':
      return (loader as Loader).load(request.request)
    case 'read':
      return (reads as Reads).call(request.name, request.args)
    case 'checkpoint':
      db?.pragma('wal_checkpoint(PASSIVE)')
      return undefined
    case 'close':
      return close()
  }
}

port.on('message', (request: Request) => {
  let response: Response
  try {
    response = { id: request.id, value: handle(request) }
  } catch (error) {
    noteFailure(error)
    response = { id: request.id, error: errorRecord(translate(path, error), 'STORE_FAILED') }
  }
  port.postMessage(response, buffersOf(request, response))
  if (request.op === 'commit') makeRoom()
  if (request.op === 'close') port.close()
})

/** Nothing depends on it: what keeps it from being made (a full disk, a quota) is told by the commit that meets it. */
function makeRoom(): void {
  try {
    room?.noteCommit()
  } catch {}
}

/** The number arrays of what was loaded move instead of being copied. */
function buffersOf({ op }: Request, { value }: Response): ArrayBuffer[] {
  if (op !== 'load' || value === undefined) return []
  const { jobs, windows } = value as PackedLoaded
  return [jobs, ...windows.map(({ rows }) => rows)].map(({ numbers }) => numbers.buffer as ArrayBuffer)
}
