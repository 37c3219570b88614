/**
 * One workflow run inside a worker: the code of the user on one side, its journal on the other.
 *
 * Owns: positions, what the code waits for, and the order in which that settles, which is the order of the journal and of
 * nothing else: one row at a time, with everything that follows from it in the code before the next. So a replay makes the
 * same calls in the same order. Kept over a suspension, it goes on where it stood.
 * Never does: talking to an engine (see port.ts), or deciding how a step is tried again (see step.ts).
 */
import { DONE, type EntryKind, type JournalRow, MARK, OPEN, STEP } from '../core/model/journal.ts'
import { type PerdureError, perdureError } from '../errors.ts'
import { mismatch, missing, recordedError } from './errors.ts'
import { Ledger } from './ledger.ts'
import { NEVER, type Pending, parse, rejected, settle } from './pending.ts'
import type { FlowEntry, RunEnd, RunPort } from './port.ts'
import type { RowQueue } from './rows.ts'
import { runStep, type StepCall, type StepEnd } from './step.ts'
import { nextTurn } from './turns.ts'
import { type Undo, Undos } from './undo.ts'

/** A step as the code asks for it. */
export type StepRequest = Pick<StepCall, 'fn' | 'retry' | 'timeoutMs'> & {
  readonly undo: ((value: never) => unknown) | undefined
}

