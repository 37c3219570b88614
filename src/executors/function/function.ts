/**
 * Runs handlers that are functions of this process.
 *
 * Owns: the way from what a handler returns, throws or ignores to an outcome. A function cannot be killed:
 * one that does not heed its signal is left behind after its grace, counted as a stray, and its end is ignored.
 *
 * A handler that returns without a promise costs neither a promise, a timer nor an AbortSignal.
 */
import { carriedOutcome, type Outcome } from '../../core/model/outcome.ts'
import { errorRecord, perdureError } from '../../errors.ts'
import { systemTimers, type Timer, type Timers } from '../../runtime/timers.ts'
import { formatDuration } from '../../std/duration.ts'
import { isThenable } from '../../std/thenable.ts'
import type { Attempt, AttemptControl, Executor } from '../executor.ts'
import { stoppedOutcome, stopReasonOf } from '../stopped.ts'
import { FunctionContext, type HandlerContext } from './context.ts'

/** A handler: returns a result, a promise of one, or a directive; or throws. */
export type Handler = (input: never, context: HandlerContext) => unknown

/** The executor of functions. */
export interface FunctionExecutor extends Executor {
  readonly name: 'function'
  /** How many handlers still run although their attempts are over. */
  strays(): number
}

/**
 * Makes an executor for the given handlers by kind. The map may change while it is in use.
 *
 * @param options.timers who waits for the grace to end; default: the timers of this machine.
 */
export function createFunctionExecutor(
  handlers: ReadonlyMap<string, Handler>,
  options: { readonly timers?: Timers } = {},
): FunctionExecutor {
  return new Functions(handlers, options.timers ?? systemTimers)
}

class Functions implements FunctionExecutor {
  readonly name = 'function'
  readonly timers: Timers
  readonly waiting = new Set<Waiting>()
  strayCount = 0
  readonly #handlers: ReadonlyMap<string, Handler>
  #isClosed = false

  constructor(handlers: ReadonlyMap<string, Handler>, timers: Timers) {
    this.#handlers = handlers
    this.timers = timers
  }

  run(attempt: Attempt, control: AttemptControl): Outcome | Promise<Outcome> {
    if (this.#isClosed) return { type: 'released' }
    if (control.stopReason !== undefined) {
      return stoppedOutcome(control.stopReason, { found: 'a stop before the handler was called' })
    }
    const handler = this.#handlers.get(attempt.kind)
    if (handler === undefined) return unknownKind(attempt.kind)
    try {
      const value = handler(attempt.input as never, new FunctionContext(attempt, control))
      if (isThenable(value)) return this.#follow(value, control)
      return outcomeOf(value, false, control)
    } catch (thrown) {
      return outcomeOf(thrown, true, control)
    }
  }

  strays(): number {
    return this.strayCount
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const waiting of this.waiting) waiting.abandon({ type: 'released' })
  }

  #follow(value: PromiseLike<unknown>, control: AttemptControl): Promise<Outcome> {
    // a thenable of another make may call back twice, at once, or never: a native promise tames it
    const promise = value instanceof Promise ? value : Promise.resolve(value)
    return new Promise((resolve) => {
      const waiting = new Waiting(this, control, resolve)
      promise.then(
        (result) => waiting.end(result, false),
        (thrown) => waiting.end(thrown, true),
      )
      // runs after the callback above if the promise is settled already: then there is nothing to watch
      queueMicrotask(() => waiting.watch())
    })
  }
}

/** One attempt whose handler has returned a promise. */
class Waiting {
  readonly #executor: Functions
  readonly #control: AttemptControl
  readonly #resolve: (outcome: Outcome) => void
  #isSettled = false
  #isStray = false
  #grace: Timer | undefined

  constructor(executor: Functions, control: AttemptControl, resolve: (outcome: Outcome) => void) {
    this.#executor = executor
    this.#control = control
    this.#resolve = resolve
  }

