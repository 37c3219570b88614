/**
 * From what an executor answers to what a worker reports.
 *
 * Owns: what a stop makes of an outcome, and the checks of values on their way out. Nothing here throws:
 * an outcome that cannot be reported becomes a failure that says so.
 */
import type { Report } from '../client/client.ts'
import type { Outcome, StopReason } from '../core/model/outcome.ts'
import { type ErrorCode, type ErrorRecord, errorRecord, perdureError, textOf } from '../errors.ts'
import { describeValue } from '../std/options.ts'

/** Longer messages and stacks are cut: what is cut is seldom read, and errors are kept per attempt. */
const MAX_MESSAGE = 8_192
const MAX_STACK = 16_384

/**
 * The outcome of an attempt that had been asked to stop. A success stands, whatever the reason: the work
 * is done. So does a failure that an executor already put down to the reason.
 */
export function outcomeAfterStop(outcome: Outcome, reason: StopReason): Outcome {
  // What a workflow run has recorded stands, and it is asked again when it is woken.
  if (outcome.type === 'succeeded' || outcome.type === 'suspended' || outcome.type === 'continued')
    return outcome
  switch (reason) {
    case 'drain':
      return outcome.type === 'snoozed' ? outcome : { type: 'released' }
    case 'cancel':
      // A workflow run that was given back may have to undo what it did; the engine ends any other.
      return outcome.type === 'cancelled' || outcome.type === 'released' ? outcome : { type: 'cancelled' }
    case 'timeout':
      return isFailure(outcome, 'TIMEOUT') ? outcome : { ...failed(outcome), error: timeoutError() }
    case 'lease-lost':
      // A workflow run goes on from its journal: nothing was lost with the lease.
      if (outcome.type === 'released' || isFailure(outcome, 'LEASE_LOST')) return outcome
      return { type: 'failed', error: leaseLostError() }
  }
}

/** The outcome of an attempt that did not end in the time it was given to stop. */
export function outcomeOfAbandoned(reason: StopReason): Outcome {
  // Not in the words of a run that has undone what it did: it may have had no time to, and tries again.
  if (reason === 'cancel') return { type: 'failed', error: timeoutError() }
  return outcomeAfterStop({ type: 'cancelled', reason: 'The handler did not stop in its grace' }, reason)
}

/** An attempt that failed for a reason of the worker's own. `retry` false: trying again cannot help. */
export function failure(thrown: unknown, code: ErrorCode, retry?: boolean): Outcome {
  return { type: 'failed', error: errorRecord(thrown, code), ...(retry === undefined ? {} : { retry }) }
}

/**
 * Makes the report of an outcome: its result as JSON text, its error cut to size.
 *
 * @param maxResult characters of JSON; a larger result makes the attempt fail with TOO_LARGE.
 */
export function makeReport(token: string, outcome: Outcome, maxResult: number): Report {
  switch (outcome?.type) {
    case 'succeeded':
      return isPlain(outcome.result) ? { token, outcome } : withResult(token, outcome, maxResult)
    case 'failed': {
      const wrong = wrongDelay('retryAfterMs', outcome.retryAfterMs)
      const checked = { ...outcome, error: cut(wrong ?? outcome.error) }
      return isPlain(checked.result) ? { token, outcome: checked } : withResult(token, checked, maxResult)
    }
    case 'snoozed': {
      const wrong = wrongDelay('delayMs', outcome.delayMs)
      return { token, outcome: wrong === undefined ? outcome : { type: 'failed', error: wrong } }
    }
    case 'cancelled':
    case 'released':
    case 'suspended':
    case 'continued':
      return { token, outcome }
    case 'paused':
      return { token, outcome: { ...outcome, error: cut(outcome.error) } }
    default:
      return { token, outcome: { type: 'failed', error: notAnOutcome(outcome) } }
  }
}

/** Values whose JSON needs no checking. */
function isPlain(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'boolean' || typeof value === 'number'
}

function withResult(
  token: string,
  outcome: Outcome & { readonly type: 'succeeded' | 'failed' },
  maxResult: number,
): Report {
  let text: string | undefined
  try {
    text = JSON.stringify(outcome.result)
  } catch (error) {
    return { token, outcome: withoutResult(outcome, notSerializable(outcome.result, error)) }
  }
  if (text === undefined) return { token, outcome: withoutResult(outcome, notSerializable(outcome.result)) }
  if (text.length > maxResult)
    return { token, outcome: withoutResult(outcome, tooLarge(text.length, maxResult)) }
  return { token, outcome, resultText: text }
}

/** A success without its result is a failure, which trying again does not mend; a failure keeps its own error. */
function withoutResult(
  outcome: Outcome & { readonly type: 'succeeded' | 'failed' },
  error: ErrorRecord,
): Outcome {
  if (outcome.type === 'succeeded') return { type: 'failed', error, retry: false }
  const { result: _, ...rest } = outcome
  return { ...rest, error: cut({ ...rest.error, message: `${rest.error.message}\n${error.message}` }) }
}

function cut(error: ErrorRecord): ErrorRecord {
  const message = textOf(error?.message ?? '')
  const stack = error?.stack
  if (message.length <= MAX_MESSAGE && (stack === undefined || stack.length <= MAX_STACK) && error?.code)
    return error
  return {
    ...error,
    code: error?.code ?? 'INTERNAL',
    message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}...` : message,
    ...(stack === undefined ? {} : { stack: stack.slice(0, MAX_STACK) }),
  }
}

function failed(outcome: Outcome): Outcome & { readonly type: 'failed' } {
  return outcome.type === 'failed' ? outcome : { type: 'failed', error: timeoutError() }
}

function isFailure(outcome: Outcome, code: ErrorCode): boolean {
  return outcome.type === 'failed' && outcome.error.code === code
}

function wrongDelay(name: string, value: number | undefined): ErrorRecord | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return undefined
  return record('INVALID_OPTION', {
    expected: `${name} of an outcome to be a whole number of ms, 0 or more`,
    found: describeValue(value),
    fix: 'Mend the handler or the executor that ended the attempt so',
  })
}

function notSerializable(value: unknown, cause?: unknown): ErrorRecord {
  return record('NOT_SERIALIZABLE', {
    expected: 'the result of the handler to be a value that JSON can carry',
    found: cause instanceof Error ? `${describeValue(value)} (${cause.message})` : describeValue(value),
    fix: 'Return plain data: no functions, no bigint, no object that holds itself',
  })
}

function tooLarge(length: number, max: number): ErrorRecord {
  return record('TOO_LARGE', {
    expected: `the result of the handler to have at most ${max} characters as JSON`,
    found: `${length} characters`,
    fix: 'Store the value elsewhere and return where it is',
  })
}

function timeoutError(): ErrorRecord {
  return record('TIMEOUT', {
    expected: 'the attempt to end within its time limit',
    found: 'an attempt that was still running',
    fix: 'Raise the attempt timeout, or let the handler do less at a time',
  })
}

function leaseLostError(): ErrorRecord {
  return record('LEASE_LOST', {
    expected: 'the lease to be renewed in time',
    found: 'no answer to the heartbeats of a whole lease term',
    fix: 'Check the connection of the worker',
  })
}

function notAnOutcome(found: unknown): ErrorRecord {
  return record('INTERNAL', {
    expected: 'the executor to answer an outcome',
    found: describeValue(found),
    fix: 'Mend the executor',
  })
}

function record(code: ErrorCode, details: { expected: string; found: string; fix: string }): ErrorRecord {
  return errorRecord(perdureError(code, details))
}
