/**
 * Steps that are under way in one run: begun, stopped one by one, and written down when they have ended.
 *
 * Never does: deciding which is to be run, or how it is tried again (see step.ts).
 */
import { DONE, type Retry, STEP } from '../core/model/journal.ts'
import { type ErrorRecord, errorRecord } from '../errors.ts'
import { withdrawnError } from './errors.ts'
import type { FlowEntry, RunPort } from './port.ts'
import { runStep, type StepCall, type StepPause } from './step.ts'
import { broken, type StepEnd } from './step-end.ts'
import type { StepRules } from './step-options.ts'

/** A step as the code asks for it. */
export interface StepRequest {
  readonly fn: StepCall['fn']
  readonly rules: StepRules
  readonly undo: ((value: never) => unknown) | undefined
}

/** What steps need of their run. */
export interface StepsOwner {
  /** What tells this step from every other, of this run and of what it was before it began anew. */
  keyOf(position: number): string
  /** What the whole run stops for. */
  readonly signal: AbortSignal
  /** Whether nobody waits for a position any more. */
  isWithdrawn(position: number): boolean
  write(entry: FlowEntry): void
  /** A step has ended of which nothing is written. */
  drop(position: number): void
  /** Something is to be done, in the next turn. */
  touch(): void
}

export class Steps {
  readonly #owner: StepsOwner
  /** With what stops each of them, once somebody has looked at its signal. */
  readonly #underWay = new Map<number, AbortController | undefined>()
  /** Those with something to undo of which the end was written down. */
  readonly #written = new Set<number>()
  #preparing = 0

  constructor(owner: StepsOwner) {
    this.#owner = owner
  }

  /** How many are under way, other work of the code that is no step of its own included. */
  get size(): number {
    return this.#underWay.size + this.#preparing
  }

  /** Whether the end of a step that may have to be undone is still to come, or on its way into the journal. */
  mayEnd(position: number): boolean {
    return this.#underWay.has(position) || this.#written.has(position)
  }

  /** Counts something that is under way, until it has settled. */
  prepare(work: Promise<unknown>): void {
    this.#preparing++
    void work.finally(() => {
      this.#preparing--
      this.#owner.touch()
    })
  }

  /** Asks a step to stop. */
  stop(position: number): void {
    this.#underWay.get(position)?.abort('withdrawn')
  }

  /** One stretch of tries of a step, the first or a later one. */
  run(port: RunPort, position: number, name: string, request: StepRequest, before?: Retry): void {
    const { fn, rules, undo } = request
    const owner = this.#owner
    const { signal } = owner
    this.#underWay.set(position, undefined)
    const ended = (end: StepEnd | StepPause | undefined): void => {
      this.#underWay.delete(position)
      // one that stops with the whole attempt is tried again by the next
      const known = end ?? (signal.aborted ? undefined : broken(errorRecord(withdrawnError('race'))))
      if (known !== undefined) this.#write(position, name, known, undo !== undefined)
      owner.touch()
    }
    const end = runStep({
      ...{ name, fn, ...rules },
      key: owner.keyOf(position),
      runAttempt: port.attempt,
      before: before ?? { tries: 0, since: rules.timeouts.totalMs === 0 ? 0 : port.now() },
      signal: () => AbortSignal.any([signal, this.#stopper(position)]),
      isStopped: () => signal.aborted || owner.isWithdrawn(position),
      after: port.after.bind(port),
      now: port.now.bind(port),
    })
    if (end instanceof Promise) void end.then(ended)
    else ended(end)
  }

  #stopper(position: number): AbortSignal {
    const controller = this.#underWay.get(position) ?? new AbortController()
    if (this.#underWay.has(position)) this.#underWay.set(position, controller)
    return controller.signal
  }

  #write(position: number, name: string, end: StepEnd | StepPause, hasUndo: boolean): void {
    const isWithdrawn = this.#owner.isWithdrawn(position)
    if (hasUndo && ('state' in end || isWithdrawn)) this.#written.add(position)
    // What nobody waits for is of interest only where it may have to be undone: a replay calls it again that does not find its end.
    if (isWithdrawn && !hasUndo) this.#owner.drop(position)
    else if ('state' in end) {
      const undo = hasUndo && end.state === DONE
      this.#owner.write({ type: 'settled', kind: STEP, position, name, ...end, undo })
    } else if (isWithdrawn) {
      this.#write(position, name, broken(end.retry.error as ErrorRecord), hasUndo)
    } else {
      const { delayMs, retry } = end
      this.#owner.write({ type: 'retry', position, name, delayMs, value: JSON.stringify(retry) })
    }
  }
}
