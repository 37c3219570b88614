/**
 * Packing: the changes of a batch as groups of one shape, in arrays that move to the thread without a copy.
 */
import type { JobRow } from '../../core/model/job.ts'
import type { Batch } from '../store.ts'
import { BLANK, changedColumns, numbersOf, textsOf } from './job-columns.ts'
import type { JobGroup, PackedBatch } from './messages.ts'

/** A group while it is filled. */
interface Filling {
  readonly isInsert: boolean
  readonly mask: number
  readonly numberFields: readonly (keyof JobRow)[]
  readonly textFields: readonly (keyof JobRow)[]
  readonly numbers: number[]
  readonly texts: (string | null)[]
  count: number
}

/** The batch as it crosses, and the buffers that move with it. */
export function packBatch(batch: Batch): { packed: PackedBatch; transfer: ArrayBuffer[] } {
  const fillings = new Map<number, Filling>()
  const deleted: number[] = []
  for (const { before, after } of batch.jobs) {
    if (after === undefined) {
      if (before !== undefined) deleted.push(before.id)
      continue
    }
    const mask = changedColumns(before ?? BLANK, after)
    if (before !== undefined && mask === 0) continue
    add(fillingOf(fillings, mask, before === undefined), after)
  }
  const groups: JobGroup[] = []
  const transfer: ArrayBuffer[] = []
  for (const { isInsert, mask, count, numbers, texts } of fillings.values()) {
    const packed = new Float64Array(numbers)
    groups.push({ isInsert, mask, count, numbers: packed, texts })
    transfer.push(packed.buffer)
  }
  const { jobs: _, ...rest } = batch
  return { packed: { ...rest, groups, deleted }, transfer }
}

function fillingOf(fillings: Map<number, Filling>, mask: number, isInsert: boolean): Filling {
  const key = mask * 2 + (isInsert ? 1 : 0)
  let filling = fillings.get(key)
  if (filling === undefined) {
    filling = {
      isInsert,
      mask,
      numberFields: numbersOf(mask),
      textFields: textsOf(mask),
      numbers: [],
      texts: [],
      count: 0,
    }
    fillings.set(key, filling)
  }
  return filling
}

function add(filling: Filling, row: JobRow): void {
  filling.count++
  for (const field of filling.numberFields) filling.numbers.push(row[field] as number)
  filling.numbers.push(row.id)
  for (const field of filling.textFields) filling.texts.push(row[field] as string | null)
}
