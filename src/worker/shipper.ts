/**
 * What a worker logs, on its way to the node.
 *
 * Owns: the memory that it may take. One call is under way at a time, so a node that is slow or away makes records wait
 * here, and then be dropped and counted; work never waits for them. What cannot be shipped is not logged either, for
 * that would have to be shipped.
 */
import type { WorkerSession } from '../client/client.ts'
import type { LogRecord } from '../runtime/logger/record.ts'
import type { Timers } from '../runtime/timers.ts'
import { Backoff, isRetryable } from './backoff.ts'

/** Long enough to gather, short enough for somebody who follows, ms. */
const GATHER_MS = 200
/** Records that may wait. A record is at most some 20 kB, and most are 200 bytes. */
const MOST_WAITING = 2_000
/** Records of one call. */
const MOST_AT_ONCE = 200
/** At the end what waits gets this long, ms. */
const CLOSE_MS = 500

/** The records of one worker. */
export class Shipper {
  readonly #timers: Timers
  readonly #backoff = new Backoff(500, 30_000)
  #waiting: LogRecord[] = []
  #dropped = 0
  #session: WorkerSession | undefined
  #sending: Promise<void> | undefined
  #isArmed = false
  #isClosed = false

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Takes a record; never waits and never throws. */
  readonly sink = (record: LogRecord): void => {
    if (this.#isClosed) return
    if (this.#waiting.length >= MOST_WAITING) {
      this.#dropped += 1
      return
    }
    this.#waiting.push(record)
    this.#arm(GATHER_MS)
  }

  /** Sends over this session from now on. */
  attach(session: WorkerSession): void {
    this.#session = session
    if (this.#waiting.length > 0) this.#arm(GATHER_MS)
  }

  /** Sends what waits as far as that goes quickly, and drops the rest. */
  async close(): Promise<void> {
    const late = new Promise<void>((resolve) => this.#timers.after(CLOSE_MS, resolve, true))
    await Promise.race([this.#drain(), late])
    this.#isClosed = true
    this.#waiting = []
  }

  async #drain(): Promise<void> {
    while (this.#session !== undefined && this.#backoff.failures === 0) {
      await this.#sending
      if (this.#waiting.length === 0) return
      this.#send()
    }
  }

  #arm(ms: number): void {
    if (this.#isArmed || this.#sending !== undefined || this.#session === undefined) return
    this.#isArmed = true
    this.#timers.after(
      ms,
      () => {
        this.#isArmed = false
        this.#send()
      },
      true,
    )
  }

  #send(): void {
    const session = this.#session
    if (session === undefined || this.#sending !== undefined || this.#isClosed) return
    const records = this.#waiting.splice(0, MOST_AT_ONCE)
    const dropped = this.#dropped
    const last = records.at(-1)
    if (last === undefined) return
    const all = dropped === 0 ? records : [...records, droppedRecord(last, dropped)]
    this.#dropped = 0
    this.#sending = session.record(all).then(
      () => {
        this.#backoff.reset()
        this.#settle(GATHER_MS)
      },
      (error: unknown) => {
        this.#dropped += dropped
        this.#putBack(records, isRetryable(error))
        this.#settle(this.#backoff.next(error))
      },
    )
  }

  #putBack(records: LogRecord[], isWorthIt: boolean): void {
    const room = isWorthIt ? MOST_WAITING - this.#waiting.length : 0
    const kept = room <= 0 ? [] : records.slice(0, room)
    this.#dropped += records.length - kept.length
    this.#waiting.unshift(...kept)
  }

  #settle(ms: number): void {
    this.#sending = undefined
    if (this.#waiting.length > 0) this.#arm(ms)
  }
}

function droppedRecord(last: LogRecord, dropped: number): LogRecord {
  const text = `${dropped} records of this worker were dropped: they came faster than they could be handed over`
  return { ...last, level: 'warn', text, data: { dropped } }
}
