/**
 * Connections: opening a file in the right mode, and refusing what is not a healthy store of ours.
 *
 * A file that is refused is left as it was.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { type PerdureError, perdureError } from '../../errors.ts'
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './schema.ts'

/** Version of SQLite from which the WAL-reset defect is mended. */
const LEAST_SQLITE = [3, 51, 3] as const

/** Opens the connection that writes; makes the file, or brings its tables up to date. */
export function openOwner(path: string): Database.Database {
  return guarded(path, () => {
    const db = new Database(path)
    try {
      checkSqlite(db)
      if (isNew(db)) create(db)
      if (path !== ':memory:') db.pragma('journal_mode = WAL')
      configure(db)
      db.pragma('synchronous = FULL')
      expectPragma(db, path, 'synchronous', 2)
      // The thread beside moves the log into the file (see sqlite-store.ts). With 64 MiB of log the writer helps, which
      // is little work then, so that the log begins anew although the writer never rests.
      db.pragma('wal_autocheckpoint = 16384')
      migrate(db, path)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

/** Opens a connection that only reads. The owner must have opened the file before. */
export function openReader(path: string): Database.Database {
  return guarded(path, () => {
    const db = new Database(path, { readonly: true, fileMustExist: true })
    configure(db)
    db.pragma('synchronous = FULL')
    db.pragma('query_only = ON')
    expectPragma(db, path, 'query_only', 1)
    return db
  })
}

/** Opens a connection that moves the log into the file, and does nothing else. The owner must have opened it before. */
export function openCheckpointer(path: string): Database.Database {
  return guarded(path, () => {
    const db = new Database(path, { fileMustExist: true })
    db.pragma('synchronous = FULL')
    db.pragma('wal_autocheckpoint = 0')
    return db
  })
}

function configure(db: Database.Database): void {
  db.pragma('cache_size = -65536')
  db.pragma('temp_store = MEMORY')
  db.pragma('busy_timeout = 5000')
}

function expectPragma(db: Database.Database, path: string, name: string, wanted: number): void {
  const found = db.pragma(name, { simple: true })
  if (found === wanted) return
  throw perdureError('STORE_FAILED', {
    expected: `${name} of '${path}' to be ${wanted}`,
    found: String(found),
    fix: 'Use a build of SQLite that allows it',
  })
}

function checkSqlite(db: Database.Database): void {
  const version = db.prepare('SELECT sqlite_version()').pluck().get() as string
  const parts = version.split('.').map(Number)
  for (const [index, least] of LEAST_SQLITE.entries()) {
    const part = parts[index] ?? 0
    if (part > least) return
    if (part < least) {
      throw perdureError('STORE_FAILED', {
        expected: `SQLite ${LEAST_SQLITE.join('.')} or newer, in which a write-ahead log defect is mended`,
        found: version,
        fix: 'Update better-sqlite3',
      })
    }
  }
}

/** Reads the first bytes without SQLite, which would touch the file. */
export function checkHeader(path: string): void {
  if (!existsSync(path)) return
  const { size } = statSync(path)
  if (size === 0) return
  const header = Buffer.alloc(100)
  const file = openSync(path, 'r')
  const length = readSync(file, header, 0, 100, 0)
  closeSync(file)
  if (length < 100 || header.toString('latin1', 0, 15) !== 'SQLite format 3') {
    throw foreign(path, 'a file of another format')
  }
  const application = header.readUInt32BE(68)
  if (application !== APPLICATION_ID) throw foreign(path, 'a SQLite database of another program')
}

function foreign(path: string, found: string): PerdureError {
  return perdureError('STORE_FOREIGN', {
    expected: `'${path}' to be a Perdure store, or not to exist`,
    found,
    fix: 'Name another file; this one was left as it was',
  })
}

function isNew(db: Database.Database): boolean {
  return db.pragma('application_id', { simple: true }) === 0
}

/** Made in one transaction and before the log is switched on, so that a crash leaves nothing or all. */
function create(db: Database.Database): void {
  const run = db.transaction(() => {
    for (const step of MIGRATIONS) db.exec(step)
    db.pragma(`user_version = ${SCHEMA_VERSION}`)
    db.pragma(`application_id = ${APPLICATION_ID}`)
  })
  run()
}

function migrate(db: Database.Database, path: string): void {
  const version = db.pragma('user_version', { simple: true }) as number
  if (version > SCHEMA_VERSION) {
    throw perdureError('STORE_VERSION', {
      expected: `'${path}' to be of version ${SCHEMA_VERSION} or older`,
      found: `version ${version}`,
      fix: 'Use the newer Perdure that wrote it',
    })
  }
  for (let step = version; step < SCHEMA_VERSION; step++) {
    db.transaction(() => {
      db.exec(MIGRATIONS[step] as string)
      db.pragma(`user_version = ${step + 1}`)
    })()
  }
}

/** Runs something that SQLite may fail, and tells damage apart from other failures. */
export function guarded<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw translate(path, error)
  }
}

/** What SQLite threw, as one of our errors. */
export function translate(path: string, error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  if (error.code.startsWith('SQLITE_CORRUPT') || error.code === 'SQLITE_NOTADB') {
    return perdureError('STORE_CORRUPT', {
      expected: `'${path}' to be a whole Perdure store`,
      found: `damage (${error.code}: ${error.message})`,
      fix: "Restore it from a backup; 'perdure doctor' tells more. It was left as it is",
      cause: error,
    })
  }
  const isFull = error.code === 'SQLITE_FULL'
  return perdureError('STORE_FAILED', {
    expected: `'${path}' to take a change`,
    found: `${error.code}: ${error.message}`,
    fix: isFull
      ? 'Make room on the disk; nothing was changed by this call'
      : 'Look at the disk and try again',
    cause: error,
    data: { sqlite: error.code },
  })
}
