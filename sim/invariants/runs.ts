/**
 * Runs: what must hold of workflow runs whenever a commit has landed: their journals, what they wait for, what wakes them,
 * and what ends with them.
 */
import { HAS_UNDO, IS_TICKET, type JobRow } from '../../src/core/model/job.ts'
import {
  BROKEN,
  CHILD,
  childName,
  DONE,
  inboxOf,
  type JournalRow,
  type KeptSignal,
  LOCK,
  lostIn,
  OPEN,
  SEND,
  SIGNAL,
  STEP,
  TIMER,
  UPDATE,
  UPDATES,
  WITHDRAW,
  waitsOf,
} from '../../src/core/model/journal.ts'
import { DUE_LINE, SETTLE_LINE } from '../../src/core/model/line.ts'
import { CANCELLED, HELD, isTerminal, RUNNING, SUSPENDED, stateName } from '../../src/core/model/states.ts'
import { EDGE_CLOSE, EDGE_ENTRY } from '../../src/core/policy/finish.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import type { Batch } from '../../src/store/store.ts'
import { must } from '../violation.ts'
import { isOfCaller } from '../workload/conversation.ts'
import { type Effects, isFork } from './effects.ts'
import { isTelling, Locks } from './locks.ts'

/** Where a signal is that was told to a run. */
type Whereabouts = 'kept' | 'heard'

export class RunChecker {
  readonly #tables: Tables
  readonly #effects: Effects
  /** Signals by run and value; values are never told twice. */
  readonly #signals = new Map<string, Whereabouts>()
  /** Signals that were kept for each run before the commit. */
  #before = new Map<number, readonly KeptSignal[]>()
  /** Runs that have, or had, something to undo: no model tells how their calls may answer. */
  readonly #undoing = new Set<number>()
  /** Runs that were restarted and try again what had failed: their code may go another way than is on record. */
  readonly #retried = new Set<number>()
  /** Updates that were answered, by run, restart and call. */
  readonly #updates = new Set<string>()
  readonly #locks: Locks

  constructor(tables: Tables, effects: Effects) {
    this.#tables = tables
    this.#effects = effects
    this.#locks = new Locks(tables)
  }

  /** Jobs whose ways are more than those of other jobs. */
  isUndoing(job: number): boolean {
    return this.#undoing.has(job)
  }