  /** Begins to look out for a stop. */
  watch(): void {
    if (this.#isSettled) return
    this.#executor.waiting.add(this)
    const { signal } = this.#control
    if (signal.aborted) this.#onAbort()
    else signal.addEventListener('abort', this.#onAbort)
  }

  /** The handler has ended; nobody asks any more if it was a stray. */
  end(value: unknown, isThrown: boolean): void {
    if (this.#isStray) {
      this.#executor.strayCount--
      return
    }
    this.#settle(outcomeOf(value, isThrown, this.#control))
  }

  /** Ends the attempt without its handler. */
  abandon(outcome: Outcome): void {
    if (this.#isSettled) return
    this.#isStray = true
    this.#executor.strayCount++
    this.#settle(outcome)
  }

  readonly #onAbort = (): void => {
    this.#control.onInsist(() => this.#beginGrace())
    this.#beginGrace()
  }

  #beginGrace(): void {
    if (this.#isSettled) return
    this.#grace?.cancel()
    const { graceMs, signal } = this.#control
    this.#grace = this.#executor.timers.after(graceMs, () => {
      const found = `a handler that ignored its signal for ${formatDuration(graceMs)}; a function cannot be killed, it may still be running`
      this.abandon(stoppedOutcome(stopReasonOf(signal), { found }))
    })
  }

  #settle(outcome: Outcome): void {
    this.#isSettled = true
    if (this.#executor.waiting.delete(this)) this.#control.signal.removeEventListener('abort', this.#onAbort)
    this.#grace?.cancel()
    this.#resolve(outcome)
  }
}

/** What a handler ended with, as an outcome. Never throws, not even for values that throw when looked at. */
function outcomeOf(value: unknown, isThrown: boolean, control: AttemptControl): Outcome {
  try {
    return isThrown ? outcomeOfThrown(value, control) : outcomeOfValue(value, control)
  } catch {
    return { type: 'failed', error: errorRecord('a value that cannot be read was returned or thrown') }
  }
}

/** A result stands although the attempt was stopped, for the work is done; other ends give way to the stop. */
function outcomeOfValue(value: unknown, control: AttemptControl): Outcome {
  const carried = carriedOutcome(value)
  if (carried === undefined) {
    return value === undefined ? { type: 'succeeded' } : { type: 'succeeded', result: value }
  }
  const reason = control.stopReason
  if (reason === undefined || reason === 'drain' || carried.type === 'cancelled') return carried
  return stoppedOutcome(reason, { found: `a handler that answered ${carried.type} after it was stopped` })
}

function outcomeOfThrown(thrown: unknown, control: AttemptControl): Outcome {
  const reason = control.stopReason
  // a drain asks nobody to fail: what goes wrong for another reason meanwhile did go wrong
  if (reason === undefined || (reason === 'drain' && !isAbort(thrown, reason))) {
    return carriedOutcome(thrown) ?? { type: 'failed', error: errorRecord(thrown) }
  }
  const found = isAbort(thrown, reason) ? 'a handler that was still at work' : errorRecord(thrown).message
  return stoppedOutcome(reason, { found })
}

/** Whether something was thrown because of the signal, in one of the ways that Node and its libraries know. */
function isAbort(thrown: unknown, reason: string): boolean {
  if (thrown === reason) return true
  if (typeof thrown !== 'object' || thrown === null) return false
  const { name, code, cause } = thrown as { name?: unknown; code?: unknown; cause?: unknown }
  return name === 'AbortError' || code === 'ABORT_ERR' || cause === reason
}

function unknownKind(kind: string): Outcome {
  const error = perdureError('UNKNOWN_KIND', {
    expected: 'a kind that this worker has a handler for',
    found: JSON.stringify(kind),
    fix: 'Register a handler for it, or run a worker that has one',
    data: { kind },
  })
  return { type: 'failed', error: errorRecord(error) }
}
