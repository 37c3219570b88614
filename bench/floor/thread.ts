/**
 * The writing half of the floor: a thread with one SQLite connection that writes job rows and nothing else. Messages
 * that arrive while a transaction commits are written together in the next one.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import type { FloorAcknowledgement, FloorWrite } from './messages.ts'

/** Enough for any commit to be big, small enough that the first of a group does not wait long for its last. */
const ROWS_PER_TRANSACTION = 10_000

const READY = 3
const RUNNING = 4
const SUCCEEDED = 5

const port = parentPort as MessagePort
const database = new Database((workerData as { path: string }).path)
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.pragma('cache_size = -65536')
if (database.pragma('synchronous', { simple: true }) !== 2) throw new Error('synchronous is not FULL')

database.exec(`
  CREATE TABLE job (
    id INTEGER PRIMARY KEY, state INTEGER NOT NULL, namespace INTEGER NOT NULL, queue INTEGER NOT NULL,
    kind INTEGER NOT NULL, profile INTEGER NOT NULL, priority INTEGER NOT NULL, turn INTEGER NOT NULL, dueAt INTEGER,
    attempt INTEGER NOT NULL, worker INTEGER, createdAt INTEGER NOT NULL, endedAt INTEGER, input BLOB
  );
  CREATE INDEX jobReady ON job (queue, priority, turn, id) WHERE state = ${READY};
`)
const begin = database.prepare('BEGIN IMMEDIATE')
const commit = database.prepare('COMMIT')
const insert = database.prepare(
  `INSERT INTO job (id, state, namespace, queue, kind, profile, priority, turn, dueAt, attempt, createdAt, input)
   VALUES (?, ${READY}, 1, 1, 1, 1, 0, ?, ?, 0, ?, ?)`,
)
const run = database.prepare(`UPDATE job SET state = ${RUNNING}, attempt = 1, worker = 1 WHERE id = ?`)
const succeed = database.prepare(`UPDATE job SET state = ${SUCCEEDED}, endedAt = ? WHERE id = ?`)

/** Writes one message inside the open transaction. */
function write(message: Exclude<FloorWrite, { write: 'close' }>): void {
  const time = Date.now()
  const end = message.first + message.count
  if (message.write === 'insert') {
    let from = 0
    for (let id = message.first; id < end; id++) {
      const to = message.ends[id - message.first] as number
      insert.run(id, id, message.dueAt, time, message.inputs.subarray(from, to))
      from = to
    }
  } else if (message.write === 'run') {
    for (let id = message.first; id < end; id++) run.run(id)
  } else {
    for (let id = message.first; id < end; id++) succeed.run(time, id)
  }
}

port.on('message', (first: FloorWrite) => {
  const calls: number[] = []
  let rows = 0
  let closing = false
  let message: FloorWrite | undefined = first
  begin.run()
  while (message) {
    calls.push(message.call)
    if (message.write === 'close') closing = true
    else {
      write(message)
      rows += message.count
    }
    message = rows < ROWS_PER_TRANSACTION ? receiveMessageOnPort(port)?.message : undefined
  }
  commit.run()
  port.postMessage({ calls } satisfies FloorAcknowledgement)
  if (!closing) return
  database.close()
  port.close()
})
