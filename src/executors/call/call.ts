/**
 * The executor of attempts that are one call of a server: what a stop, a throttled call, and a call without an answer end as.
 *
 * Never does: making the call, or saying what its answer means.
 */
import type { Outcome } from '../../core/model/outcome.ts'
import { errorRecord, PerdureError, perdureError } from '../../errors.ts'
import type { Outbound } from '../../runtime/outbound.ts'
import { formatDuration } from '../../std/duration.ts'
import { invalidOption } from '../../std/options.ts'
import type { Attempt, AttemptControl, Executor } from '../executor.ts'
import { stoppedOutcome, stopReasonOf } from '../stopped.ts'

/** Before a throttled call is made again, where the server does not say when, ms: doubles from attempt to attempt. */
const THROTTLED = { first: 1_000, most: 60_000 }

/** Errors that the same call would meet again. */
const FINAL: ReadonlySet<string> = new Set(['DENIED', 'TOO_LARGE', 'INVALID_OPTION', 'INVALID_INPUT'])

/** Makes the calls, and knows what their answers mean. */
export interface Caller {
  /** Of its executor. */
  readonly name: string
  /** How long one call may take. */
  readonly timeoutMs: number
  /** Its connections, which end with the executor. */
  readonly outbound: Outbound
  /** Makes the call of an attempt, until the signal aborts. May reject: with what keeps the call from being made. */
  call(attempt: Attempt, control: AttemptControl, signal: AbortSignal): Promise<Outcome>
}

export class CallExecutor implements Executor {
  readonly name: string
  readonly #caller: Caller
  readonly #closing = new AbortController()

  constructor(caller: Caller) {
    this.name = caller.name
    this.#caller = caller
  }

  async run(attempt: Attempt, control: AttemptControl): Promise<Outcome> {
    const { timeoutMs } = this.#caller
    if (this.#closing.signal.aborted) return { type: 'released' }
    const stopped = (found: string): Outcome => stoppedOutcome(stopReasonOf(control.signal), { found })
    if (control.stopReason !== undefined) return stopped('a stop before the call')
    const limit = AbortSignal.timeout(timeoutMs)
    try {
      const signal = AbortSignal.any([control.signal, this.#closing.signal, limit])
      return await this.#caller.call(attempt, control, signal)
    } catch (thrown) {
      if (this.#closing.signal.aborted) return { type: 'released' }
      if (control.stopReason !== undefined) return stopped('a call that was given up')
      return failure(limit.aborted ? tookTooLong(timeoutMs) : thrown)
    }
  }

  /** Gives up what is under way, and makes no call any more. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#caller.outbound.close()
  }
}

/** Refuses anything but the URL of something that speaks HTTP; answers it. */
export function httpUrl(name: string, value: unknown): string {
  if (typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))
    return value
  throw invalidOption(name, 'an http or https URL', value)
}

/** A failure, which is final where the same call would meet it again; `retry` says so of those that others would not tell. */
export function failure(thrown: unknown, retry?: boolean): Outcome {
  const isFinal = retry === undefined ? thrown instanceof PerdureError && FINAL.has(thrown.code) : !retry
  return { type: 'failed', error: errorRecord(thrown), ...(isFinal ? { retry: false } : {}) }
}

/** The server did nothing, for it has too much to do: again later, and no attempt is burnt. */
export function throttled(
  { attempt }: Attempt,
  control: AttemptControl,
  { what, retryAfterMs }: { readonly what: string; readonly retryAfterMs: number | undefined },
): Outcome {
  const growing = Math.min(THROTTLED.most, THROTTLED.first * 2 ** Math.min(attempt - 1, 16))
  const delayMs = retryAfterMs ?? growing
  control.log('log', `${what} has too much to do; again in ${formatDuration(delayMs)}\n`)
  return { type: 'snoozed', delayMs }
}

/** A `Retry-After` header, ms from now: seconds, or a date. Undefined where it says nothing. */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now
  // a server that asks for years has made a mistake
  return Number.isFinite(ms) && ms <= MOST_DELAY_MS ? Math.max(0, ms) : undefined
}

const MOST_DELAY_MS = 86_400_000

/** The body of an answer: its JSON, null for an empty one, or the text that it is. */
export function jsonOrText(body: Buffer): unknown {
  const text = body.toString('utf8')
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return text
  }
}

function tookTooLong(ms: number): PerdureError {
  return perdureError('TIMEOUT', {
    expected: `an answer within ${formatDuration(ms)}`,
    found: 'none',
    fix: 'Allow it longer, or let it do less at a time',
  })
}