  /** A commit is about to take effect. */
  onLanding(batch: Batch): void {
    const { runs, journal, journalCuts } = batch
    this.#checkEnds(batch)
    for (const { run, failures } of journalCuts) {
      const rows = [...this.#rows(run).values(), ...journal.filter((row) => row.run === run)]
      if (failures && rows.some(({ state }) => state === BROKEN)) this.#retried.add(run)
    }
    this.#before = new Map(
      [...runs, ...journal.map(({ run: job }) => ({ job }))].map(({ job }) => [job, this.#inbox(job)]),
    )
  }

  /** A commit has taken effect. */
  onLanded(batch: Batch): void {
    for (const row of batch.journal) {
      this.#checkRow(row)
      if (row.kind === LOCK && row.state === DONE) this.#locks.checkGranted(row)
      if (row.kind === WITHDRAW) this.#checkLetGo(row)
      if (row.kind === UPDATE && !isRestarted(row.run, batch)) this.#checkUpdate(row)
    }
    for (const [run, kept] of this.#before) this.#checkSignals(run, kept, batch)
    for (const job of batch.purged) this.#checkGone(job)
    const sleepers = new Set<number>()
    for (const { before, after } of batch.jobs) {
      if (after === undefined) continue
      if ((after.flags & HAS_UNDO) !== 0) this.#undoing.add(after.id)
      if (after.state === SUSPENDED) sleepers.add(after.id)
      if (after.state === HELD && before?.state !== HELD) this.#checkHeld(after)
      if (isTerminal(after.state)) this.#checkClosed(after)
      if (before?.state === RUNNING && isFork(after)) checkOwnEnd(after)
    }
    for (const { job } of batch.runs) sleepers.add(job)
    for (const { member, value } of batch.dependents) if (value < 0) sleepers.add(member)
    for (const id of sleepers) this.checkSleeper(id)
  }

  /** A sleeping run has something that will wake it, and is where that finds it (W6). */
  checkSleeper(id: number): void {
    const job = this.#tables.jobs.get(id)
    if (job?.state !== SUSPENDED) return
    const run = this.#tables.runs.get(id)
    // whoever may be told something at any time waits for more than that
    const waits = run === undefined ? [] : waitsOf(run).filter(({ name }) => name !== UPDATES)
    const { dependents, jobs } = this.#tables
    const isAwaiting = [...dependents.ownersOf(id)].some((owner) => {
      const child = jobs.get(owner)
      const tells = child !== undefined && isTelling(child)
      const hasWait = (dependents.membersOf(owner).get(id) ?? 0) >= EDGE_ENTRY
      // one that cannot end before the run has would wait for it as the run does
      const waits = dependents.membersOf(id).get(owner)
      const isCircle = owner === id || (waits !== undefined && waits !== EDGE_CLOSE)
      return tells && hasWait && !isCircle
    })
    must('W6', waits.length > 0 || isAwaiting, () => `run ${id} sleeps, and nothing would wake it`)
    const due = Math.min(...waits.map(({ dueAt }) => (dueAt === 0 ? Infinity : dueAt)))
    const isInLine = due === Infinity ? job.line !== DUE_LINE : job.line === DUE_LINE && job.rank <= due
    must('W6', isInLine, () => `run ${id} sleeps until ${due}; its line is ${job.line}, at ${job.rank}`)
  }

  /** What opens in a commit has what settles it in the same commit (W8), and nothing settles early (T1). */
  #checkRow(row: JournalRow): void {
    const { run, position, kind, state, at, sequence } = row
    // deleted in the same commit
    if (!this.#tables.jobs.has(run)) return
    const rows = this.#rows(run)
    // cut off in the same commit, in which the run began anew or was restarted
    if (!rows.has(sequence) && sequence < (this.#tables.runs.get(run)?.start ?? 0)) return
    must('W8', rows.has(sequence), () => `row ${sequence} of run ${run} did not land`)
    const others = [...rows.values()].filter(
      (other) => other.position === position && other.sequence !== sequence,
    )
    if (state === OPEN) {
      const isSettled = [...rows.values()].some(
        (other) => other.sequence > sequence && (isEnd(other, position) || letsGoOf(other, position)),
      )
      must('W8', isSettled || this.#hasSource(row), () => `${told(row)} opens, and nothing will settle it`)
      return
    }
    if (kind === STEP) {
      const isTwice = others.some((other) => other.kind === STEP && other.state !== OPEN)
      must('W5', !isTwice, () => `${told(row)} is on record as a step that has ended, and was before`)
    }
    if (kind !== TIMER && kind !== SIGNAL) return
    const opened = others.find((other) => other.state === OPEN)
    const isOver = kind === TIMER || row.value === '[]'
    const due = opened === undefined || opened.kind !== kind ? 0 : Number(opened.value)
    must('T1', !isOver || at >= due, () => `${told(row)}, due at ${due}, is over at ${at}`)
    const settled = others.filter((other) => other.kind === kind && other.state !== OPEN)
    must('W7', settled.length === 0, () => `${told(row)} settles again`)
  }

  #hasSource({ run, position, kind, value }: JournalRow): boolean {
    const { runs, dependents, jobs } = this.#tables
    if (isTerminal((jobs.get(run) as JobRow).state)) return true
    // one of a fork, which has yet to make the job
    if (kind === CHILD && value === null) return true
    if (kind === LOCK) return this.#locks.isInLine(run, Number(value), position)
    if (kind !== CHILD) {
      const row = runs.get(run)
      return kind > CHILD || (row !== undefined && waitsOf(row).some((wait) => wait.position === position))
    }
    return dependents.membersOf(Number(value)).get(run) === EDGE_ENTRY + position
  }

  /** Of what a run lets go of, nothing goes on for it: no job that it had asked for, no place in a line (W8). */
  #checkLetGo(row: JournalRow): void {
    const { run } = row
    const { dependents, jobs } = this.#tables
    for (const { kind, state, position, value, sequence } of this.#rows(run).values()) {
      if (state !== OPEN || sequence > row.sequence || !letsGoOf(row, position)) continue
      if (kind !== CHILD && kind !== LOCK) continue
      const job = Number(value)
      const isLeft =
        dependents.membersOf(run).has(job) || dependents.membersOf(job).get(run) === EDGE_ENTRY + position
      must('W8', !isLeft || !jobs.has(job), () => `run ${run} has let go of job ${job}, which goes on for it`)
    }
  }

  /** An update is answered once, whatever becomes of the run but for a restart. */
  #checkUpdate({ run, name }: JournalRow): void {
    const key = `${run}.${this.#tables.jobs.get(run)?.restarts} ${name}`
    must('W5', !this.#updates.has(key), () => `run ${run} answers the update ${name} once more`)
    this.#updates.add(key)
  }

  /** A signal that was kept is kept, or heard once, in the order in which it came (W7). */
  #checkSignals(run: number, before: readonly KeptSignal[], { journal, purged }: Batch): void {
    if (purged.includes(run)) return
    const heard = journal
      .filter((row) => row.run === run && isHeard(row))
      .map(signalOf)
      .filter(isOfCaller)
    const kept = this.#inbox(run)
      .map(({ value }) => value as string)
      .filter(isOfCaller)
    const last = before.map(({ value }) => value as string).filter(isOfCaller)
    const passedOn = new Set(
      journal.filter((row) => row.run === run && row.kind === SEND).map(({ name }) => name.split(':')[0]),
    )
    // one that came for a wait that had just been let go of is told to the run once more, by itself
    const isHeardBefore = (value: string): boolean =>
      this.#signals.get(`${run}:${value}`) === 'heard' && !passedOn.has(nameOf(value))
    for (const value of heard) {
      const key = `${run}:${value}`
      must('W7', !isHeardBefore(value), () => `run ${run} hears the signal ${value} again`)
      this.#signals.set(key, 'heard')
      const overtaken = last.find((other) => isSameName(other, value) && kept.includes(other))
      must(
        'W7',
        overtaken === undefined ||
          (last.indexOf(value) >= 0 && last.indexOf(value) < last.indexOf(overtaken)),
        () => `run ${run} hears ${value} before ${overtaken}, which came first`,
      )
    }
    for (const value of kept) {
      const key = `${run}:${value}`
      must('W7', !isHeardBefore(value), () => `run ${run} has heard ${value}, and keeps it`)
      this.#signals.set(key, 'kept')
    }
    for (const value of last)
      must(
        'W7',
        kept.includes(value) || heard.includes(value),
        () => `the signal ${value} of run ${run} is lost`,
      )
  }

  /** A caller is told that a run has its signal. */
  signalled(run: number, value: string): void {
    const isThere = this.#signals.has(`${run}:${value}`) || !this.#tables.jobs.has(run)
    must('W7', isThere, () => `the signal ${value} of run ${run} was acknowledged, and is not there`)
  }

  /** A caller is told what came of an update. */
  updated(run: number, id: string): void {
    const { jobs, journal } = this.#tables
    const key = `${run}.${jobs.get(run)?.restarts} change ${id}`
    // one that was deleted, or restarted since, has forgotten
    const isForgotten =
      !jobs.has(run) || (jobs.get(run) as JobRow).restarts > 0 || journal.get(run) === undefined
    must(
      'D2',
      isForgotten || this.#updates.has(key),
      () => `the answer to ${id} of run ${run} is not on record`,
    )
  }

  #checkGone(job: number): void {
    const { runs, journal } = this.#tables
    must('W9', !runs.has(job) && !journal.has(job), () => `job ${job} is deleted, and its journal is not`)
  }

  /** Whether a run that is held has gone astray after a restart, and can go neither on nor back. */
  isAstray({ id, error }: JobRow): boolean {
    return this.#retried.has(id) && error?.includes('"NON_DETERMINISM"') === true
  }

  /** No code changes in this world, but for what the ledger knows. */
  #checkHeld(job: JobRow): void {
    const { id, error } = job
    if (error?.includes('"NON_DETERMINISM"') !== true || this.isAstray(job)) return
    must('W4', this.#effects.mayBeStrange(id), () => `run ${id} is told that its code does not fit: ${error}`)
  }

  /** With a run's end its children end, or are asked to; with a job's end those who wait for it know (W8). */
  #checkClosed(job: JobRow): void {
    if (job.line === SETTLE_LINE) return
    for (const [member, value] of this.#tables.dependents.membersOf(job.id)) {
      const isLeft = value === EDGE_CLOSE || value >= EDGE_ENTRY
      must('W8', !isLeft, () => `job ${job.id} is ${stateName(job.state)}, and job ${member} was not told`)
    }
  }

  /**
   * How a job that a run waits for has ended is in the journal of the run, and what is of no use without a run ends with
   * it, in the same change.
   */
  #checkEnds({ jobs, dependents, journal }: Batch): void {
    const rows = new Map(jobs.map(({ before, after }) => [(after ?? before)?.id, after]))
    for (const { owner, member, value } of dependents) {
      const job = rows.get(owner)
      if (value >= 0 || job === undefined || !isTerminal(job.state)) continue
      const edge = this.#tables.dependents.membersOf(owner).get(member) ?? 0
      // one that was deleted in the same commit need not know
      const other = rows.has(member) ? rows.get(member) : this.#tables.jobs.get(member)
      if (other === undefined) continue
      const isTicket = (job.flags & IS_TICKET) !== 0
      const isTelling = (row: JournalRow): boolean =>
        // nobody waits for what the run has let go of
        letsGoOf(row, edge - EDGE_ENTRY) ||
        (isTicket ? row.kind === LOCK && row.position === edge - EDGE_ENTRY : row.name === childName(owner))
      const isTold =
        journal.some((row) => row.run === member && isTelling(row)) ||
        (isTicket && this.#locks.hasLeftLine(owner, member, dependents))
      must('W8', edge < EDGE_ENTRY || isTold, () => `job ${owner} has ended, and run ${member} does not know`)
      const isClosed = isTerminal(other.state) || other.cancelAt !== 0
      must('W8', edge !== EDGE_CLOSE || isClosed, () => `run ${owner} has ended, and job ${member} goes on`)
    }
  }

  #inbox(job: number): readonly KeptSignal[] {
    const run = this.#tables.runs.get(job)
    return run === undefined ? [] : inboxOf(run)
  }

