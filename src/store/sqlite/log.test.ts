/** The look at the log: what was on disk is never dropped in silence, and no healthy log is ever refused. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { outcomeOf, RUNS } from '../../std/testdata/fuzz.ts'
import { fc } from '../../std/testdata/properties.ts'
import { checkLog } from './log.ts'

const HEADER = 32
const FRAME = 24 + 4_096

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-log-'))
  path = join(folder, 'app.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Commits texts of these lengths, and leaves the log as a kill would. Answers the frames of each commit. */
function written(lengths: readonly number[], before: (db: Database.Database) => void = () => {}): number[] {
  const db = new Database(join(folder, 'origin.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('wal_autocheckpoint = 0')
  db.exec('CREATE TABLE t (a)')
  before(db)
  const sizes = lengths.map((length) => {
    const from = framesOf(join(folder, 'origin.db'))
    db.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(length))
    return framesOf(join(folder, 'origin.db')) - from
  })
  cpSync(join(folder, 'origin.db'), path)
  cpSync(join(folder, 'origin.db-wal'), `${path}-wal`)
  db.close()
  return sizes
}

const framesOf = (of: string): number => (readFileSync(`${of}-wal`).length - HEADER) / FRAME

/** Damages the log, looks at it, and mends it again. */
function lookAt(damage: (log: Buffer) => Buffer): 'refused' | 'let through' {
  const whole = readFileSync(`${path}-wal`)
  writeFileSync(`${path}-wal`, damage(Buffer.from(whole)))
  const came = outcomeOf(() => checkLog(path))
  writeFileSync(`${path}-wal`, whole)
  return 'code' in came && came.code === 'STORE_CORRUPT' ? 'refused' : 'let through'
}

const flipped = (at: number) => (log: Buffer) => {
  log[at >> 3] = (log[at >> 3] as number) ^ (1 << (at & 7))
  return log
}

describe('a log', () => {
  it('that is whole, cut off anywhere, empty or not there is let through', () => {
    written([10, 9_000, 10, 20_000])
    expect(lookAt((log) => log)).toBe('let through')
    const { length } = readFileSync(`${path}-wal`)
    fc.assert(
      fc.property(fc.nat(length), (end) => {
        expect(lookAt((log) => log.subarray(0, end))).toBe('let through')
      }),
      RUNS,
    )
    rmSync(`${path}-wal`)
    expect(outcomeOf(() => checkLog(path))).toEqual({ value: undefined })
  })

  it('is refused for any bit that is another, in any transaction but the last', () => {
    const sizes = written([10, 9_000, 10, 20_000])
    const total = framesOf(path)
    const last = sizes.at(-1) as number
    expect(last).toBeGreaterThan(1)
    fc.assert(
      fc.property(fc.nat(total * FRAME * 8 - 1), (bit) => {
        const frame = Math.floor(bit / 8 / FRAME)
        // where a damaged end of the last but one cannot be told from its middle, it goes on in the last one
        const isEnd = frame === total - last - 1
        fc.pre(!isEnd)
        expect(lookAt(flipped(HEADER * 8 + bit))).toBe(frame < total - last ? 'refused' : 'let through')
      }),
      RUNS,
    )
  })

  it('is let through where a bit of its last transaction makes one of its frames an end', () => {
    const last = written([10, 20_000]).at(-1) as number
    const first = framesOf(path) - last
    for (let bit = 0; bit < 32; bit++) {
      const sizeWord = HEADER + first * FRAME + 4
      expect(lookAt(flipped(sizeWord * 8 + bit))).toBe('let through')
    }
  })

  it('that is used again holds frames of before, which mean nothing', () => {
    written([10], (db) => {
      db.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(50_000))
      db.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(50_000))
      db.pragma('wal_checkpoint(RESTART)')
    })
    expect(framesOf(path)).toBeGreaterThan(20)
    expect(lookAt((log) => log)).toBe('let through')
  })
})
