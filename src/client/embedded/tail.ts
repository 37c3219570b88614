/**
 * The book of recent records, as the embedded client fills it and reads from it.
 *
 * Owns: what a filter may ask for, which records a worker may hand over, and the copy of each piece of output that
 * has become durable. Never does: reading the store; output of long ago is what `logs` of a job answers.
 */
import type { Engine } from '../../engine/engine.ts'
import type { LogBook, TailFilter } from '../../runtime/logger/book.ts'
import { type LogAttributes, type LogRecord, readRecord } from '../../runtime/logger/record.ts'
import { LEVELS } from '../../std/levels.ts'
import {
  checkArray,
  checkInteger,
  checkKeys,
  checkName,
  checkObject,
  checkOneOf,
  invalid,
} from './validate.ts'

const FILTER = new Set(['worker', 'job', 'queue', 'kind', 'namespace', 'level', 'last', 'follow'])
const NAMES = ['worker', 'queue', 'kind', 'namespace'] as const
/** Records of one call. */
const MOST_RECORDS = 1_000
const MOST_LAST = 1_000_000

/** Checks what a reader asks for. @throws INVALID_OPTION */
export function readTail(filter: TailFilter): TailFilter {
  checkKeys('filter', checkObject('filter', filter), FILTER)
  for (const name of NAMES) if (filter[name] !== undefined) checkName(name, filter[name])
  if (filter.job !== undefined) checkInteger('job', filter.job, 1, Number.MAX_SAFE_INTEGER)
  if (filter.level !== undefined) checkOneOf('level', filter.level, LEVELS)
  if (filter.last !== undefined) checkInteger('last', filter.last, 0, MOST_LAST)
  if (filter.follow !== undefined && typeof filter.follow !== 'boolean')
    throw invalid('follow', 'true or false', filter.follow)
  return filter
}

/** Takes in what a worker logged. @throws INVALID_OPTION */
export function addRecords(book: LogBook, worker: string, records: readonly LogRecord[]): void {
  checkArray('records', records)
  if (records.length > MOST_RECORDS)
    throw invalid('records', `at most ${MOST_RECORDS} records`, `${records.length} records`)
  const read = records.map((record, index) => readRecord(`records[${index}]`, record))
  for (const record of read) book.add({ ...record, worker })
}

/** The attributes that a job's output has, as far as they are in memory; asked for while the job runs. */
export function attributesOf({ workingSet }: Engine, job: number): LogAttributes {
  const row = workingSet.jobs.peek(job)
  const route = row === undefined ? undefined : workingSet.routes.peekById(row.route)
  if (route === undefined) return {}
  const { namespace, queue, kind } = route
  return {
    namespace: workingSet.nameOf(namespace),
    queue: workingSet.nameOf(queue),
    kind: workingSet.nameOf(kind),
  }
}

/** Copies output of an attempt that has become durable. */
export function addOutput(
  book: LogBook,
  attributes: LogAttributes & { readonly at: number },
  pieces: readonly { readonly stream: string; readonly text: string }[],
): void {
  for (const { stream, text } of pieces)
    book.add({
      ...attributes,
      level: 'info',
      source: 'job',
      stream: stream as 'stdout' | 'stderr' | 'log',
      text,
    })
}
