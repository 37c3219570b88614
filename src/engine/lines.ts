/**
 * Lines: all waiting lines of a shard, kept in step with the job rows.
 *
 * A row says itself where it stands (`line, rank, turn`, and `expireAt`), so one function keeps every index
 * right: no handler can forget one (C9).
 */

import type { JobRow } from '../core/model/job.ts'
import { classOfLine, DUE_LINE, RUNNING_LINE, SETTLE_LINE } from '../core/model/line.ts'
import { Absent } from '../core/view.ts'
import { EXPIRY_LINE, type WindowRequest } from '../store/store.ts'
import { OrderedIndex, type Place } from './line.ts'
import { RESIDENCY } from './residency.ts'

export class Lines {
  readonly #residency: Pick<typeof RESIDENCY, 'lines' | 'head'>
  readonly #lines = new Map<number, OrderedIndex>()
  /** Ready lines into which something was pushed since the last call of {@link takeTouched}. */
  #touched = new Set<number>()
  /** Lines that may have a tail. */
  readonly #partial = new Set<number>()

  /** @param isNew True when the store holds no job yet, so that every line is known to be empty. */
  constructor(isNew: boolean, residency = RESIDENCY) {
    this.#residency = residency
    this.#lines.set(DUE_LINE, new OrderedIndex(isNew, residency.head))
    this.#lines.set(EXPIRY_LINE, new OrderedIndex(isNew, residency.head))
    this.#lines.set(SETTLE_LINE, new OrderedIndex(isNew, residency.head))
    if (!isNew) this.#partial.add(DUE_LINE).add(EXPIRY_LINE).add(SETTLE_LINE)
  }

  /** Says that a line was just made. */
  begin(line: number): void {
    if (!this.#lines.has(line)) this.#lines.set(line, new OrderedIndex(true, this.#residency.head))
  }

  get(line: number): OrderedIndex | undefined {
    return this.#lines.get(line)
  }

  /** The id at a position; undefined past the end. Throws Absent when the answer is in the tail. */
  at(line: number, position: number): number | undefined {
    const index = this.#lines.get(line)
    const place = index?.at(position)
    if (place !== undefined) return place.id
    if (index === undefined || !index.complete) throw new Absent('line', [line])
    return undefined
  }

  /** How many entries are in memory. Throws Absent for a line that was never looked at. */
  headSize(line: number): number {
    const index = this.#lines.get(line)
    if (index === undefined) throw new Absent('line', [line])
    return index.size
  }

  /** Throws one Absent that names all lines of which nothing is known. */
  need(lines: readonly number[]): void {
    const missing = lines.filter((line) => this.#lines.get(line)?.isUnknown !== false)
    if (missing.length > 0) throw new Absent('line', missing)
  }

  /** Follows a changed row. */
  follow(before: JobRow | undefined, after: JobRow | undefined): void {
    const oldLine = before === undefined ? 0 : before.line
    const newLine = after === undefined ? 0 : after.line
    if (oldLine !== newLine || before?.rank !== after?.rank || before?.turn !== after?.turn) {
      if (oldLine > RUNNING_LINE || oldLine === DUE_LINE) this.#lines.get(oldLine)?.remove(before as JobRow)
      if (newLine > RUNNING_LINE || newLine === DUE_LINE) {
        const index = this.#lines.get(newLine)
        index?.push(placeOf(after as JobRow))
        if (index?.complete === false) this.#partial.add(newLine)
        if (classOfLine(newLine) !== 0) this.#touched.add(newLine)
      }
    }
    const oldExpiry = before === undefined ? 0 : before.expireAt
    const newExpiry = after === undefined ? 0 : after.expireAt
    if (oldExpiry !== newExpiry) {
      const expiry = this.#lines.get(EXPIRY_LINE) as OrderedIndex
      if (oldExpiry !== 0) expiry.remove({ rank: oldExpiry, turn: 0, id: (before as JobRow).id })
      if (newExpiry !== 0) expiry.push({ rank: newExpiry, turn: 0, id: (after as JobRow).id })
      if (!expiry.complete) this.#partial.add(EXPIRY_LINE)
    }
  }

  /** Whether a row stands so far back in its line that nothing will ask for it soon. */
  isFarBack(job: JobRow): boolean {
    if (job.line <= RUNNING_LINE && job.line !== DUE_LINE) return false
    return this.#lines.get(job.line)?.covers(job) !== true
  }

  /** The ready lines that got something since the last call. */
  takeTouched(): ReadonlySet<number> {
    const touched = this.#touched
    if (touched.size > 0) this.#touched = new Set()
    return touched
  }

  /** The windows to read now: lines asked for, and those that run low. Issue them behind all commits. */
  beginLoads(wanted: ReadonlySet<number>): WindowRequest[] {
    const windows: WindowRequest[] = []
    for (const line of wanted) {
      if (!this.#lines.has(line)) this.#lines.set(line, new OrderedIndex(false, this.#residency.head))
      this.#partial.add(line)
    }
    for (const line of this.#partial) {
      const index = this.#lines.get(line)
      if (index === undefined || index.complete) this.#partial.delete(line)
      else if (index.hungry || (wanted.has(line) && !index.isLoading))
        windows.push({ line, after: index.beginLoad(), count: this.#residency.head.window })
    }
    return windows
  }

  /** Whether any line runs low. */
  get hungry(): boolean {
    for (const line of this.#partial) if (this.#lines.get(line)?.hungry) return true
    return false
  }

  endLoad(line: number, jobs: readonly JobRow[], exhausted: boolean): void {
    const places = line === EXPIRY_LINE ? jobs.map(expiryOf) : jobs.map(placeOf)
    this.#lines.get(line)?.endLoad(places, exhausted)
    if (classOfLine(line) !== 0 && jobs.length > 0) this.#touched.add(line)
  }

  /** Drops empty lines of limits beyond the capacity. */
  evict(): void {
    if (this.#lines.size <= this.#residency.lines) return
    for (const [line, index] of this.#lines) {
      if (line > SETTLE_LINE && classOfLine(line) === 0 && index.empty) this.#lines.delete(line)
    }
  }
}

const placeOf = (job: JobRow): Place => ({ rank: job.rank, turn: job.turn, id: job.id })
const expiryOf = (job: JobRow): Place => ({ rank: job.expireAt, turn: 0, id: job.id })
