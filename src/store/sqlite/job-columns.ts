/**
 * How a job row becomes columns and back: which there are, which of them a change touches.
 *
 * Rows cross the thread boundary as one array of numbers and one of texts, so that nothing is cloned object
 * by object. The order of the lists below is that of the bits of a mask; SQL is made from a mask.
 */
import { blankJob, type JobRow } from '../../core/model/job.ts'
import type { StateCode } from '../../core/model/states.ts'

/** Columns that hold numbers, beside the id. */
export const NUMBER_COLUMNS = [
  'route',
  'createdAt',
  'fairKey',
  'parent',
  'state',
  'line',
  'rank',
  'turn',
  'priority',
  'dueAt',
  'expireAt',
  'attempt',
  'tries',
  'taken',
  'pending',
  'flags',
  'worker',
  'startedAt',
  'finishedAt',
  'cancelAt',
  'restarts',
  'logSize',
  'restartedAt',
] as const satisfies readonly (keyof JobRow)[]

/** Columns that hold texts or nothing. */
export const TEXT_COLUMNS = [
  'limits',
  'metadata',
  'input',
  'nonce',
  'result',
  'error',
  'hint',
] as const satisfies readonly (keyof JobRow)[]

/** A row in which every column has its default; an insert writes what differs from it. */
export const BLANK = blankJob(0, 0, 0)

/** The name of a column in SQL. */
export const columnName = (field: string): string =>
  field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The number columns of a mask, in order. */
export function numbersOf(mask: number): (keyof JobRow)[] {
  return NUMBER_COLUMNS.filter((_, bit) => (mask & (1 << bit)) !== 0)
}

/** The text columns of a mask, in order. */
export function textsOf(mask: number): (keyof JobRow)[] {
  return TEXT_COLUMNS.filter((_, bit) => (mask & (1 << (bit + NUMBER_COLUMNS.length))) !== 0)
}

/** Reads one column of a row. A function per column, since a field that is named at run time is slow to read. */
export type Reader = (row: JobRow) => number | string | null

/** In the order of the bits of a mask. */
const READERS: readonly Reader[] = [
  (row) => row.route,
  (row) => row.createdAt,
  (row) => row.fairKey,
  (row) => row.parent,
  (row) => row.state,
  (row) => row.line,
  (row) => row.rank,
  (row) => row.turn,
  (row) => row.priority,
  (row) => row.dueAt,
  (row) => row.expireAt,
  (row) => row.attempt,
  (row) => row.tries,
  (row) => row.taken,
  (row) => row.pending,
  (row) => row.flags,
  (row) => row.worker,
  (row) => row.startedAt,
  (row) => row.finishedAt,
  (row) => row.cancelAt,
  (row) => row.restarts,
  (row) => row.logSize,
  (row) => row.restartedAt,
  (row) => row.limits,
  (row) => row.metadata,
  (row) => row.input,
  (row) => row.nonce,
  (row) => row.result,
  (row) => row.error,
  (row) => row.hint,
]

const COLUMNS = READERS.map((read, at) => ({ bit: 1 << at, isText: at >= NUMBER_COLUMNS.length, read }))

/** The columns of a mask, in order, and how to read each. */
export function readersOf(mask: number): typeof COLUMNS {
  return COLUMNS.filter(({ bit }) => (mask & bit) !== 0)
}

/** The mask of the columns in which two rows differ. Written out: it runs for every change of every job. */
export function changedColumns(a: JobRow, b: JobRow): number {
  return (
    (a.route === b.route ? 0 : 1 << 0) |
    (a.createdAt === b.createdAt ? 0 : 1 << 1) |
    (a.fairKey === b.fairKey ? 0 : 1 << 2) |
    (a.parent === b.parent ? 0 : 1 << 3) |
    (a.state === b.state ? 0 : 1 << 4) |
    (a.line === b.line ? 0 : 1 << 5) |
    (a.rank === b.rank ? 0 : 1 << 6) |
    (a.turn === b.turn ? 0 : 1 << 7) |
    (a.priority === b.priority ? 0 : 1 << 8) |
    (a.dueAt === b.dueAt ? 0 : 1 << 9) |
    (a.expireAt === b.expireAt ? 0 : 1 << 10) |
    (a.attempt === b.attempt ? 0 : 1 << 11) |
    (a.tries === b.tries ? 0 : 1 << 12) |
    (a.taken === b.taken ? 0 : 1 << 13) |
    (a.pending === b.pending ? 0 : 1 << 14) |
    (a.flags === b.flags ? 0 : 1 << 15) |
    (a.worker === b.worker ? 0 : 1 << 16) |
    (a.startedAt === b.startedAt ? 0 : 1 << 17) |
    (a.finishedAt === b.finishedAt ? 0 : 1 << 18) |
    (a.cancelAt === b.cancelAt ? 0 : 1 << 19) |
    (a.restarts === b.restarts ? 0 : 1 << 20) |
    (a.logSize === b.logSize ? 0 : 1 << 21) |
    (a.restartedAt === b.restartedAt ? 0 : 1 << 22) |
    (a.limits === b.limits ? 0 : 1 << 23) |
    (a.metadata === b.metadata ? 0 : 1 << 24) |
    (a.input === b.input ? 0 : 1 << 25) |
    (a.nonce === b.nonce ? 0 : 1 << 26) |
    (a.result === b.result ? 0 : 1 << 27) |
    (a.error === b.error ? 0 : 1 << 28) |
    (a.hint === b.hint ? 0 : 1 << 29)
  )
}

