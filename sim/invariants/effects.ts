/**
 * Effects: what steps of workflow runs did to the world outside, held against what is on record in that moment.
 *
 * A step may be called again as long as its end is not on record, and by a worker that has lost its run and does not know
 * it yet; never by the one that has it.
 */
import { IS_TICKET, type JobRow } from '../../src/core/model/job.ts'
import {
  BROKEN,
  CHILD,
  DONE,
  type JournalRow,
  LOCK,
  lostIn,
  OPEN,
  STEP,
  UPDATE,
} from '../../src/core/model/journal.ts'
import type { Profile } from '../../src/core/model/profile.ts'
import { isTerminal, RUNNING } from '../../src/core/model/states.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import { must } from '../violation.ts'

/** The attempt that works on a run, as the worker knows it that calls its steps. */
export interface Holder {
  readonly job: number
  readonly attempt: number
  readonly token: string
}

/** A question as a run asks it. */
export interface Asked {
  readonly run: number
  readonly title: string
}

export class Effects {
  readonly #tables: Tables
  /** Runs that were asked for other code than they had recorded. */
  readonly #strange = new Set<number>()
  /** What the code of each run has gone on behind, since it began or began anew. */
  readonly #passed = new Map<string, Set<string>>()
  /** The question that each answer was given to. */
  readonly #given = new Map<string, Asked>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** A worker with these labels begins to work on a run. */
  begun(holder: Holder, labels: readonly string[]): void {
    if (!this.#isPresent(holder)) return
    const wanted = this.wantedBy(holder.job)
    const isFit = wanted.every((label) => labels.includes(label))
    must(
      'L11',
      isFit,
      () => `run ${holder.job} wants a worker with ${wanted}, and went to one with ${labels}`,
    )
  }

  /** The labels that a job asks for. */
  wantedBy(job: number): readonly string[] {
    const { jobs, routesById, profilesById } = this.#tables
    const route = routesById.get(jobs.get(job)?.route ?? 0)
    const profile = profilesById.get(route?.profile ?? 0)
    return profile === undefined ? [] : ((JSON.parse(profile.text) as Profile).requires?.labels ?? [])
  }

  /** A step is called, with the key that its position gives it. */
  called(holder: Holder, name: string, key: string): void {
    if (!this.#isPresent(holder)) return
    const position = positionOf(key)
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
    const beginning = this.beginning(holder.job)
    const passed = this.#passed.get(beginning) ?? new Set()
    this.#passed.set(beginning, passed.add(name))
  }

  /** Names a run since it began anew, or was restarted, last: until the next time its journal only grows. */
  beginning(job: number): string {
    return `${job}.${this.#tables.jobs.get(job)?.restarts}.${this.#tables.runs.get(job)?.origin ?? 0}`
  }

  /** What the code has gone on behind by now. */
  passedBy(job: number): readonly string[] {
    return [...(this.#passed.get(this.beginning(job)) ?? [])]
  }

  /** A run has told what it went on behind. Whatever anybody could know when it was asked, it knows; what it knows is on record. */
  told(job: number, known: readonly string[], answer: readonly string[]): void {
    const missing = known.find((name) => !answer.includes(name))
    must(
      'W7',
      missing === undefined,
      () => `run ${job} does not know of '${missing}', which was long settled`,
    )
    const rows = this.#rows(job)
    const unknown = answer.find((name) => !rows.some((row) => row.name === name))
    must('W7', unknown === undefined, () => `run ${job} tells of '${unknown}', which is not on record`)
  }

  /** An update is carried out. */
  changed(holder: Holder, id: string): void {
    if (!this.#isPresent(holder)) return
    const isAnswered = this.#rows(holder.job).some(
      ({ kind, name }) => kind === UPDATE && name.endsWith(` ${id}`),
    )
    must('W5', !isAnswered, () => `run ${holder.job} has answered ${id}, and carries it out again`)
  }

  /** Somebody answers a question. */
  gave(answer: string, asked: Asked): void {
    this.#given.set(answer, asked)
  }

  /** The run has an answer. */
  answered({ job }: Holder, title: string, answer: string): void {
    const asked = this.#given.get(answer)
    // a fork begins with the answers that another run had
    const mayHave = asked?.run === job || isFork(this.#tables.jobs.get(job))
    must(
      'W7',
      mayHave && asked?.title === title,
      () => `run ${job} takes ${answer} for an answer to ${title}; it was given to ${JSON.stringify(asked)}`,
    )
  }

  /** The code does something under a lock, so the run has it, unless it has left behind what it did when it gave the lock back. */
  holds(holder: Holder, key: string): void {
    if (!this.#isPresent(holder) || this.#hasGivenBack(holder.job, key)) return
    const { jobs, routesById } = this.#tables
    const text = JSON.stringify(key)
    const namespaceOf = (job: number): number | undefined =>
      routesById.get(jobs.get(job)?.route ?? 0)?.namespace
    const own = namespaceOf(holder.job)
    for (const { id, flags, input, state, parent } of jobs.values()) {
      if ((flags & IS_TICKET) === 0 || input !== text || isTerminal(state) || namespaceOf(id) !== own)
        continue
      must(
        'C1',
        parent === holder.job,
        () => `run ${holder.job} works under the lock ${key}, which ${parent} has`,
      )
      return
    }
    must('C1', false, () => `run ${holder.job} works under the lock ${key}, and is not in line for it`)
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

  #hasGivenBack(job: number, key: string): boolean {
    const rows = this.#rows(job)
    const positions = rows
      .filter(({ kind, name }) => kind === LOCK && name === key)
      .map(({ position }) => position)
    return rows.some((row) => lostIn(row).some((each) => positions.includes(each)))
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

/** Whether a run was made from another one. */
export const isFork = (job: Pick<JobRow, 'metadata'> | undefined): boolean =>
  job?.metadata?.includes('"forkOf"') === true

/** The position of a step, which is the end of its key. */
const positionOf = (key: string): number => Number(key.slice(key.lastIndexOf('.') + 1))
