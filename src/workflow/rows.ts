/**
 * RowQueue: the rows of a journal on their way to the code of a run, and the positions that the code has asked for.
 */
import {
  CHILD,
  childName,
  isChildName,
  type JournalPage,
  type JournalRow,
  LOCK,
  OPEN,
  type Retry,
  SIGNAL,
  STEP,
  TIMER,
  WITHDRAW,
} from '../core/model/journal.ts'

export type Rows = readonly JournalRow[]

/** What a row takes beside its value, in characters: about. */
const ROW_SIZE = 200
/** How far the front of the array may be empty before it is cut off. */
const SLACK = 1_024

export class RowQueue {
  /** First rows of positions that the code has not asked for yet. */
  readonly recorded = new Map<number, JournalRow>()
  /** The jobs that the run made, and its tickets of locks, by position. */
  readonly #jobs = new Map<number, string>()
  /** Positions of which nothing is waited for any more. */
  readonly withdrawn = new Set<number>()
  /** When sleeps and deadlines are over that have not settled, by position. */
  readonly #dues = new Map<number, number>()
  #rows: JournalRow[] = []
  #start = 0
  /** Rows were taken out. */
  #hasHoles = false
  /** The sequence number behind the last row that was taken in. */
  known = 0
  /** The next position that the code asks for. */
  next = 0
  /** The sequence number at which the run began, or began anew. */
  origin = 0
  size = 0

  /** The next position, with what is on record for it. */
  issue(): { position: number; row: JournalRow | undefined } {
    const position = this.next++
    if (this.recorded.size === 0) return { position, row: undefined }
    const row = this.recorded.get(position)
    this.recorded.delete(position)
    return { position, row }
  }

  /** Takes in rows as they were read. Answers false where rows are gone, and the code stands where it got by them, or without them. */
  takePage({ rows, next, origin }: JournalPage, isStarted: boolean): boolean {
    if (isStarted && next - this.known !== rows.length) return false
    this.origin = origin
    for (const row of rows) this.#take(row)
    this.known = Math.max(this.known, next)
    return true
  }

  /** Takes in rows that were just written. Answers false where others stand before them, or where the store alone has a value. */
  takeWritten(rows: Rows): boolean {
    for (const row of rows) {
      if (row.sequence > this.known || row.copyOf !== 0) return false
      if (row.sequence === this.known) this.#take(row)
    }
    return true
  }

  #take(row: JournalRow): void {
    const { position, kind, state, value } = row
    if (row.sequence > Math.max(this.known, this.origin)) this.#hasHoles = true
    this.known = row.sequence + 1
    this.size += ROW_SIZE + (value?.length ?? 0)
    if (this.#isOfOther(row)) return
    this.#rows.push(row)
    if (position >= this.next && !this.recorded.has(position)) this.recorded.set(position, row)
    if ((kind === CHILD || kind === LOCK) && state === OPEN) this.#jobs.set(position, value as string)
    if (kind === WITHDRAW) for (const each of JSON.parse(value as string)) this.withdraw(each)
    if (kind === STEP && state === OPEN)
      this.#dues.set(position, (JSON.parse(value as string) as Retry).dueAt)
    if (kind !== TIMER && kind !== SIGNAL) return
    if (state === OPEN && value !== '0') this.#dues.set(position, Number(value))
    else this.#dues.delete(position)
  }

  /** Nothing is waited for any more at a position. */
  withdraw(position: number): void {
    this.withdrawn.add(position)
    this.#dues.delete(position)
  }

  peek(): JournalRow | undefined {
    return this.#rows[this.#start]
  }

  /**
   * Takes out the row whose turn it is: the first, once the code has asked for its position. A restart takes failures out of a
   * journal, also such as the code had caught; what is asked for in their place settles behind rows of later positions. So
   * with holes it is the first row that the code has asked for.
   */
  shift(): JournalRow | undefined {
    const first = this.#rows[this.#start]
    if (first !== undefined && first.position < this.next) {
      this.#advance()
      return first
    }
    if (!this.#hasHoles) return undefined
    const at = this.#rows.findIndex(({ position }, index) => index > this.#start && position < this.next)
    return at === -1 ? undefined : this.#rows.splice(at, 1)[0]
  }

  #advance(): void {
    this.#start++
    if (this.#start === this.#rows.length) {
      this.#rows = []
      this.#start = 0
    } else if (this.#start > SLACK && this.#start * 2 > this.#rows.length) {
      this.#rows = this.#rows.slice(this.#start)
      this.#start = 0
    }
  }

  /** Whether a row tells of a job that the run asked for before it began anew. */
  #isOfOther({ kind, state, position, name }: JournalRow): boolean {
    if (kind !== CHILD || state === OPEN || !isChildName(name)) return false
    return name !== childName(this.#jobs.get(position) ?? '')
  }

  /** Whether a row that settles a position is on its way to the code. */
  willSettle(position: number): boolean {
    return this.#rows.slice(this.#start).some((row) => row.position === position && row.state !== OPEN)
  }

  /** The jobs that stand behind positions, where there are any. */
  jobsAt(positions: readonly number[]): number[] {
    return positions.flatMap((position) => {
      const job = this.#jobs.get(position)
      return job === undefined ? [] : [Number(job)]
    })
  }

  /** When the next sleep or deadline is over; Infinity for never. */
  nextDueAt(): number {
    let next = Infinity
    for (const due of this.#dues.values()) if (due < next) next = due
    return next
  }
}