/** The columns that a lease changes, and those that may differ besides in a job that has one. */
export const LEASE_MASK = maskOf([
  'state',
  'line',
  'rank',
  'turn',
  'expireAt',
  'attempt',
  'tries',
  'flags',
  'worker',
  'startedAt',
  'logSize',
  'nonce',
])

function maskOf(fields: readonly (keyof JobRow)[]): number {
  const columns: readonly (keyof JobRow)[] = [...NUMBER_COLUMNS, ...TEXT_COLUMNS]
  return fields.reduce((mask, field) => mask | (1 << columns.indexOf(field)), 0)
}

/** Many whole rows as two arrays. */
export interface PackedRows {
  readonly count: number
  /** Per row: id, then NUMBER_COLUMNS. */
  readonly numbers: Float64Array
  /** Per text column its values, or null where no row has one. */
  readonly texts: readonly ((string | null)[] | null)[]
}

/** Numbers of one packed row. */
export const PACKED_NUMBERS = NUMBER_COLUMNS.length + 1

/** The rows back from their arrays. */
export function unpackRows({ count, numbers, texts }: PackedRows): JobRow[] {
  const rows = new Array<JobRow>(count)
  for (let row = 0; row < count; row++) rows[row] = unpackRow(numbers, row * PACKED_NUMBERS, texts, row)
  return rows
}

function unpackRow(numbers: Float64Array, n: number, texts: PackedRows['texts'], row: number): JobRow {
  return {
    id: whole(numbers[n] as number),
    route: whole(numbers[n + 1] as number),
    createdAt: whole(numbers[n + 2] as number),
    fairKey: whole(numbers[n + 3] as number),
    parent: whole(numbers[n + 4] as number),
    limits: textAt(texts, 0, row),
    metadata: textAt(texts, 1, row),
    input: textAt(texts, 2, row),
    state: whole(numbers[n + 5] as number) as StateCode,
    line: whole(numbers[n + 6] as number),
    rank: whole(numbers[n + 7] as number),
    turn: whole(numbers[n + 8] as number),
    priority: whole(numbers[n + 9] as number),
    dueAt: whole(numbers[n + 10] as number),
    expireAt: whole(numbers[n + 11] as number),
    attempt: whole(numbers[n + 12] as number),
    tries: whole(numbers[n + 13] as number),
    taken: whole(numbers[n + 14] as number),
    pending: whole(numbers[n + 15] as number),
    flags: whole(numbers[n + 16] as number),
    worker: whole(numbers[n + 17] as number),
    startedAt: whole(numbers[n + 18] as number),
    finishedAt: whole(numbers[n + 19] as number),
    cancelAt: whole(numbers[n + 20] as number),
    restarts: whole(numbers[n + 21] as number),
    logSize: whole(numbers[n + 22] as number),
    restartedAt: whole(numbers[n + 23] as number),
    nonce: textAt(texts, 3, row),
    result: textAt(texts, 4, row),
    error: textAt(texts, 5, row),
    hint: textAt(texts, 6, row),
  }
}

/**
 * The same number, as an integer of the machine where it is one. What comes out of a Float64Array is boxed, and one
 * boxed field would make that field boxed in all rows, and every copy of a row many times as dear.
 */
function whole(number: number): number {
  const integer = number | 0
  return integer === number ? integer : number
}

function textAt(texts: PackedRows['texts'], column: number, row: number): string | null {
  return texts[column]?.[row] ?? null
}
