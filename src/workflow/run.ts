/**
 * One workflow run inside a worker: what its code asks for, and at which position of the journal.
 *
 * Owns: positions, names, branches, and what the code does not wait for any more. How the run gets on is for its course.
 */
import {
  CHILD,
  DONE,
  type EntryKind,
  type JournalRow,
  LOCK,
  MARK,
  type Retry,
  SEND,
  SIGNAL,
  STEP,
  WITHDRAW,
} from '../core/model/journal.ts'
import type { PerdureError } from '../errors.ts'
import { type Cautions, type RunWatch, UNWATCHED } from './cautions.ts'
import { Course, type CourseOwner } from './course.ts'
import { lookedAtError, mismatch } from './errors.ts'
import type { Ledger } from './ledger.ts'
import { type Branch, type Combination, Parts } from './parts.ts'
import { NEVER, type Pending, parse, rejected } from './pending.ts'
import type { FlowEntry, RunEnd, RunPort } from './port.ts'
import type { RowQueue } from './rows.ts'
import { DEFAULT_RULES } from './step-options.ts'
import type { StepRequest, Steps } from './steps.ts'
import type { Waits } from './waits.ts'

/** A job, as the code asks for it. */
export interface ChildRequest {
  /** The code waits for its end, rather than for its beginning. */
  readonly awaits: boolean
  /** The run does not end before it. */
  readonly mustEnd: boolean
}

export class FlowRun {
  readonly job: number
  readonly #course: Course
  readonly #ledger: Ledger
  readonly #rows: RowQueue
  readonly #steps: Steps
  readonly #waits: Waits
  readonly #cautions: Cautions
  readonly #watch: RunWatch
  readonly #parts = new Parts()
  readonly #names = new Map<string, number>()
  #branch: Branch | undefined
  #isLookedAt = false
  /** What is asked for now is asked for by the undoing, not by the code. */
  #isUndoing = false

  /** @param watch who looks at the code; nobody by default. */
  constructor(job: number, program: (run: FlowRun) => unknown, watch: RunWatch = UNWATCHED) {
    this.job = job
    this.#watch = watch
    const owner: CourseOwner = {
      job,
      begin: () => program(this),
      undo: (name, fn) => this.#stepOfUndo(name, fn),
      passOn: (name, value) => this.#passOn(name, value),
    }
    this.#course = new Course(owner, watch)
    const { ledger, rows, steps, waits, cautions } = this.#course
    this.#ledger = ledger
    this.#rows = rows
    this.#steps = steps
    this.#waits = waits
    this.#cautions = cautions
  }

  /** False when what the code did, or has seen, may not be what is in the journal: it is of no use any more. */
  get isWhole(): boolean {
    return this.#ledger.isWhole
  }

  /** About how much memory it takes, in characters. */
  get size(): number {
    return this.#rows.size
  }

  /** How far it knows its journal. */
  get known(): number {
    return this.#rows.known
  }

  /** What the code shall stop for. */
  get signal(): AbortSignal {
    return this.#course.signal
  }

  /**
   * Works on the run until it ends, waits, or is stopped.
   *
   * @param isFirst nothing can be in the journal yet.
   */
  work(port: RunPort, isFirst: boolean): Promise<RunEnd> {
    return this.#course.work(port, isFirst)
  }

  /** Something settled that was not written here. */
  news(): void {
    this.#course.news()
  }

  /** Runs a step, unless its end is on record. One of a name that was there before gets a number. */
  step(given: string, request: StepRequest): Promise<unknown> {
    const count = (this.#names.get(given) ?? 0) + 1
    this.#names.set(given, count)
    const name = count === 1 ? given : `${given} #${count}`
    if (count > 1) this.#cautions.repeated(given, name)
    const { undo } = request
    const pending = {
      undo: undo && { name, fn: undo },
      again: (position: number, retry: Retry) => this.#try(position, name, request, retry),
    }
    return this.#ask(STEP, name, pending, (position) => this.#try(position, name, request))
  }

  #try(position: number, name: string, request: StepRequest, before?: Retry): void {
    const port = this.#course.port
    if (port === undefined || (port.signal.aborted && port.signal.reason !== 'cancel')) return
    this.#steps.run(port, position, name, request, before)
  }

