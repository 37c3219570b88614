/**
 * The SQL that writes a group of jobs, many rows to a statement: first what varies, row by row with the id in front,
 * then what all rows share.
 */
import { columnName, numbersOf, textsOf } from './job-columns.ts'
import type { JobGroup } from './messages.ts'

/** The columns of a group in the order of its values. */
interface Columns {
  readonly varying: readonly string[]
  readonly constant: readonly string[]
}

function columnsOf({ mask, varying }: JobGroup): Columns {
  const names = (part: number): string[] => [...numbersOf(part), ...textsOf(part)].map(columnName)
  return { varying: ['id', ...names(varying)], constant: names(mask & ~varying) }
}

/** Puts the values of some rows into `args`, in the order of the SQL. */
export function fill(args: (number | string | null)[], group: JobGroup, first: number, count: number): void {
  const { numbers, texts, constants } = group
  const numberWidth = numbers.length / group.count
  const textWidth = texts.length / group.count
  let to = 0
  for (let row = first; row < first + count; row++) {
    for (let i = 0; i < numberWidth; i++) args[to++] = numbers[row * numberWidth + i] as number
    for (let i = 0; i < textWidth; i++) args[to++] = texts[row * textWidth + i] as string | null
  }
  for (const value of constants) args[to++] = value
  args.length = to
}

/** The statement that writes `rows` rows of the group's shape. */
export function groupSql(group: JobGroup, rows: number): string {
  const columns = columnsOf(group)
  const names = columns.varying.map((_, index) => `c${index}`)
  const values = `(${names.map(() => '?').join(', ')})`
  const changes = `WITH changes (${names.join(', ')}) AS (VALUES ${new Array(rows).fill(values).join(', ')})`
  return `${changes} ${group.isInsert ? insertSql(columns, names) : updateSql(columns)}`
}

function insertSql({ varying, constant }: Columns, names: readonly string[]): string {
  const values = [...names, ...constant.map(() => '?')]
  return `INSERT INTO jobs (${[...varying, ...constant].join(', ')}) SELECT ${values.join(', ')} FROM changes`
}

function updateSql({ varying, constant }: Columns): string {
  const set = varying.slice(1).map((column, index) => `${column} = c${index + 1}`)
  for (const column of constant) set.push(`${column} = ?`)
  return `UPDATE jobs SET ${set.join(', ')} FROM changes WHERE jobs.id = c0`
}
