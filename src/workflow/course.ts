/**
 * Course: how a workflow run gets on, until it ends, waits, or is stopped.
 *
 * Owns: what the code waits for, and the order in which that settles, which is the order of the journal and of nothing else:
 * one row at a time, with everything that follows from it in the code before the next. So a replay makes the same calls in
 * the same order. Kept over a suspension, it goes on where it stood.
 * Never does: asking for anything (see run.ts), talking to an engine (see port.ts), or deciding how a step is tried again (see
 * step.ts).
 */
import { DONE, OPEN } from '../core/model/journal.ts'
import type { PerdureError } from '../errors.ts'
import { Alarm } from './alarm.ts'
import { Cautions, type RunWatch } from './cautions.ts'
import { missing, recordedError } from './errors.ts'
import { Ledger } from './ledger.ts'
import { parse } from './pending.ts'
import type { RunEnd, RunPort } from './port.ts'
import type { RowQueue } from './rows.ts'
import { Steps } from './steps.ts'
import { nextTurn } from './turns.ts'
import { Undos } from './undo.ts'
import { Waits } from './waits.ts'

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

/** What a course needs of its run. */
export interface CourseOwner {
  readonly job: number
  /** Calls the code. */
  begin(): unknown
  /** Undoes a step, as a step of its own. */
  undo(name: string, fn: () => unknown): Promise<unknown>
  /** A signal came for a wait that had just been let go of: it is somebody else's. */
  passOn(name: string, value: string | null): void
}

export class Course {
  readonly #owner: CourseOwner
  readonly #watch: RunWatch
  readonly cautions: Cautions
  readonly ledger: Ledger = new Ledger({
    hasBegun: () => this.#isStarted,
    isOf: (port) => this.#port === port,
    turn: () => this.#turn(),
    touch: () => this.touch(),
    leave: (end) => this.#leave(end),
  })
  readonly rows: RowQueue = this.ledger.rows
  readonly steps: Steps
  readonly waits = new Waits()
  readonly #undos = new Undos()
  readonly #alarm = new Alarm()
  #abort = new AbortController()
  #port: RunPort | undefined
  #end: ((end: RunEnd) => void) | undefined
  #isStarted = false
  #isTurnDue = false
  #outcome: { readonly value: unknown; readonly isThrown: boolean } | undefined
  #fault: PerdureError | undefined
  #cancelled: PerdureError | undefined
  #hasFailed = false

  constructor(owner: CourseOwner, watch: RunWatch) {
    this.#owner = owner
    this.#watch = watch
    this.cautions = new Cautions(watch)
    const course = this
    this.steps = new Steps({
      keyOf: (position) => {
        const { origin } = this.rows
        return origin === 0 ? `${owner.job}.${position}` : `${owner.job}.${origin}.${position}`
      },
      get signal() {
        return course.signal
      },
      isWithdrawn: (position) => this.rows.withdrawn.has(position),
      write: (entry) => {
        if ('value' in entry) this.cautions.large(entry.name, entry.value?.length ?? 0)
        this.ledger.write(entry)
      },
      drop: (position) => this.waits.drop(position),
      touch: () => this.touch(),
    })
  }

  /** The attempt that works on the run; undefined while none does. */
  get port(): RunPort | undefined {
    return this.#port
  }

  /** What the code shall stop for. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Why the code does not fit what is on record. */
  get fault(): PerdureError | undefined {
    return this.#fault
  }

  /** Why the run was cancelled. */
  get cancelled(): PerdureError | undefined {
    return this.#cancelled
  }

  /** The code has ended with a failure: what it left behind asks for nothing more. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** What the code asks for is asked for no more. */
  get isOver(): boolean {
    return this.#hasFailed || this.#cancelled !== undefined
  }

  /**
   * Works on the run until it ends, waits, or is stopped.
   *
   * @param isFirst nothing can be in the journal yet.
   */
  work(port: RunPort, isFirst: boolean): Promise<RunEnd> {
    this.#port = port
    if (!isFirst) this.ledger.expectNews()
    return new Promise((resolve) => {
      this.#end = resolve
      port.signal.addEventListener('abort', this.#onStop)
      this.#turn()
    })
  }

  readonly #onStop = (): void => {
    const reason = this.#port?.signal.reason
    // The code hears of it from the journal, where it has its place among all else, also in a replay.
    if (reason === 'cancel') this.ledger.expectTimers()
    if (reason !== 'cancel' || !this.#undos.isUnderWay) this.#abort.abort(reason)
    this.touch()
  }

  /** Something settled that was not written here. */
  news(): void {
    this.ledger.expectNews()
    this.touch()
  }

  /** The code got on. */
  moved(): void {
    this.#alarm.clear()
  }

  /** The code does not fit what is on record. */
  fail(fault: PerdureError): void {
    this.#fault = fault
    this.touch()
  }

  /** Something is to be done, in the next turn. */
  touch(): void {
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
    this.cautions.grown(this.rows.known)
    if (port.signal.aborted && port.signal.reason === 'lease-lost') {
      this.#leave({ type: 'lost' })
      return
    }
    if (this.#fault !== undefined && !this.ledger.isBusy) {
      this.#leave({ type: 'paused', error: this.#fault })
      return
    }
    if (this.ledger.catchUp(port)) return
    this.ledger.flush(port)
    if (!this.#isStarted) {
      if (!this.ledger.isBusy) this.#start()
    } else if (this.#deliver() || this.#tryAgain()) {
      this.touch()
    } else if (!this.ledger.isBusy) {
      this.#rest(port)
    }
  }

  #start(): void {
    this.#isStarted = true
    this.#follow(() => this.#watch.inside(this.cautions, () => this.#owner.begin()))
    this.touch()
  }

