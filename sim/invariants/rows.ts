/**
 * Rows: what must hold of every job row, and of every change from one to the next.
 */
import { HAS_UNDO, type JobRow, limitsOf } from '../../src/core/model/job.ts'
import { NO_LINE, RUNNING_LINE, SETTLE_LINE } from '../../src/core/model/line.ts'
import { BLOCKED, isTerminal, READY, RUNNING, stateName } from '../../src/core/model/states.ts'
import { must } from '../violation.ts'

/** Whether two rows say the same. */
export function isSameRow(a: JobRow | undefined, b: JobRow | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  for (const field in a) if (a[field as keyof JobRow] !== b[field as keyof JobRow]) return false
  return true
}

/** Checks one row by itself. */
export function checkRow(row: JobRow): void {
  const state = stateName(row.state)
  const isRunning = row.state === RUNNING
  must('L3', isRunning === (row.nonce !== null), () => `job ${row.id} is ${state}, its lease is ${row.nonce}`)
  must('L3', isRunning === (row.line === RUNNING_LINE), () => `job ${row.id} is ${state} in line ${row.line}`)
  if (isRunning)
    must('W1', row.pending === 0, () => `job ${row.id} runs with ${row.pending} unmet dependencies`)
  if (row.state === BLOCKED) must('W3', row.pending > 0, () => `job ${row.id} is blocked by nothing`)
  if (isRunning || row.state === READY) {
    const wanted = limitsOf(row).length
    must(
      'C6',
      row.taken === wanted,
      () => `job ${row.id} is ${state} and holds ${row.taken} of ${wanted} limits`,
    )
  }
  if (isTerminal(row.state)) {
    const isFree = row.taken === 0 && (row.line === NO_LINE || row.line === SETTLE_LINE) && row.expireAt === 0
    must(
      'C3',
      isFree,
      () => `job ${row.id} is ${state}: taken ${row.taken}, line ${row.line}, expires ${row.expireAt}`,
    )
  }
}

/**
 * Checks a change of a job.
 *
 * @param single It is the change of one command; else several may have been put together.
 */
export function checkMove(before: JobRow | undefined, after: JobRow | undefined, single: boolean): void {
  if (before === undefined) return
  const { id } = before
  if (after === undefined) {
    must(
      'L8',
      !single || isTerminal(before.state),
      () => `job ${id} was deleted while ${stateName(before.state)}`,
    )
    return
  }
  const isRestarted = after.restarts > before.restarts
  must('K1', after.restarts >= before.restarts, () => `job ${id} lost a restart`)
  must(
    'K1',
    before.cancelAt === 0 || after.cancelAt !== 0 || isRestarted,
    () => `the cancel of job ${id} was undone`,
  )
  if (isTerminal(before.state) && !isRestarted) checkFinal(before, after)
  checkAttempts(before, after, single)
}

function checkFinal(before: JobRow, after: JobRow): void {
  const isKept =
    after.state === before.state &&
    after.result === before.result &&
    after.error === before.error &&
    after.finishedAt === before.finishedAt
  must(
    'L8',
    isKept,
    () => `job ${before.id} ended ${stateName(before.state)}, then became ${stateName(after.state)}`,
  )
}

function checkAttempts(before: JobRow, after: JobRow, single: boolean): void {
  const { id } = before
  must(
    'L4',
    after.attempt >= before.attempt,
    () => `attempt ${after.attempt} of job ${id} after ${before.attempt}`,
  )
  if (!single) return
  const begins = after.state === RUNNING && before.nonce !== after.nonce
  must(
    'L4',
    after.attempt === before.attempt + (begins ? 1 : 0),
    () => `attempt ${after.attempt} of job ${id} after ${before.attempt}`,
  )
  if (!begins) return
  must('L1', before.state === READY, () => `job ${id} was leased while ${stateName(before.state)}`)
  const mayStart = before.cancelAt === 0 || (before.flags & HAS_UNDO) !== 0
  must('K2', mayStart, () => `job ${id} was leased after it had been cancelled`)
}