  /** A job of its own. Of one that is only started, what ends is its making, which gives its id. */
  child(
    name: string,
    { awaits, mustEnd }: ChildRequest,
    entry: (position: number) => FlowEntry | Promise<FlowEntry>,
  ): Promise<unknown> {
    const position = this.#rows.next
    if (awaits || !mustEnd) {
      const ended = this.wait(CHILD, name, entry)
      if (mustEnd && this.#waits.has(position)) this.#waits.mustEnd.add(position)
      return ended
    }
    const { id } = this.spawn(name, entry)
    if (this.#waits.has(position)) this.#waits.mustEnd.add(position)
    return id.finally(() => this.#waits.drop(position))
  }

  /** A job of its own, of which the code wants to know the id before the end. */
  spawn(
    name: string,
    entry: (position: number) => FlowEntry | Promise<FlowEntry>,
  ): { readonly id: Promise<number>; readonly ended: Promise<unknown> } {
    const position = this.#rows.next
    const ended = this.wait(CHILD, name, entry)
    return { id: this.#waits.idOf(position) ?? (ended as Promise<number>), ended }
  }

  /** Gets in line for a lock. `release` gives it back; where the run ends before, its end does. */
  lock(name: string): { readonly held: Promise<unknown>; readonly release: () => void } {
    const position = this.#rows.next
    const held = this.wait(LOCK, name, (own) => ({ type: 'lock', position: own, name }))
    if (this.#rows.next === position) return { held, release: () => {} }
    return { held, release: () => this.#withdraw(`lock ${name}`, [position], []) }
  }

  /** What several promises make together, of which those that it does not wait for in the end are let go of. */
  combine<T>(name: Combination, parts: readonly unknown[], whole: Promise<T>): Promise<T> {
    return this.#parts.combine(name, parts, whole, (positions, error) => {
      const open = positions.filter((position) => this.#waits.has(position))
      this.#withdraw(name, open, open, error)
    })
  }

  /** Runs code of which everything is let go of when its promise loses a race. */
  branch<T>(branch: Branch, code: () => T): Promise<Awaited<T>> {
    return this.#parts.branch(branch, code)
  }

  /** Whatever is asked for while `ask` is on the stack belongs to a branch. */
  within<T>(branch: Branch | undefined, ask: () => T): T {
    const before = this.#branch
    this.#branch = branch
    try {
      return ask()
    } finally {
      this.#branch = before
    }
  }

  /** Has the engine forget what nobody waits for any more. Those of `rejected` are told so. */
  #withdraw(
    name: string,
    positions: readonly number[],
    rejected: readonly number[],
    error?: PerdureError,
  ): void {
    // The end of a run lets go of all that it has.
    if (this.#course.isOver || positions.length === 0) return
    if (this.#course.port === undefined) this.#ledger.isWhole = false
    const issued = this.#issue(WITHDRAW, name)
    if (issued === undefined) return
    const { position } = issued
    const open = positions.filter((each) => !this.#waits.mustEnd.has(each))
    if (issued.row === undefined)
      this.#ledger.write({ type: 'withdraw', position, name, positions: open, jobs: [] })
    for (const each of open) this.#rows.withdraw(each)
    for (const each of rejected) {
      this.#steps.stop(each)
      this.#cautions.settled(each)
      // A step that is under way, or has ended meanwhile, may still have to be undone.
      this.#waits.letGo(each, error, this.#steps.mayEnd(each) || this.#rows.willSettle(each))
    }
    this.#course.touch()
  }

  /** A signal came for a wait that had just been let go of: it is somebody else's. */
  #passOn(name: string, value: string | null): void {
    if (this.#course.isOver) return
    const issued = this.#issue(SEND, name)
    if (issued !== undefined && issued.row === undefined) {
      const said = { to: this.job, signal: name, value: (value as string).slice(1, -1) }
      this.#ledger.write({ type: 'send', position: issued.position, name, ...said })
    }
  }

  /** Waits for what an entry opens, or for its own end. The entry is made only where it is not on record. */
  wait(
    kind: EntryKind,
    name: string,
    entry: (position: number) => FlowEntry | Promise<FlowEntry>,
  ): Promise<unknown> {
    const how = kind === SIGNAL ? { undo: undefined, signal: name } : NO_UNDO
    return this.#ask(kind, name, how, (position) => {
      let made: FlowEntry | Promise<FlowEntry>
      try {
        made = entry(position)
      } catch (thrown) {
        this.#ledger.refuse(kind, name, position, thrown)
        return
      }
      if (!(made instanceof Promise)) {
        this.#ledger.write(made)
        return
      }
      const written = made.then(
        (ready) => {
          if (!this.#rows.withdrawn.has(position)) this.#ledger.write(ready)
        },
        (thrown: unknown) => this.#ledger.refuse(kind, name, position, thrown),
      )
      this.#steps.prepare(written)
    })
  }

  /** Tells how far the run is. Not in the journal: a replay tells it again. */
  progress(fraction: number, message: string | undefined): void {
    this.#watch.outside(() => this.#course.port?.progress(fraction, message))
  }

  /** The time of whoever works on the run, epoch ms. */
  now(): number {
    return this.#course.port?.now() ?? Date.now()
  }

  /** A value that is made once and then on record. */
  mark(name: string, make: () => unknown): unknown {
    // Nothing that comes of it is on record, and a restart comes by another way.
    if (this.#course.isOver) return this.#watch.outside(make)
    const issued = this.#issue(MARK, name)
    if (issued === undefined) throw this.#course.fault
    if (issued.row !== undefined) return parse(issued.row.value)
    const value = this.#watch.outside(make)
    const { position } = issued
    const text = JSON.stringify(value)
    this.#ledger.write({ type: 'settled', kind: MARK, position, name, state: DONE, value: text, undo: false })
    this.#course.touch()
    return value
  }

  /** Whether the code is new here: it takes the new way, and so does every replay. Old runs keep to the old one. */
  patched(name: string): boolean {
    const row = this.#rows.recorded.get(this.#rows.next)
    const isOld = row !== undefined || this.#rows.recorded.size > 0
    if (isOld && !(row?.kind === MARK && row.name === name)) return false
    return this.mark(name, () => true) as boolean
  }

  #ask(
    kind: EntryKind,
    name: string,
    how: Omit<Pending, 'resolve' | 'reject'>,
    begin: (position: number) => void,
  ): Promise<unknown> {
    if (!this.#isUndoing) {
      if (this.#course.cancelled !== undefined) return rejected(this.#course.cancelled)
      if (this.#course.hasFailed) return NEVER
    }
    const branch = this.#branch
    if (branch?.lost !== undefined) return rejected(branch.lost)
    // What the code does without a lease is not in the journal.
    if (this.#course.port === undefined) this.#ledger.isWhole = false
    const issued = this.#issue(kind, name)
    if (issued === undefined) return NEVER
    const { position, row } = issued
    const promise = this.#waits.add(position, how)
    this.#parts.note(promise, position)
    branch?.add(position)
    const isUnmade = this.#rows.isUnmade(position)
    if (this.#rows.isPending(position) || this.#rows.isLate(row)) this.#waits.gaps.add(position)
    if (row === undefined || isUnmade) {
      // What is on record as let go of does not begin anew, unless it may have to be undone.
      if (how.undo !== undefined || !this.#rows.withdrawn.has(position))
        this.#watch.outside(() => begin(position))
    }
    this.#course.touch()
    return promise
  }

  /** The code asked for something: for those who look on. */
  protected noteAsked(_kind: EntryKind, _name: string): void {}

  /** Lets somebody look at what the code knows, who must not ask for anything. */
  look<T>(act: () => T): T {
    this.#isLookedAt = true
    try {
      return act()
    } finally {
      this.#isLookedAt = false
    }
  }

  #issue(kind: EntryKind, name: string): { position: number; row: JournalRow | undefined } | undefined {
    if (this.#isLookedAt) throw lookedAtError(name)
    this.noteAsked(kind, name)
    if (this.#course.fault !== undefined) return undefined
    this.#course.moved()
    const { position, row } = this.#rows.issue()
    if (row === undefined || (row.kind === kind && row.name === name)) {
      this.#cautions.asked(kind, name, position)
      return { position, row }
    }
    this.#course.fail(mismatch(position, row, kind, name))
    return undefined
  }

  #stepOfUndo(name: string, fn: () => unknown): Promise<unknown> {
    this.#isUndoing = true
    try {
      return this.step(name, { fn, rules: DEFAULT_RULES, undo: undefined })
    } finally {
      this.#isUndoing = false
    }
  }
}

const NO_UNDO = { undo: undefined }