  #follow(code: () => unknown): void {
    const ended = (value: unknown, isThrown: boolean): void => {
      this.#outcome = { value, isThrown }
      if (isThrown && !(value instanceof Continuation)) {
        this.#hasFailed = true
        this.waits.silence()
      }
      this.touch()
    }
    new Promise((resolve) => resolve(code())).then(
      (value) => ended(value, false),
      (thrown: unknown) => ended(thrown, true),
    )
  }

  /** Settles the next position of the journal. Answers false where there is none, or the code has not got there. */
  #deliver(): boolean {
    for (let row = this.rows.shift(); row !== undefined; row = this.rows.shift()) {
      if (row.position < 0) {
        this.#cancel(recordedError(row.value))
        return true
      }
      const taken = this.waits.take(row)
      if (row.state !== OPEN) this.cautions.settled(row.position)
      if (taken === undefined) continue
      if (taken.passOn !== undefined) this.#owner.passOn(taken.passOn, row.value)
      if (taken.undo !== undefined && row.state === DONE) this.#undos.note(taken.undo, parse(row.value))
      return true
    }
    return false
  }

  /** Tries steps again whose time has come. Answers whether there were any. */
  #tryAgain(): boolean {
    if (this.ledger.isBusy || this.rows.peek() !== undefined) return false
    return this.waits.tryAgain()
  }

  /** Nothing is left to do but what the code, or the world, has to do first. */
  #rest(port: RunPort): void {
    if (this.#outcome !== undefined && !this.#mustStay()) {
      this.#conclude()
    } else if (port.signal.aborted && port.signal.reason !== 'cancel') {
      if (this.steps.size === 0) this.#leave({ type: 'stopped' })
    } else if (this.rows.peek() !== undefined && this.waits.gaps.size === 0) {
      this.#alarm.set(port, STALL_MS, () => this.#stalled())
    } else if (this.steps.size > 0) {
      const due = this.rows.nextDueAt()
      if (due !== Infinity) this.#alarm.set(port, Math.max(1, due - port.now()), () => this.#pull())
    } else if ((this.#outcome === undefined ? this.waits : this.waits.mustEnd).size > 0) {
      this.#leave({ type: 'suspended', seen: this.rows.known })
    } else if (this.#watch.isStrict) {
      this.#alarm.set(port, STRAY_MS, () => this.cautions.strays())
    }
  }

  /** Whether the code has ended and the run has not: for steps that may have to be undone, and children that have to end. */
  #mustStay(): boolean {
    if (this.#cancelled !== undefined) return this.steps.size > 0
    if (this.waits.mustEnd.size > 0) return true
    if (this.#hasFailed) return this.steps.size > 0 && this.waits.size > 0
    return this.steps.size > 0 && [...this.rows.withdrawn].some((position) => this.waits.has(position))
  }

  #pull(): void {
    this.ledger.expectTimers()
    this.touch()
  }

  #stalled(): void {
    const row = this.rows.peek()
    if (row !== undefined) this.#fault = missing(row, 'code that does not get there')
    this.touch()
  }

  #conclude(): void {
    const { value, isThrown } = this.#outcome as { value: unknown; isThrown: boolean }
    const fails = isThrown && !(value instanceof Continuation)
    if (fails && !this.#undos.isEmpty) {
      this.#undo(value)
      return
    }
    const [left] = this.rows.recorded.values()
    if (left !== undefined && !this.rows.isCutShort) {
      this.#leave({ type: 'paused', error: missing(left, 'that the code ended') })
      return
    }
    if (!fails) {
      if (!isThrown) this.cautions.ended()
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
      await this.#undos.undoAll((name, fn) => this.#owner.undo(name, fn))
      throw thrown
    })
  }

  /** Tells everything that waits; what runs is asked to stop. The first reason stands, and undoing goes on. */
  #cancel(reason: PerdureError): void {
    if (this.#cancelled !== undefined) return
    this.#cancelled = reason
    if (this.#undos.isUnderWay) return
    this.#abort.abort('cancel')
    this.waits.silence(reason)
    this.touch()
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
