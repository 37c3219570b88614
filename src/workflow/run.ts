/**
 * One workflow run inside a worker: the code of the user on one side, its journal on the other.
 *
 * Owns: positions, what the code waits for, and the order in which that settles, which is the order of the journal and of
 * nothing else: one row at a time, with everything that follows from it in the code before the next. So a replay makes the
 * same calls in the same order. Kept over a suspension, it goes on where it stood.
 * Never does: talking to an engine (see port.ts), or deciding how a step is tried again (see step.ts).
 */
import {
  CHILD,
  DONE,
  type EntryKind,
  type JournalRow,
  LOCK,
  MARK,
  OPEN,
  type Retry,
  SEND,
  SIGNAL,
  STEP,
  WITHDRAW,
} from '../core/model/journal.ts'
import type { PerdureError } from '../errors.ts'
import { Alarm } from './alarm.ts'
import { Cautions, type RunWatch, UNWATCHED } from './cautions.ts'
import { lookedAtError, mismatch, missing, recordedError } from './errors.ts'
import { Ledger } from './ledger.ts'
import { type Branch, type Combination, Parts } from './parts.ts'
import { NEVER, type Pending, parse, rejected } from './pending.ts'
import type { FlowEntry, RunEnd, RunPort } from './port.ts'
import type { RowQueue } from './rows.ts'
import { DEFAULT_RULES } from './step-options.ts'
import { type StepRequest, Steps } from './steps.ts'
import { nextTurn } from './turns.ts'
import { Undos } from './undo.ts'
import { Waits } from './waits.ts'

/** A job, as the code asks for it. */
export interface ChildRequest {
  /** The code waits for its end, rather than for its beginning. */
  readonly awaits: boolean
  /** The run does not end before it. */
  readonly mustEnd: boolean
}

/** A row of which the code did not get to its position for so long, ms, will never be asked for. */
const STALL_MS = 5_000
/** Code that waits so long, ms, for nothing that it asked for waits for something else. */
const STRAY_MS = 1_000

/** Thrown through the code to begin anew. */
export class Continuation {
  readonly input: unknown

  constructor(input: unknown) {
    this.input = input
  }
}

