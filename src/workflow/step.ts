/**
 * One step: calls the user's function, again where it fails and may, and says how it ended as JSON text.
 *
 * Never does: writing anything down. Nothing here throws.
 */
import { BROKEN, DONE } from '../core/model/journal.ts'
import { backoffMs } from '../core/policy/retry.ts'
import { MOST_VALUE } from '../core/policy/sizes.ts'
import { type ErrorRecord, errorRecord, perdureError } from '../errors.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { describeValue } from '../std/options.ts'

/** How a failing step is tried again. */
export interface StepRetry {
  /** Most tries, the first included. Default 5. */
  readonly attempts?: number
  /** First delay; doubles from try to try. Default 1 s. */
  readonly min?: Duration
  /** Longest delay. Default 1 min. */
  readonly max?: Duration
}

/** What the function of a step sees of it. */
export interface StepContext {
  /** From 1. */
  readonly attempt: number
  /** The same for every try of this step in this run, and for no other: for systems that take an idempotency key. */
  readonly key: string
  /** Aborts when the step takes too long, the run is cancelled, or its worker stops. */
  readonly signal: AbortSignal
}

/** How a step ended. */
export interface StepEnd {
  readonly state: typeof DONE | typeof BROKEN
  readonly value: string | null
}

/** A step that is to be run. */
export interface StepCall {
  readonly name: string
  readonly key: string
  readonly fn: (context: StepContext) => unknown
  readonly retry: StepRetry | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
  after(ms: number, act: () => void): () => void
}

/** Runs a step to its end. One whose function answers at once is done at once. Undefined: it was stopped between two tries. */
export function runStep(call: StepCall): StepEnd | Promise<StepEnd | undefined> {
  let value: unknown
  try {
    value = attempt(call, 1)
  } catch (thrown) {
    return retry(call, 1, thrown)
  }
  if (!isThenable(value)) return endOf(call.name, value)
  return Promise.resolve(value).then(
    (settled) => endOf(call.name, settled),
    (thrown: unknown) => retry(call, 1, thrown),
  )
}

async function retry(call: StepCall, made: number, thrown: unknown): Promise<StepEnd | undefined> {
  let failure = thrown
  const { attempts = 5, min = '1s', max = '1m' } = call.retry ?? {}
  const policy = {
    attempts,
    minMs: parseDuration(min, 'step retry.min'),
    maxMs: parseDuration(max, 'step retry.max'),
    factor: 2,
    jitter: 0.2,
    on: 'any',
  } as const
  for (let tries = made; tries < attempts && !isFinal(failure); tries++) {
    await pause(call, backoffMs(policy, tries, Math.random()))
    if (call.signal.aborted) return undefined
    try {
      return endOf(call.name, await attempt(call, tries + 1))
    } catch (again) {
      failure = again
    }
  }
  return broken(errorRecord(failure))
}

function attempt(call: StepCall, number: number): unknown {
  const { fn, key, timeoutMs } = call
  if (timeoutMs === 0) return fn({ attempt: number, key, signal: call.signal })
  const limit = new AbortController()
  const signal = AbortSignal.any([call.signal, limit.signal])
  return new Promise((resolve, reject) => {
    const disarm = call.after(timeoutMs, () => {
      reject(timeoutError(call.name, timeoutMs))
      limit.abort('timeout')
    })
    const done = new Promise((settle) => settle(fn({ attempt: number, key, signal })))
    done.then(resolve, reject).finally(disarm)
  })
}

function pause({ after, signal }: StepCall, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      signal.removeEventListener('abort', end)
      disarm()
      resolve()
    }
    const disarm = after(ms, end)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
}

/** A failure of which its thrower says that trying again cannot help. */
function isFinal(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false
  return (thrown as { [OUTCOME]?: { retry?: boolean } })[OUTCOME]?.retry === false
}

/** Where errors made by `fatal` carry what they ask for. */
const OUTCOME = Symbol.for('perdure.outcome')

/** The result as JSON text; one that cannot be written is a failure that says so. */
export function endOf(name: string, value: unknown): StepEnd {
  if (value === undefined) return NOTHING
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    return broken(notSerializable(name, value, cause))
  }
  if (text === undefined) return broken(notSerializable(name, value, undefined))
  if (text.length <= MOST_VALUE) return { state: DONE, value: text }
  const found = `${text.length} characters`
  const expected = `the result of step '${name}' to have at most ${MOST_VALUE} characters as JSON`
  const fix = 'Store the value elsewhere and return where it is'
  return broken(errorRecord(perdureError('TOO_LARGE', { expected, found, fix, data: { step: name } })))
}

const NOTHING: StepEnd = { state: DONE, value: null }

function broken(error: ErrorRecord): StepEnd {
  return { state: BROKEN, value: JSON.stringify(error) }
}

function notSerializable(name: string, value: unknown, cause: unknown): ErrorRecord {
  return errorRecord(
    perdureError('NOT_SERIALIZABLE', {
      expected: `the result of step '${name}' to be a value that JSON can carry`,
      found: cause instanceof Error ? `${describeValue(value)} (${cause.message})` : describeValue(value),
      fix: 'Return plain data: no functions, no bigint, no object that holds itself',
      data: { step: name },
    }),
  )
}

function timeoutError(name: string, ms: number) {
  return perdureError('TIMEOUT', {
    expected: `step '${name}' to end within ${ms} ms`,
    found: 'that it has not',
    fix: 'Allow it longer, or let it do less at a time',
    data: { step: name },
  })
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
