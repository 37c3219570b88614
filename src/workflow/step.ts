/**
 * One step: calls the user's function, again where it fails and may, and says how it ended as JSON text.
 *
 * Never does: writing anything down, or waiting for long: a step that is to be tried again much later says so. Nothing here
 * throws.
 */
import type { Retry } from '../core/model/journal.ts'
import { carriedOutcome } from '../core/model/outcome.ts'
import type { RetryPolicy } from '../core/model/profile.ts'
import { backoffMs } from '../core/policy/retry.ts'
import { type ErrorRecord, errorRecord } from '../errors.ts'
import { isThenable } from '../std/thenable.ts'
import { stepTimeout } from './errors.ts'
import { broken, endOf, type StepEnd } from './step-end.ts'

/** What the function of a step sees of it. */
export interface StepContext {
  /** From 1. */
  readonly attempt: number
  /** The same for every try of this step in this run, and for no other: for systems that take an idempotency key. */
  readonly key: string
  /** Another one for every try, also for one that is made again after a crash: to tell calls apart in the logs of others. */
  readonly dispatch: string
  /** Aborts when the step takes too long, nobody waits for it any more, the run is cancelled, or its worker stops. */
  readonly signal: AbortSignal
  /** Says that the try is alive, for steps with `timeout.heartbeat`. */
  heartbeat(): void
}

/** Time limits of a step, ms; 0 for none. */
export interface StepTimeouts {
  /** One try. */
  readonly attemptMs: number
  /** All tries together, from the beginning of the first. */
  readonly totalMs: number
  /** From one heartbeat to the next. */
  readonly heartbeatMs: number
}

/** A step that is to be run. */
export interface StepCall {
  readonly name: string
  readonly key: string
  /** Which attempt of the run it belongs to. */
  readonly runAttempt: number
  readonly fn: (context: StepContext) => unknown
  readonly retry: RetryPolicy
  readonly timeouts: StepTimeouts
  /** Tries before this call, and when the first of them began, epoch ms. */
  readonly before: Pick<Retry, 'tries' | 'since'>
  /** Costs something, so it is made when it is asked for. */
  signal(): AbortSignal
  isStopped(): boolean
  after(ms: number, act: () => void): () => void
  now(): number
}

/** A step that is to be tried again, after a time in which nobody has to hold on to it. */
export interface StepPause {
  readonly delayMs: number
  readonly retry: Omit<Retry, 'dueAt'>
}

/** Longest pause between two tries through which a step stays with its worker, ms. */
const MOST_PAUSE_MS = 2_000

/**
 * Runs a step to its end, or to a long pause. One whose function answers at once is done at once. Undefined: it was
 * stopped between two tries.
 */
export function runStep(call: StepCall): StepEnd | Promise<StepEnd | StepPause | undefined> {
  const { tries } = call.before
  if (leftMs(call) <= 0) return broken(errorRecord(stepTimeout(call.name, 'total', call.timeouts.totalMs)))
  let value: unknown
  try {
    value = attempt(call, tries + 1)
  } catch (thrown) {
    return goOn(call, tries + 1, thrown)
  }
  if (!isThenable(value)) return endOf(call.name, value)
  return Promise.resolve(value).then(
    (settled) => endOf(call.name, settled),
    (thrown: unknown) => goOn(call, tries + 1, thrown),
  )
}

/** What follows from a failed try. */
async function goOn(call: StepCall, made: number, thrown: unknown): Promise<StepEnd | StepPause | undefined> {
  let failure = thrown
  for (let tries = made; tries < call.retry.attempts; tries++) {
    const { isFinal, afterMs } = wishesOf(failure)
    if (isFinal) break
    const delayMs = afterMs ?? backoffMs(call.retry, tries, Math.random())
    if (delayMs >= leftMs(call)) return outOfTime(call, failure)
    if (delayMs > MOST_PAUSE_MS) {
      const { since } = call.before
      return { delayMs, retry: { tries, since, error: errorRecord(failure) } }
    }
    await pause(call, delayMs)
    if (call.isStopped()) return undefined
    try {
      return endOf(call.name, await attempt(call, tries + 1))
    } catch (again) {
      failure = again
    }
  }
  return broken(errorRecord(failure))
}