/** A row of which the code did not get to its position for so long, ms, will never be asked for. */
const STALL_MS = 5_000
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
  readonly #pending = new Map<number, Pending>()
  #abort = new AbortController()
  readonly #undos = new Undos()
  #port: RunPort | undefined
  #end: ((end: RunEnd) => void) | undefined
  #steps = 0
  #isStarted = false
  #isTurnDue = false
  #outcome: { readonly value: unknown; readonly isThrown: boolean } | undefined
  #fault: PerdureError | undefined
  #cancelled: PerdureError | undefined
  #disarm: (() => void) | undefined

  constructor(job: number, program: (run: FlowRun) => unknown) {
    this.job = job
    this.#program = program
  }

  /** False when what the code did, or has seen, may not be what is in the journal: it is of no use any more. */
  get isWhole(): boolean {
    return this.#ledger.isWhole
  }

  /** About how much memory it takes, in characters. */
  get size(): number {
    return this.#rows.size
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
    if (this.#port?.signal.reason === 'cancel') this.#cancel(cancelledError())
    else this.#abort.abort(this.#port?.signal.reason)
    this.#touch()
  }

  /** Something settled that was not written here. */
  news(): void {
    this.#ledger.expectNews()
    this.#touch()
  }

  // What the code asks for.

  /** Runs a step, unless its end is on record. */
  step(name: string, request: StepRequest): Promise<unknown> {
    const { undo } = request
    return this.#ask(STEP, name, undo && { name, fn: undo }, (position) => {
      const { fn, retry, timeoutMs } = request
      const key = `${this.job}.${position}`
      const port = this.#port
      if (port === undefined || (port.signal.aborted && port.signal.reason !== 'cancel')) return
      const { signal } = this
      const call = { name, key, fn, retry, timeoutMs, signal, after: port.after.bind(port) }
      this.#steps++
      const ended = (end: StepEnd | undefined): void => {
        this.#steps--
        if (end !== undefined) {
          const { state, value } = end
          const hasUndo = undo !== undefined && state === DONE
          this.#ledger.write({ type: 'settled', kind: STEP, position, name, state, value, undo: hasUndo })
        }
        this.#touch()
      }
      const end = runStep(call)
      if (end instanceof Promise) void end.then(ended)
      else ended(end)
    })
  }

  /** Waits for what an entry opens, or for its own end. The entry is made only where it is not on record. */
  wait(
    kind: EntryKind,
    name: string,
    entry: (position: number) => FlowEntry | Promise<FlowEntry>,
  ): Promise<unknown> {
    return this.#ask(kind, name, undefined, (position) => {
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
      this.#steps++
      made
        .then(
          (ready) => this.#ledger.write(ready),
          (thrown: unknown) => this.#ledger.refuse(kind, name, position, thrown),
        )
        .finally(() => {
          this.#steps--
          this.#touch()
        })
    })
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
    const value = make()
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
    undo: Undo | undefined,
    begin: (position: number) => void,
  ): Promise<unknown> {
    if (this.#cancelled !== undefined && !this.#undos.isUnderWay) return rejected(this.#cancelled)
    // What the code does without a lease is not in the journal.
    if (this.#port === undefined) this.#ledger.isWhole = false
    const issued = this.#issue(kind, name)
    if (issued === undefined) return NEVER
    const promise = new Promise((resolve, reject) => {
      this.#pending.set(issued.position, { resolve, reject, undo })
    })
    // What nobody awaits must not end the process when it fails.
    promise.catch(() => {})
    if (issued.row === undefined) begin(issued.position)
    this.#touch()
    return promise
  }

  #issue(kind: EntryKind, name: string): { position: number; row: JournalRow | undefined } | undefined {
    if (this.#fault !== undefined) return undefined
    this.#disarmTimer()
    const { position, row } = this.#rows.issue()
    if (row === undefined || (row.kind === kind && row.name === name)) return { position, row }
    this.#fault = mismatch(position, row, kind, name)
    this.#touch()
    return undefined
  }

  // From here on: turns.

  #touch(): void {
    if (this.#isTurnDue || this.#port === undefined) return
    this.#isTurnDue = true
    nextTurn(() => {
      this.#isTurnDue = false
      this.#turn()
    })
  }

  /** Does the next thing that is to be done; promises that it settles have their effect before the next turn. */
  #turn(): void {
    const port = this.#port
    if (port === undefined) return
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
    } else if (this.#deliver()) {
      this.#touch()
    } else if (!this.#ledger.isBusy) {
      this.#rest(port)
    }
  }

  #start(): void {
    this.#isStarted = true
    this.#follow(() => this.#program(this))
    this.#touch()
  }

  #follow(code: () => unknown): void {
    const ended = (value: unknown, isThrown: boolean): void => {
      this.#outcome = { value, isThrown }
      this.#touch()
    }
    new Promise((resolve) => resolve(code())).then(
      (value) => ended(value, false),
      (thrown: unknown) => ended(thrown, true),
    )
  }

  /** Settles the next position of the journal. Answers false where there is none, or the code has not got there. */
  #deliver(): boolean {
    for (let row = this.#rows.peek(); row !== undefined; row = this.#rows.peek()) {
      if (row.position >= this.#rows.next) return false
      this.#rows.shift()
      if (row.state === OPEN) continue
      if (row.position < 0) {
        this.#cancel(recordedError(row.value))
        return true
      }
      const pending = this.#pending.get(row.position)
      if (pending === undefined) continue
      this.#pending.delete(row.position)
      settle(pending, row)
      if (pending.undo !== undefined && row.state === DONE) this.#undos.note(pending.undo, parse(row.value))
      return true
    }
    return false
  }

  /** Nothing is left to do but what the code, or the world, has to do first. */
  #rest(port: RunPort): void {
    if (this.#outcome !== undefined && !(this.#cancelled !== undefined && this.#steps > 0)) {
      this.#conclude()
    } else if (port.signal.aborted && port.signal.reason !== 'cancel') {
      if (this.#steps === 0) this.#leave({ type: 'stopped' })
    } else if (this.#rows.peek() !== undefined) {
      this.#armTimer(STALL_MS, () => this.#stalled())
    } else if (this.#steps > 0) {
      const due = this.#rows.nextDueAt()
      if (due !== Infinity) this.#armTimer(Math.max(1, due - port.now()), () => this.#pull())
    } else if (this.#pending.size > 0 && this.#outcome === undefined) {
      this.#leave({ type: 'suspended', seen: this.#rows.known })
    }
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
        return this.step(name, { fn, retry: undefined, timeoutMs: 0, undo: undefined })
      })
      throw thrown
    })
  }

  /** Tells everything that waits; what runs is asked to stop. The first reason stands. */
  #cancel(reason: PerdureError): void {
    if (this.#cancelled !== undefined) return
    this.#cancelled = reason
    this.#abort.abort('cancel')
    for (const pending of this.#pending.values()) pending.reject(reason)
    // A step that was under way may still have to be undone.
    for (const [position, { undo }] of this.#pending) {
      const noted = { resolve: () => {}, reject: () => {}, undo }
      if (undo === undefined) this.#pending.delete(position)
      else this.#pending.set(position, noted)
    }
    this.#touch()
  }

  #leave(end: RunEnd): void {
    const done = this.#end
    this.#disarmTimer()
    this.#port?.signal.removeEventListener('abort', this.#onStop)
    this.#port = undefined
    this.#end = undefined
    if (end.type !== 'suspended') this.#abort.abort('ended')
    done?.(end)
  }

  #armTimer(ms: number, act: () => void): void {
    this.#disarmTimer()
    const disarm = this.#port?.after(ms, () => {
      this.#disarm = undefined
      act()
    })
    this.#disarm = disarm
  }

  #disarmTimer(): void {
    this.#disarm?.()
    this.#disarm = undefined
  }
}

function cancelledError(): PerdureError {
  return perdureError('CANCELLED', {
    expected: 'the run to go on',
    found: 'that it was cancelled',
    fix: 'Restart it to have it done after all',
  })
}
