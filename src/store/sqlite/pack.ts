/**
 * Packing: the changes of a batch as groups of one shape, in arrays that move to the thread without a copy.
 *
 * Most columns of a group hold one value in all of its rows: jobs of one call were made at one moment, and those that
 * end together end in the same state. Such a value crosses once, and is bound once per statement.
 */
import type { JobRow } from '../../core/model/job.ts'
import { RUNNING } from '../../core/model/states.ts'
import type { Batch } from '../store.ts'
import { BLANK, changedColumns, LEASE_MASK, numbersOf, type Reader, readersOf } from './job-columns.ts'
import { isPlainLease, LeaseGroups } from './leases.ts'
import type { JobGroup, PackedBatch } from './messages.ts'

/** The batch as it crosses, and the buffers that move with it. */
export function packBatch(batch: Batch): { packed: PackedBatch; transfer: ArrayBuffer[] } {
  const inserts = new Map<number, JobRow[]>()
  const updates = new Map<number, JobRow[]>()
  const leases = new LeaseGroups()
  const deleted: number[] = []
  for (const { before, after } of batch.jobs) {
    if (after === undefined) {
      if (before !== undefined) deleted.push(before.id)
    } else if (before === undefined) {
      add(inserts, changedColumns(BLANK, after), after)
    } else if (isPlainLease(before, after)) {
      leases.add(after)
    } else {
      // The row of a job that runs may not have its lease yet: see leases.ts.
      const mask = changedColumns(before, after) | (before.state === RUNNING ? LEASE_MASK : 0)
      if (mask !== 0) add(updates, mask, after)
    }
  }
  const groups: JobGroup[] = []
  for (const [mask, rows] of inserts) groups.push(groupOf(true, mask, rows))
  for (const [mask, rows] of updates) groups.push(groupOf(false, mask, rows))
  const { jobs: _, ...rest } = batch
  const transfer = groups.map(({ numbers }) => numbers.buffer as ArrayBuffer)
  return { packed: { ...rest, groups, leases: leases.groups, deleted }, transfer }
}

function add(groups: Map<number, JobRow[]>, mask: number, row: JobRow): void {
  const rows = groups.get(mask)
  if (rows === undefined) groups.set(mask, [row])
  else rows.push(row)
}

function groupOf(isInsert: boolean, mask: number, rows: readonly JobRow[]): JobGroup {
  let varying = 0
  const constants: (number | string | null)[] = []
  for (const { bit, read } of readersOf(mask)) {
    if (isSame(rows, read)) constants.push(read(rows[0] as JobRow))
    else varying |= bit
  }
  const numbers = new Float64Array(rows.length * (numbersOf(varying).length + 1))
  const texts: (string | null)[] = []
  const readers = readersOf(varying)
  let at = 0
  for (const row of rows) {
    numbers[at++] = row.id
    for (const { isText, read } of readers) {
      if (isText) texts.push(read(row) as string | null)
      else numbers[at++] = read(row) as number
    }
  }
  return { isInsert, mask, varying, count: rows.length, numbers, texts, constants }
}

function isSame(rows: readonly JobRow[], read: Reader): boolean {
  const first = read(rows[0] as JobRow)
  for (let i = 1; i < rows.length; i++) if (read(rows[i] as JobRow) !== first) return false
  return true
}
