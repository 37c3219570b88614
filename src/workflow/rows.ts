/**
 * RowQueue: the rows of a journal on their way to the code of a run, and the positions that the code has asked for.
 */
import {
  CHILD,
  childName,
  DONE,
  isChildName,
  type JournalPage,
  type JournalRow,
  LOCK,
  lostIn,
  OPEN,
  type Retry,
  SIGNAL,
  STEP,
  TIMER,
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
  /** Positions of jobs and locks that are on record as asked for, and are yet to be asked for. */
  readonly #unmade = new Set<number>()
  /** The rows in which an earlier try of the run, or the one that it was forked from, got locks that are yet to be got again: sequence numbers, by position. */
  readonly #again = new Map<number, number>()
  /** Positions of which nothing is waited for any more. */
  readonly withdrawn = new Set<number>()
  /** When sleeps and deadlines are over that have not settled, by position. */
  readonly #dues = new Map<number, number>()
  #rows: JournalRow[] = []
  #start = 0
  /** The sequence numbers behind rows that were taken out, or did not come along. */
  readonly #holes: number[] = []
  /** The sequence number behind the last row that was taken in. */
  known = 0
  /** The next position that the code asks for. */
  next = 0
  /** The sequence number at which the run began, or began anew. */
  origin = 0
  /** The run was cancelled before it got a lock again: what was done under that is on record, and not asked for. */
  isCutShort = false
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
    this.#goTo(next)
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

  #goTo(sequence: number): void {
    if (sequence > Math.max(this.known, this.origin)) this.#holes.push(sequence)
    this.known = Math.max(this.known, sequence)
  }

  #take(row: JournalRow): void {
    const { position, kind, state, value } = row
    this.#goTo(row.sequence)
    this.known++
    this.size += ROW_SIZE + (value?.length ?? 0)
    if (this.#isOfOther(row)) return
    this.#rows.push(row)
    if (position >= this.next && !this.recorded.has(position)) this.recorded.set(position, row)
    if (isToBeMade(row)) this.#unmade.add(position)
    else if (kind === LOCK && state === DONE && this.#unmade.has(position))
      this.#again.set(position, row.sequence)
    else if (kind === CHILD || kind === LOCK) this.#unmade.delete(position)
    if ((kind === CHILD || kind === LOCK) && state === OPEN && value !== null) this.#jobs.set(position, value)
    for (const each of lostIn(row)) this.withdraw(each)
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
   * where the code does not get to the first row, one that was written since goes before it.
   */
  shift(): JournalRow | undefined {
    const first = this.peek()
    if (first === undefined) return undefined
    if (first.position < this.next) return this.#inTurn(first)
    if (this.#holes.length === 0) return undefined
    const isWanted = (row: JournalRow): boolean => !isToBeMade(row) && !this.#isToBeGot(row)
    return this.#pick((row) => row.position < this.next && this.#isLater(row, first) && isWanted(row))
  }

  #inTurn(first: JournalRow): JournalRow | undefined {
    if (isToBeMade(first) && first.kind === CHILD) return this.#made(first)
    if (this.#isToBeGot(first) && !this.isCutShort) return this.#gotAgain(first)
    return this.#advance(first)
  }

  /** The row of a job that a fork made in the place of another's; undefined as long as it has not. */
  #made(first: JournalRow): JournalRow | undefined {
    const { position } = first
    if (this.isUnmade(position) && !this.withdrawn.has(position)) return undefined
    this.#advance(first)
    return this.#pick((row) => row.position === position) ?? this.shift()
  }

  /** The row in which a run gets a lock again, in the place of the one in which it was first got; or that of its cancel, which does not wait for that. */
  #gotAgain(first: JournalRow): JournalRow | undefined {
    const isEnd = ({ position, kind, state }: JournalRow): boolean =>
      position === first.position && kind === LOCK && state !== OPEN
    const row = this.#pick((each) => each !== first && (each.position < 0 || isEnd(each)))
    if (row === undefined) return undefined
    if (row.position < 0) this.isCutShort = true
    else this.#advance(first)
    return row
  }

  /** Takes out the first row behind the front that is wanted. */
  #pick(isWanted: (row: JournalRow) => boolean): JournalRow | undefined {
    const at = this.#rows.findIndex((row, index) => index >= this.#start && isWanted(row))
    if (at === -1) return undefined
    const [row] = this.#rows.splice(at, 1) as [JournalRow]
    if (row.kind === LOCK && row.state !== OPEN) this.#again.delete(row.position)
    return row
  }

  #isToBeGot({ position, sequence }: JournalRow): boolean {
    return this.#again.get(position) === sequence && !this.withdrawn.has(position)
  }

  /** Whether something is on record that has yet to be asked for, or to be got again. */
  isPending(position: number): boolean {
    return this.#unmade.has(position) || this.#again.has(position)
  }

  /** Whether a job or lock is on record as asked for, and has yet to be. */
  isUnmade(position: number): boolean {
    return this.#unmade.has(position)
  }

  /** Whether something is not on record where it was asked for, but only behind what the code has yet to get to. */
  isLate(row: JournalRow | undefined): boolean {
    const first = this.recorded.size === 0 ? undefined : this.peek()
    return first !== undefined && (row === undefined || this.#isLater(row, first))
  }

  /** Whether a row was written after rows were taken out behind another. */
  #isLater(row: JournalRow, other: JournalRow): boolean {
    return this.#holes.some((hole) => other.sequence < hole && hole <= row.sequence)
  }

  #advance(first: JournalRow): JournalRow {
    this.#start++
    if (this.#start === this.#rows.length) {
      this.#rows = []
      this.#start = 0
    } else if (this.#start > SLACK && this.#start * 2 > this.#rows.length) {
      this.#rows = this.#rows.slice(this.#start)
      this.#start = 0
    }
    return first
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

/** Whether a row stands for something that was another's: a job or lock of the run that a fork was made from, a lock of an earlier try. */
const isToBeMade = ({ kind, state, value }: JournalRow): boolean =>
  (kind === CHILD || kind === LOCK) && state === OPEN && value === null
