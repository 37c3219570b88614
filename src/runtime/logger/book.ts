/**
 * The book of recent records at a node: what it and its workers logged, and what jobs wrote, to read and to follow.
 *
 * Owns: its memory. Output of jobs has a bound of its own, so that a job that writes much does not push out what nodes
 * and workers said. Readers hold a place in the book and nothing else: one that is slow misses records, is told how
 * many, and costs nobody anything. Nothing of it is stored; the output of each job is, elsewhere.
 */

import { isAtLeast, type LogLevel } from '../../std/levels.ts'
import type { LogRecord } from './record.ts'

/** Which records a reader wants. All conditions must hold. */
export interface TailFilter {
  readonly worker?: string
  readonly job?: number
  readonly queue?: string
  readonly kind?: string
  readonly namespace?: string
  /** Of this level and above. */
  readonly level?: LogLevel
  /** Of those that are there already: only so many, the last ones. Default: all. */
  readonly last?: number
  /** Goes on with what comes. */
  readonly follow?: boolean
}

/** Memory for each of the two parts, in characters of text and what comes with it. */
const MOST_SIZE = 4 * 1_048_576
/** What a record takes beside its text, roughly. */
const OVERHEAD = 256
/** Records that a reader is given before others get a turn. */
const PAGE = 256

interface Entry {
  /** Place among the records of both parts. */
  readonly order: number
  readonly record: LogRecord
  readonly size: number
}

/** Entries in order; the oldest go when there are too many. */
class Ring {
  readonly #most: number
  #entries: (Entry | undefined)[] = []
  /** Positions are counted from the first entry ever; this is that of `#entries[0]`. */
  #base = 0
  #head = 0
  #size = 0

  constructor(most: number) {
    this.#most = most
  }

  get first(): number {
    return this.#base + this.#head
  }

  at(position: number): Entry | undefined {
    return this.#entries[position - this.#base]
  }

  add(entry: Entry): void {
    this.#entries.push(entry)
    this.#size += entry.size
    while (this.#size > this.#most && this.#head < this.#entries.length - 1) {
      this.#size -= (this.#entries[this.#head] as Entry).size
      this.#entries[this.#head++] = undefined
    }
    // moved together now and then, not at every record
    if (this.#head < 1_024 || this.#head * 2 < this.#entries.length) return
    this.#entries = this.#entries.slice(this.#head)
    this.#base += this.#head
    this.#head = 0
  }
}

/** Recent records. */
export class LogBook {
  readonly #node: string | undefined
  readonly #spoken: Ring
  readonly #output: Ring
  readonly #waiting = new Set<() => void>()
  #order = 0
  #isClosed = false

  /**
   * @param options.node the name that every record gets whose origin is not said.
   * @param options.most memory of each part, in characters. Default 4 Mi.
   */
  constructor(options: { readonly node?: string; readonly most?: number } = {}) {
    this.#node = options.node
    this.#spoken = new Ring(options.most ?? MOST_SIZE)
    this.#output = new Ring(options.most ?? MOST_SIZE)
  }

  /** Takes a record in. */
  add(record: LogRecord): void {
    const { node = this.#node, text, data } = record
    const size = OVERHEAD + text.length + (data === undefined ? 0 : JSON.stringify(data).length)
    const entry = { order: this.#order++, record: node === undefined ? record : { ...record, node }, size }
    const ring = record.source === 'job' ? this.#output : this.#spoken
    ring.add(entry)
    this.#wake()
  }

  /** Nothing comes any more: whoever follows has reached the end. */
  close(): void {
    this.#isClosed = true
    this.#wake()
  }

  #wake(): void {
    if (this.#waiting.size === 0) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /** The records that a filter lets through, in the order in which they came. */
  async *read(filter: TailFilter, signal?: AbortSignal): AsyncGenerator<LogRecord> {
    const reader = new Reader(this.#spoken, this.#output)
    if (filter.last !== undefined) yield* this.#present(reader, filter, filter.last)
    while (signal?.aborted !== true) {
      const page = reader.take(PAGE)
      if (reader.missed > 0) yield missing(reader.forgive(), this.#node)
      for (const record of page) if (passes(record, filter)) yield record
      if (page.length > 0) continue
      if (filter.follow !== true || this.#isClosed) return
      await this.#next(signal)
    }
  }

  #present(reader: Reader, filter: TailFilter, last: number): LogRecord[] {
    const all: LogRecord[] = []
    for (let page = reader.take(PAGE); page.length > 0; page = reader.take(PAGE))
      all.push(...page.filter((record) => passes(record, filter)))
    return last === 0 ? [] : all.slice(-last)
  }

  /** Resolves when there may be more, or at the abort. */
  #next(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }
}

/** A place in both parts. */
class Reader {
  readonly #rings: readonly [Ring, Ring]
  readonly #places: [number, number]
  missed = 0

  constructor(spoken: Ring, output: Ring) {
    this.#rings = [spoken, output]
    this.#places = [spoken.first, output.first]
  }

  /** The next records, at most so many. */
  take(most: number): LogRecord[] {
    const records: LogRecord[] = []
    for (const index of [0, 1] as const) {
      const { first } = this.#rings[index]
      if (this.#places[index] >= first) continue
      this.missed += first - this.#places[index]
      this.#places[index] = first
    }
    while (records.length < most) {
      const [spoken, output] = this.#rings.map((ring, index) => ring.at(this.#places[index] as number))
      if (spoken === undefined && output === undefined) break
      const isSpoken = (spoken?.order ?? Infinity) < (output?.order ?? Infinity)
      this.#places[isSpoken ? 0 : 1] += 1
      records.push(((isSpoken ? spoken : output) as Entry).record)
    }
    return records
  }

  /** How many were missed since this was asked last. */
  forgive(): number {
    const { missed } = this
    this.missed = 0
    return missed
  }
}

function passes(record: LogRecord, filter: TailFilter): boolean {
  const { worker, job, queue, kind, namespace, level } = filter
  if (worker !== undefined && record.worker !== worker) return false
  if (job !== undefined && record.job !== job) return false
  if (queue !== undefined && record.queue !== queue) return false
  if (kind !== undefined && record.kind !== kind) return false
  if (namespace !== undefined && record.namespace !== namespace) return false
  return level === undefined || isAtLeast(record.level, level)
}

function missing(count: number, node: string | undefined): LogRecord {
  const text = `${count} records are left out here: they came faster than they were read`
  const from = node === undefined ? {} : { node }
  return { at: Date.now(), level: 'warn', source: 'node', ...from, text, data: { missed: count } }
}
