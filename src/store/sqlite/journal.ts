/**
 * Journals: the rows of workflow runs, written many to a statement and read in pages.
 */
import { blankRun, type JournalPage, type JournalRow, type RunRow } from '../../core/model/journal.ts'
import { isBlob } from '../blobs.ts'
import type { Batch } from '../store.ts'
import { type Blobs, resolved } from './blobs.ts'
import type { Statements } from './statements.ts'

/** Rows of one statement; see commit.ts. */
const ROWS_PER_STATEMENT = 32
/** Bounds of one page. Values are large now and then, so their length counts too. */
const PAGE_ROWS = 2_000
const PAGE_CHARACTERS = 4 * 1024 * 1024

type Value = number | string | null

/** Writes what a batch says about journals; their rows go before the cuts. */
export function writeJournals(
  statements: Statements,
  blobs: Blobs,
  { runs, journal, journalCuts }: Pick<Batch, 'runs' | 'journal' | 'journalCuts'>,
): void {
  for (const { job, start, waits, inbox, origin } of runs) {
    statements.get('REPLACE INTO runs VALUES (?, ?, ?, ?, ?)').run(job, start, waits, inbox, origin)
  }
  writeRows(statements, blobs, journal)
  copyResults(statements, blobs, journal)
  for (const { run, before, failures } of journalCuts) {
    if (before > 0) blobs.delete('journal', 'run = ? AND sequence < ?', run, before)
    if (!failures) continue
    blobs.delete('journal', FAILURES, run, run, run, run, run)
    statements.get(FORGET_TICKETS).run(run)
  }
}

/**
 * What failed goes with all of its rows: a step with those of its tries, a child, whose position may be another's as well, with
 * its own. Nobody has cancelled the run any more, and nothing is let go of. Of locks there stays the row in which each was asked
 * for, and that in which it was first got: in that place it is got again.
 */
const FAILURES = `run = ? AND (kind IN (6, 8) OR (kind = 4 AND state = 2)
  OR (kind = 4 AND state = 0 AND '#' || value IN (SELECT name FROM journal WHERE run = ? AND kind = 4 AND state = 2))
  OR (kind IN (1, 2) AND position IN (SELECT position FROM journal WHERE run = ? AND kind = 1 AND state = 2))
  OR (kind = 9 AND sequence NOT IN (SELECT min(sequence) FROM journal WHERE run = ? AND kind = 9 AND state < 2
    AND position IN (SELECT position FROM journal WHERE run = ? AND kind = 9 AND state = 1) GROUP BY position, state)))`

/** The tickets of locks are gone with the end of the run. */
const FORGET_TICKETS = 'UPDATE journal SET value = NULL WHERE run = ? AND kind = 9 AND state = 0'

function writeRows(statements: Statements, blobs: Blobs, rows: readonly JournalRow[]): void {
  let at = 0
  const args: Value[] = []
  for (const count of [ROWS_PER_STATEMENT, 1]) {
    for (; at + count <= rows.length; at += count) {
      args.length = 0
      const some = rows.slice(at, at + count)
      const refers = some.some(({ value }) => isBlob(value))
      for (const row of some) push(args, row, refers ? blobs : undefined)
      statements.get(insertSql(count, refers)).run(...args)
    }
  }
}

/** Few rows refer to blobs: where none does, that column is left out. */
function insertSql(rows: number, refers: boolean): string {
  const columns = `run, sequence, position, kind, state, name, value, at${refers ? ', blob' : ''}`
  const row = `(?, ?, ?, ?, ?, ?, ?, ?${refers ? ', ?' : ''})`
  return `INSERT INTO journal (${columns}) VALUES ${new Array(rows).fill(row).join(', ')}`
}

function push(args: Value[], row: JournalRow, blobs: Blobs | undefined): void {
  const { run, sequence, position, kind, state, name, value, at } = row
  const blob = blobs !== undefined && isBlob(value) ? blobs.refer(value) : null
  args.push(run, sequence, position, kind, state, name, blob === null ? value : null, at)
  if (blobs !== undefined) args.push(blob)
}

/** Large results of jobs, which their payloads and the journal then share. */
const COPY = `
UPDATE journal SET (value, blob) = (SELECT text, blob FROM payloads WHERE job = ? AND field = 'result')
WHERE run = ? AND sequence = ? RETURNING blob`

function copyResults(statements: Statements, blobs: Blobs, rows: readonly JournalRow[]): void {
  for (const { run, sequence, copyOf } of rows) {
    if (copyOf === 0) continue
    const { blob } = statements.get(COPY).get(copyOf, run, sequence) as { blob: number | null }
    if (blob !== null) blobs.count(blob, 1)
  }
}

/** The rows of runs, with the lengths of their journals. A run of which nothing was written has none. */
export function loadRuns(statements: Statements, jobs: readonly number[]): RunRow[] {
  return jobs.flatMap((job) => {
    const row = statements.get('SELECT start, origin, waits, inbox FROM runs WHERE job = ?').get(job) as
      | Pick<RunRow, 'start' | 'origin' | 'waits' | 'inbox'>
      | undefined
    const known: RunRow = { ...blankRun(job), ...row }
    const length = Math.max(known.start, lengthOf(statements, job))
    return row === undefined && length === 0 ? [] : [{ ...known, length }]
  })
}

function lengthOf(statements: Statements, run: number): number {
  const sql = 'SELECT sequence + 1 AS length FROM journal WHERE run = ? ORDER BY sequence DESC LIMIT 1'
  return (statements.get(sql).get(run) as { length: number } | undefined)?.length ?? 0
}

/** The part of a journal from a sequence number on. */
export function readJournal(statements: Statements, run: number, from: number): JournalPage {
  const known = statements.get('SELECT start, origin FROM runs WHERE job = ?').get(run)
  const { start, origin } = (known ?? blankRun(run)) as Pick<RunRow, 'start' | 'origin'>
  const sql = `SELECT run, sequence, position, kind, state, name, ${resolved('value')} AS value, at, 0 AS copyOf
    FROM journal WHERE run = ? AND sequence >= ? ORDER BY sequence LIMIT ?`
  const rows: JournalRow[] = []
  let characters = 0
  for (const row of statements.get(sql).iterate(run, from, PAGE_ROWS) as IterableIterator<JournalRow>) {
    rows.push(row)
    characters += row.value?.length ?? 0
    if (characters > PAGE_CHARACTERS) break
  }
  const last = rows.at(-1)
  const isEnd = rows.length < PAGE_ROWS && characters <= PAGE_CHARACTERS
  const next = last === undefined ? from : last.sequence + 1
  return { rows, next: isEnd ? Math.max(next, start) : next, isEnd, origin }
}