  #rows(run: number): ReadonlyMap<number, JournalRow> {
    return this.#tables.journal.get(run) ?? new Map<number, JournalRow>()
  }
}

/** A fork is cancelled when somebody has cancelled it, and not because the run was that it was made from. */
function checkOwnEnd({ id, state, cancelAt }: JobRow): void {
  must(
    'W5',
    state !== CANCELLED || cancelAt !== 0,
    () => `fork ${id} ends as the cancelled run that it was made from`,
  )
}

function told({ run, position, sequence }: JournalRow): string {
  return `position ${position} of run ${run}, in row ${sequence},`
}

const isHeard = ({ kind, state, value }: JournalRow): boolean =>
  kind === SIGNAL && state === DONE && value !== '[]'

const signalOf = ({ value }: JournalRow): string => (value as string).slice(1, -1)

/** Whether a row says how a position ended. */
const isEnd = (row: JournalRow, position: number): boolean => row.position === position && row.state !== OPEN

/** Whether a row lets go of a position. */
const letsGoOf = (row: JournalRow, position: number): boolean => lostIn(row).includes(position)

const isRestarted = (run: number, { jobs }: Batch): boolean =>
  jobs.some(({ before, after }) => after?.id === run && (before?.restarts ?? 0) !== after.restarts)

/** What a signal was sent as, without the secret of a question. */
const nameOf = (value: string): string =>
  value.startsWith('"signal')
    ? (value.slice(1).split('#')[0] as string)
    : value.startsWith('{"id"')
      ? UPDATES
      : 'human'

/** Signals of callers have a name and a number; what runs tell themselves they may tell again. */
const isSameName = (one: string, other: string): boolean => one.split('#')[0] === other.split('#')[0]
