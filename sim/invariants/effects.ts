/**
 * Effects: what steps of workflow runs did to the world outside, held against what is on record in that moment.
 *
 * A step may be called again as long as its end is not on record, and by a worker that has lost its run and does not know
 * it yet; never by the one that has it.
 */
import { BROKEN, CHILD, DONE, type JournalRow, OPEN, STEP } from '../../src/core/model/journal.ts'
import { RUNNING } from '../../src/core/model/states.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import { must } from '../violation.ts'

/** The attempt that works on a run, as the worker knows it that calls its steps. */
export interface Holder {
  readonly job: number
  readonly attempt: number
  readonly token: string
}

export class Effects {
  readonly #tables: Tables
  /** Runs that were asked for other code than they had recorded. */
  readonly #strange = new Set<number>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** A step is called, with the key that its position gives it. */
  called(holder: Holder, name: string, key: string): void {
    if (!this.#isPresent(holder)) return
    const position = Number(key.slice(key.lastIndexOf('.') + 1))
    const recorded = this.#rows(holder.job).find(
      (row) => row.kind === STEP && row.position === position && row.state !== OPEN,
    )
    must('W5', recorded === undefined, () => `step ${key} '${name}' is on record, and is called again`)
    // the end of a job that the run asked for before it began anew may be told at any position
    const isOfOther = ({ kind, state }: JournalRow): boolean => kind === CHILD && state !== OPEN
    const other = this.#rows(holder.job).find((row) => row.position === position && !isOfOther(row))
    must(
      'W4',
      other === undefined || (other.kind === STEP && other.name === name),
      () => `step '${name}' is called at ${key}, where '${other?.name}' is on record`,
    )
  }

  /** The code goes on behind something of this name, so it is on record as settled. */
  passed(holder: Holder, name: string): void {
    if (!this.#isPresent(holder)) return
    const rows = this.#rows(holder.job)
    const positions = new Set(rows.filter((row) => row.name === name).map(({ position }) => position))
    const isSettled = rows.some(
      ({ state, position }) => (state === DONE || state === BROKEN) && positions.has(position),
    )
    must('W7', isSettled, () => `run ${holder.job} went on behind '${name}', which is not on record`)
  }

  /** A worker comes with code that asks for something else than is on record: from here on it has to do nothing. */
  estranged(job: number): void {
    this.#strange.add(job)
  }

  /** Whether the run may say that its code does not fit. */
  mayBeStrange(job: number): boolean {
    return this.#strange.has(job)
  }

  /** Code that was refused does something all the same. */
  guessed(job: number, what: string): void {
    must('W4', false, () => `run ${job} goes on with code that does not fit its journal: ${what}`)
  }

  /** Whether something is on record with which other code would not agree, and the attempt is to find it. */
  hasRecorded(holder: Holder): boolean {
    return this.#isPresent(holder) && this.#rows(holder.job).some(({ position }) => position === 0)
  }

  /** Whether the attempt is the one that has the run, as the disk says. */
  #isPresent({ job, attempt, token }: Holder): boolean {
    const row = this.#tables.jobs.get(job)
    return row?.state === RUNNING && row.attempt === attempt && token.endsWith(`.${row.nonce}`)
  }

  #rows(job: number): readonly JournalRow[] {
    return [...(this.#tables.journal.get(job)?.values() ?? [])]
  }
}