function outOfTime(call: StepCall, failure: unknown): StepEnd {
  const { code, message, data } = errorRecord(stepTimeout(call.name, 'total', call.timeouts.totalMs))
  const last: ErrorRecord = errorRecord(failure)
  return broken({
    code,
    message: `${message} Its last try failed: ${last.message}`,
    data: { ...data, last: last.code },
  })
}

/** What is left of the time for all tries. */
function leftMs({ timeouts, before, now }: StepCall): number {
  return timeouts.totalMs === 0 ? Infinity : before.since + timeouts.totalMs - now()
}

function attempt(call: StepCall, number: number): unknown {
  const { attemptMs, heartbeatMs } = call.timeouts
  const left = leftMs(call)
  if (attemptMs === 0 && heartbeatMs === 0 && left === Infinity) return call.fn(new Context(call, number))
  return limited(call, number, Math.min(attemptMs === 0 ? Infinity : attemptMs, left))
}

/** One try that may take so long, and be silent for so long. */
function limited(call: StepCall, number: number, mostMs: number): unknown {
  const { attemptMs, totalMs, heartbeatMs } = call.timeouts
  const context = new Context(call, number)
  return new Promise((resolve, reject) => {
    const disarms: (() => void)[] = []
    const limit = (what: 'attempt' | 'total' | 'heartbeat', ms: number): (() => void) =>
      call.after(ms, () => {
        const allowed = what === 'attempt' ? attemptMs : what === 'total' ? totalMs : heartbeatMs
        reject(stepTimeout(call.name, what, allowed))
        context.stop('timeout')
      })
    if (mostMs !== Infinity) disarms.push(limit(mostMs === attemptMs ? 'attempt' : 'total', mostMs))
    if (heartbeatMs > 0) {
      let disarm = limit('heartbeat', heartbeatMs)
      context.onHeartbeat = () => {
        disarm()
        disarm = limit('heartbeat', heartbeatMs)
      }
      disarms.push(() => disarm())
    }
    const done = new Promise((settle) => settle(call.fn(context)))
    done.then(resolve, reject).finally(() => {
      context.onHeartbeat = () => {}
      for (const disarm of disarms) disarm()
    })
  })
}

class Context implements StepContext {
  readonly attempt: number
  readonly #call: StepCall
  /** Made when somebody looks at the signal: most steps never do. */
  #limit: AbortController | undefined
  #signal: AbortSignal | undefined
  onHeartbeat: () => void = () => {}

  constructor(call: StepCall, attempt: number) {
    this.attempt = attempt
    this.#call = call
  }

  get key(): string {
    return this.#call.key
  }

  get dispatch(): string {
    return `${this.#call.key}.${this.#call.runAttempt}.${this.attempt}`
  }

  get signal(): AbortSignal {
    this.#limit ??= new AbortController()
    this.#signal ??= AbortSignal.any([this.#call.signal(), this.#limit.signal])
    return this.#signal
  }

  heartbeat = (): void => this.onHeartbeat()

  stop(reason: string): void {
    this.#limit ??= new AbortController()
    this.#limit.abort(reason)
  }
}

function pause(call: StepCall, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const signal = call.signal()
    const end = (): void => {
      signal.removeEventListener('abort', end)
      disarm()
      resolve()
    }
    const disarm = call.after(ms, end)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
}

/** What its thrower says of a failure: that trying again cannot help, or when it may. */
function wishesOf(thrown: unknown): { readonly isFinal: boolean; readonly afterMs: number | undefined } {
  const outcome = carriedOutcome(thrown)
  if (outcome?.type !== 'failed') return { isFinal: false, afterMs: undefined }
  return { isFinal: outcome.retry === false, afterMs: outcome.retryAfterMs }
}