export class FlowRun {
  readonly job: number
  readonly #program: (run: FlowRun) => unknown
  readonly #ledger: Ledger = new Ledger({
    hasBegun: () => this.#isStarted,
    isOf: (port) => this.#port === port,
    turn: () => this.#turn(),
    touch: () => this.#touch(),
    leave: (end) => this.#leave(end),
  })
  readonly #rows: RowQueue = this.#ledger.rows
  readonly #steps: Steps
  readonly #waits = new Waits()
  readonly #parts = new Parts()
  readonly #names = new Map<string, number>()
  #branch: Branch | undefined
  #abort = new AbortController()
  readonly #undos = new Undos()
  #port: RunPort | undefined
  #end: ((end: RunEnd) => void) | undefined
  #isStarted = false
  #isLookedAt = false
  #isTurnDue = false
  #outcome: { readonly value: unknown; readonly isThrown: boolean } | undefined
  #fault: PerdureError | undefined
  #cancelled: PerdureError | undefined
  /** The code has ended with a failure: what it left behind asks for nothing more. */
  #hasFailed = false
  /** What is asked for now is asked for by the undoing, not by the code. */
  #isUndoing = false
  readonly #alarm = new Alarm()
  readonly #watch: RunWatch
  readonly #cautions: Cautions

  /** @param watch who looks at the code; nobody by default. */
  constructor(job: number, program: (run: FlowRun) => unknown, watch: RunWatch = UNWATCHED) {
    this.job = job
    this.#program = program
    this.#watch = watch
    this.#cautions = new Cautions(watch)
    const run = this
    this.#steps = new Steps({
      keyOf: (position) => {
        const { origin } = this.#rows
        return origin === 0 ? `${job}.${position}` : `${job}.${origin}.${position}`
      },
      get signal() {
        return run.signal
      },
      isWithdrawn: (position) => this.#rows.withdrawn.has(position),
      write: (entry) => {
        if ('value' in entry) this.#cautions.large(entry.name, entry.value?.length ?? 0)
        this.#ledger.write(entry)
      },
      drop: (position) => this.#waits.drop(position),
      touch: () => this.#touch(),
    })
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
    return this.#abort.signal
  }

  /**
   * Works on the run until it ends, waits, or is stopped.
   *
   * @param isFirst nothing can be in the journal yet.
   */
  work(port: RunPort, isFirst: boolean): Promise<RunEnd> {
    this.#port = port
    if (!isFirst) this.#ledger.expectNews()
    return new Promise((resolve) => {
      this.#end = resolve
      port.signal.addEventListener('abort', this.#onStop)
      this.#turn()
    })
  }

  readonly #onStop = (): void => {
    const reason = this.#port?.signal.reason
    // The code hears of it from the journal, where it has its place among all else, also in a replay.
    if (reason === 'cancel') this.#ledger.expectTimers()
    if (reason !== 'cancel' || !this.#undos.isUnderWay) this.#abort.abort(reason)
    this.#touch()
  }

  /** Something settled that was not written here. */
  news(): void {
    this.#ledger.expectNews()
    this.#touch()
  }

  // What the code asks for.

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
    const port = this.#port
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
    if (this.#cancelled !== undefined || this.#hasFailed || positions.length === 0) return
    if (this.#port === undefined) this.#ledger.isWhole = false
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
    this.#touch()
  }

  /** A signal came for a wait that had just been let go of: it is somebody else's. */
  #passOn(name: string, value: string | null): void {
    if (this.#cancelled !== undefined || this.#hasFailed) return
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
    this.#watch.outside(() => this.#port?.progress(fraction, message))
  }

  /** The time of whoever works on the run, epoch ms. */
  now(): number {
    return this.#port?.now() ?? Date.now()
  }

  /** A value that is made once and then on record. */
  mark(name: string, make: () => unknown): unknown {
    const issued = this.#issue(MARK, name)
    if (issued === undefined) throw this.#fault
    if (issued.row !== undefined) return parse(issued.row.value)
    const value = this.#watch.outside(make)
    const { position } = issued
    const text = JSON.stringify(value)
    this.#ledger.write({ type: 'settled', kind: MARK, position, name, state: DONE, value: text, undo: false })
    this.#touch()
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
      if (this.#cancelled !== undefined) return rejected(this.#cancelled)
      if (this.#hasFailed) return NEVER
    }
    const branch = this.#branch
    if (branch?.lost !== undefined) return rejected(branch.lost)
    // What the code does without a lease is not in the journal.
    if (this.#port === undefined) this.#ledger.isWhole = false
    const issued = this.#issue(kind, name)
    if (issued === undefined) return NEVER
    const { position, row } = issued
    const promise = this.#waits.add(position, how)
    this.#parts.note(promise, position)
    branch?.add(position)
    const isUnmade = row !== undefined && this.#rows.isUnmade(position)
    if (isUnmade || this.#rows.isLate(row)) this.#waits.gaps.add(position)
    if (row === undefined || isUnmade) {
      // What is on record as let go of does not begin anew, unless it may have to be undone.
      if (how.undo !== undefined || !this.#rows.withdrawn.has(position))
        this.#watch.outside(() => begin(position))
    }
    this.#touch()
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
    if (this.#fault !== undefined) return undefined
    this.#alarm.clear()
    const { position, row } = this.#rows.issue()
    if (row === undefined || (row.kind === kind && row.name === name)) {
      this.#cautions.asked(kind, name, position)
      return { position, row }
    }
    this.#fault = mismatch(position, row, kind, name)
    this.#touch()
    return undefined
  }

  // From here on: turns.

  #touch(): void {
    if (this.#isTurnDue || this.#port === undefined) return
    this.#isTurnDue = true
    const turn = (): void => {
      this.#isTurnDue = false
      this.#turn()
    }
    this.#watch.outside(() => nextTurn(turn))
  }

  /** Does the next thing that is to be done; promises that it settles have their effect before the next turn. */
  #turn(): void {
    const port = this.#port
    if (port === undefined) return
    this.#cautions.grown(this.#rows.known)
    if (port.signal.aborted && port.signal.reason === 'lease-lost') {
      this.#leave({ type: 'lost' })
      return
    }
    if (this.#fault !== undefined && !this.#ledger.isBusy) {
      this.#leave({ type: 'paused', error: this.#fault })
      return
    }
    if (this.#ledger.catchUp(port)) return
    this.#ledger.flush(port)
    if (!this.#isStarted) {
      if (!this.#ledger.isBusy) this.#start()
    } else if (this.#deliver() || this.#tryAgain()) {
      this.#touch()
    } else if (!this.#ledger.isBusy) {
      this.#rest(port)
    }
  }

  #start(): void {
    this.#isStarted = true
    this.#follow(() => this.#watch.inside(this.#cautions, () => this.#program(this)))
    this.#touch()
  }

  #follow(code: () => unknown): void {
    const ended = (value: unknown, isThrown: boolean): void => {
      this.#outcome = { value, isThrown }
      if (isThrown && !(value instanceof Continuation)) {
        this.#hasFailed = true
        this.#waits.silence()
      }
      this.#touch()
    }
    new Promise((resolve) => resolve(code())).then(
      (value) => ended(value, false),
      (thrown: unknown) => ended(thrown, true),
    )
  }

  /** Settles the next position of the journal. Answers false where there is none, or the code has not got there. */
  #deliver(): boolean {
    for (let row = this.#rows.shift(); row !== undefined; row = this.#rows.shift()) {
      if (row.position < 0) {
        this.#cancel(recordedError(row.value))
        return true
      }
      const taken = this.#waits.take(row)
      if (row.state !== OPEN) this.#cautions.settled(row.position)
      if (taken === undefined) continue
      if (taken.passOn !== undefined) this.#passOn(taken.passOn, row.value)
      if (taken.undo !== undefined && row.state === DONE) this.#undos.note(taken.undo, parse(row.value))
      return true
    }
    return false
  }

  /** Tries steps again whose time has come. Answers whether there were any. */
  #tryAgain(): boolean {
    if (this.#ledger.isBusy || this.#rows.peek() !== undefined) return false
    return this.#waits.tryAgain()
  }

  /** Nothing is left to do but what the code, or the world, has to do first. */
  #rest(port: RunPort): void {
    if (this.#outcome !== undefined && !this.#mustStay()) {
      this.#conclude()
    } else if (port.signal.aborted && port.signal.reason !== 'cancel') {
      if (this.#steps.size === 0) this.#leave({ type: 'stopped' })
    } else if (this.#rows.peek() !== undefined && this.#waits.gaps.size === 0) {
      this.#alarm.set(port, STALL_MS, () => this.#stalled())
    } else if (this.#steps.size > 0) {
      const due = this.#rows.nextDueAt()
      if (due !== Infinity) this.#alarm.set(port, Math.max(1, due - port.now()), () => this.#pull())
    } else if ((this.#outcome === undefined ? this.#waits : this.#waits.mustEnd).size > 0) {
      this.#leave({ type: 'suspended', seen: this.#rows.known })
    } else if (this.#watch.isStrict) {
      this.#alarm.set(port, STRAY_MS, () => this.#cautions.strays())
    }
  }

  /** Whether the code has ended and the run has not: for steps that may have to be undone, and children that have to end. */
  #mustStay(): boolean {
    if (this.#cancelled !== undefined) return this.#steps.size > 0
    if (this.#waits.mustEnd.size > 0) return true
    if (this.#hasFailed) return this.#steps.size > 0 && this.#waits.size > 0
    return this.#steps.size > 0 && [...this.#rows.withdrawn].some((position) => this.#waits.has(position))
  }

  #pull(): void {
    this.#ledger.expectTimers()
    this.#touch()
  }

  #stalled(): void {
    const row = this.#rows.peek()
    if (row !== undefined) this.#fault = missing(row, 'code that does not get there')
    this.#touch()
  }

  #conclude(): void {
    const { value, isThrown } = this.#outcome as { value: unknown; isThrown: boolean }
    const fails = isThrown && !(value instanceof Continuation)
    if (fails && !this.#undos.isEmpty) {
      this.#undo(value)
      return
    }
    const [left] = this.#rows.recorded.values()
    if (left !== undefined) {
      this.#leave({ type: 'paused', error: missing(left, 'that the code ended') })
      return
    }
    if (!fails) {
      if (!isThrown) this.#cautions.ended()
      this.#leave(
        value instanceof Continuation
          ? { type: 'continued', input: value.input }
          : { type: 'succeeded', result: value },
      )
      return
    }
    const isCancel = this.#cancelled !== undefined && !this.#undos.hasFailed
    this.#leave(isCancel ? { type: 'cancelled' } : { type: 'failed', error: value })
  }

  /** Undoes what was done, last first; then the run ends as it would have. */
  #undo(thrown: unknown): void {
    this.#outcome = undefined
    // What has to be undone has to be undone, also where the run was cancelled.
    this.#abort = new AbortController()
    this.#follow(async () => {
      await this.#undos.undoAll((name, fn) => {
        return this.#stepOfUndo(name, fn)
      })
      throw thrown
    })
  }

  #stepOfUndo(name: string, fn: () => unknown): Promise<unknown> {
    this.#isUndoing = true
    try {
      return this.step(name, { fn, rules: DEFAULT_RULES, undo: undefined })
    } finally {
      this.#isUndoing = false
    }
  }

  /** Tells everything that waits; what runs is asked to stop. The first reason stands, and undoing goes on. */
  #cancel(reason: PerdureError): void {
    if (this.#cancelled !== undefined) return
    this.#cancelled = reason
    if (this.#undos.isUnderWay) return
    this.#abort.abort('cancel')
    this.#waits.silence(reason)
    this.#touch()
  }

  #leave(end: RunEnd): void {
    const done = this.#end
    this.#alarm.clear()
    this.#port?.signal.removeEventListener('abort', this.#onStop)
    this.#port = undefined
    this.#end = undefined
    if (end.type !== 'suspended') this.#abort.abort('ended')
    done?.(end)
  }
}

const NO_UNDO = { undo: undefined }
