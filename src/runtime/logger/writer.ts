/**
 * A process's own standard error as a place for records.
 *
 * Owns: that a reader who is slow costs lines, not memory, and is told how many.
 */
import { formatRecord, type LogFormat } from './format.ts'
import type { LogSink } from './logger.ts'
import type { LogRecord } from './record.ts'

/** Where lines go: a stream of Node. */
export interface LineTarget {
  readonly writableLength: number
  write(text: string): unknown
}

/** What may wait in a stream that does not take it, characters. */
const MOST_WAITING = 1_048_576

/** Writes records as lines. */
export function writeTo(target: LineTarget, format: LogFormat): LogSink {
  let dropped = 0
  const put = (record: LogRecord): unknown => target.write(`${formatRecord(record, format)}\n`)
  return (record) => {
    if (target.writableLength > MOST_WAITING) {
      dropped += 1
      return
    }
    if (dropped > 0) {
      put({
        ...record,
        level: 'warn',
        text: `${dropped} lines were dropped: nobody took them`,
        data: { dropped },
      })
      dropped = 0
    }
    put(record)
  }
}
