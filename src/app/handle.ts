/**
 * A job in hand: what can be asked of one job, with the type of its result.
 *
 * Owns: waiting with a time limit, and the error that a job that did not succeed is to whoever waits for it.
 */
import type { Client } from '../client/client.ts'
import { referenceId } from '../client/enqueue.ts'
import type { ControlResult, ControlVerb, JobDetails, JobEnd, JobEvent, LogEntry } from '../client/types.ts'
import type { AskOptions } from '../client/workflows.ts'
import { ERROR_KINDS, type ErrorCode, PerdureError, perdureError } from '../errors.ts'
import { systemTimers } from '../runtime/timers.ts'
import { type Duration, formatDuration, parseDuration } from '../std/duration.ts'
import { checkKnown } from '../std/options.ts'
import { RunStream, type StreamOptions } from './run-stream.ts'

/** How long to wait. */
export interface WaitOptions {
  /** After this long the wait (not the job) ends with TIMEOUT. Default: none. */
  readonly timeout?: Duration
  readonly signal?: AbortSignal
}

/** How long to wait for an answer. */
export interface AskLimit {
  /** Default 10 s. */
  readonly timeout?: Duration
  readonly signal?: AbortSignal
}

/** How to cancel. */
export interface CancelOptions {
  /** Kept with the job, for whoever asks why. */
  readonly reason?: string
  /** How long a running attempt may take to end before it is ended by force. Default: the grace of the job. */
  readonly grace?: Duration
  /** The signal for the process of a command. Default SIGTERM. */
  readonly signal?: string
}

/** What of the output to read. */
export interface LogOptions {
  /** Default: all attempts. */
  readonly attempt?: number
  /** Goes on until the job ends. */
  readonly follow?: boolean
  readonly signal?: AbortSignal
}

/** One job, by its id. Holds nothing but that: a handle may be kept, dropped or made again at any time. */
export class JobHandle<Output = unknown> {
  readonly id: number
  /** False when a key or a uniqueness led to a job that was there before. */
  readonly created: boolean
  readonly #client: Client

  /** @internal Made by an app. */
  constructor(client: Client, id: number, created: boolean) {
    this.#client = client
    this.id = id
    this.created = created
  }

  /**
   * The result of the job, now or when it has ended.
   *
   * @throws the code of the failure where the job failed or was cancelled (HANDLER_FAILED, CANCELLED, ...), with
   *   the error of the handler as its cause; TIMEOUT where it did not end in time; NOT_FOUND.
   */
  async result(options: WaitOptions = {}): Promise<Output> {
    const end = await this.wait(options)
    if (end.state === 'succeeded') return end.result as Output
    throw endError(end)
  }

  /** How the job ended, now or when it has; a failure is an answer, not an error. */
  async wait(options: WaitOptions = {}): Promise<JobEnd> {
    checkKnown('wait', options, ['timeout', 'signal'])
    const { timeout, signal } = options
    if (timeout === undefined) return this.#client.wait(this.id, signal)
    const ms = parseDuration(timeout, 'timeout')
    const limit = new AbortController()
    const timer = systemTimers.after(ms, () => limit.abort())
    const either = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal])
    try {
      return await this.#client.wait(this.id, either)
    } catch (error) {
      throw limit.signal.aborted ? waitedTooLong(this.id, ms) : error
    } finally {
      timer.cancel()
    }
  }

  /** Everything about the job, its attempts included. */
  status(): Promise<JobDetails> {
    return this.#client.get(this.id)
  }

  /** State changes from now on. */
  watch(signal?: AbortSignal): AsyncIterable<JobEvent> {
    return this.#client.watch({ ids: [this.id] }, signal)
  }

  /** Output so far, or, with `follow`, until the job ends. */
  logs(options: LogOptions = {}): AsyncIterable<LogEntry> {
    checkKnown('logs', options, ['attempt', 'follow', 'signal'])
    return this.#client.logs(this.id, options)
  }

  /** Ends the job: at once when it does not run, otherwise by asking its attempt to stop. Final until a restart. */
  cancel(options: CancelOptions = {}): Promise<ControlResult> {
    checkKnown('cancel', options, ['reason', 'grace', 'signal'])
    const { reason, grace, signal } = options
    return this.#control({
      verb: 'cancel',
      ...(reason === undefined ? {} : { reason }),
      ...(grace === undefined ? {} : { graceMs: parseDuration(grace, 'grace') }),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /**
   * Tells a workflow run something: a `flow.signal` of this name gets it, now or when it comes to it. Answers whether it
   * waited already.
   *
   * @param options.id The same again is the same signal, for a day: the `key` of a step that tells it, so that a crash does not tell it
   *   twice. Default: each call is a signal of its own.
   * @throws NOT_FOUND, WRONG_STATE where it has ended, TOO_LARGE.
   */
  signal(
    name: string,
    value?: unknown,
    options: { readonly id?: string } = {},
  ): Promise<{ readonly isAwaited: boolean }> {
    checkKnown('signal', options, ['id'])
    return this.#client.workflows.signal(this.id, name, value, options)
  }

  /** Ends the job at once: a running attempt loses its lease, and a workflow run undoes nothing of what it did. */
  terminate(options: Pick<CancelOptions, 'reason'> = {}): Promise<ControlResult> {
    checkKnown('terminate', options, ['reason'])
    return this.#control({ verb: 'terminate', ...options })
  }

  /**
   * What a handler of a workflow run answers (`flow.query`), from what the run knows: it may work, wait or have ended. Changes nothing.
   *
   * @throws NOT_FOUND; NO_HANDLER; NO_WORKER where none is connected that has its code; TIMEOUT; what the handler throws.
   */
  query<Answer = unknown>(name: string, input?: unknown, options: AskLimit = {}): Promise<Answer> {
    checkKnown('query', options, ['timeout', 'signal'])
    return this.#client.workflows.query(this.id, name, input, readLimit(options)) as Promise<Answer>
  }

  /**
   * Has a handler of a live workflow run carry out an update (`flow.update`); its answer, once that is on record.
   *
   * @throws NOT_FOUND; NO_HANDLER; REFUSED by its validation; NO_WORKER; WRONG_STATE where the run has ended; TIMEOUT, after which the same
   *   `id` gives the answer; what the handler throws.
   */
  update<Answer = unknown>(
    name: string,
    input?: unknown,
    options: AskLimit & { readonly id?: string } = {},
  ): Promise<Answer> {
    checkKnown('update', options, ['timeout', 'signal', 'id'])
    const { id } = options
    const call = { ...readLimit(options), ...(id === undefined ? {} : { id }) }
    return this.#client.workflows.update(this.id, name, input, call) as Promise<Answer>
  }

  /**
   * Values of a stream of a workflow run (`flow.stream`), those on record and those to come, until the run ends. `offset` says where to go
   * on behind the last value that was taken.
   */
  stream<Value = unknown>(name: string, options: StreamOptions = {}): RunStream<Value> {
    checkKnown('stream', options, ['from', 'signal'])
    return new RunStream((from) => this.#client.workflows.follow(this.id, name, from), options)
  }

  /** Gives a failed or cancelled job a fresh set of attempts. */
  restart(): Promise<ControlResult> {
    return this.#control({ verb: 'restart' })
  }

  /** Makes a job whose time has not come, back-off included, due now. */
  expedite(): Promise<ControlResult> {
    return this.#control({ verb: 'expedite' })
  }

  /** Puts a job that does not run aside until it is released. */
  hold(): Promise<ControlResult> {
    return this.#control({ verb: 'hold' })
  }

  /** Ends a hold. */
  release(): Promise<ControlResult> {
    return this.#control({ verb: 'release' })
  }

  /** Deletes a job that has ended. */
  delete(): Promise<ControlResult> {
    return this.#control({ verb: 'delete' })
  }

  /** Puts the start of a job off. */
  snooze(delay: Duration): Promise<ControlResult> {
    return this.#control({ verb: 'snooze', delayMs: parseDuration(delay, 'snooze') })
  }

  /** Changes the place of a job that does not run yet; smaller runs first. */
  reprioritize(priority: number): Promise<ControlResult> {
    return this.#control({ verb: 'reprioritize', priority })
  }

  /**
   * Moves a workflow run that waits, in whatever way, to workers of another version; what it did stands.
   *
   * @param version Default: any worker of the workflow takes it from now on.
   * @throws WRONG_STATE while it runs and when it has ended; NOT_FOUND; INVALID_OPTION.
   */
  repin(version?: string): Promise<ControlResult> {
    return this.#control({ verb: 'repin', ...(version === undefined ? {} : { version }) })
  }

  #control(verb: ControlVerb): Promise<ControlResult> {
    return this.#client.control(this.id, verb)
  }
}

function readLimit({ timeout, signal }: AskLimit): AskOptions {
  return {
    ...(timeout === undefined ? {} : { timeoutMs: parseDuration(timeout, 'timeout') }),
    ...(signal === undefined ? {} : { signal }),
  }
}

/** A handle of the job that a reference names. */
export function handleOf<Output>(client: Client, job: number | { readonly id: number }): JobHandle<Output> {
  return job instanceof JobHandle ? job : new JobHandle(client, referenceId('the job', job), false)
}

/** What a job that did not succeed is to whoever waits for its result. */
function endError({ id, state, error }: JobEnd): PerdureError {
  const fallback: ErrorCode = state === 'cancelled' ? 'CANCELLED' : 'HANDLER_FAILED'
  const known = error !== null && error.code in ERROR_KINDS
  const code = known ? (error.code as ErrorCode) : fallback
  const verb = state === 'cancelled' ? 'was cancelled' : 'failed'
  if (error === null) return new PerdureError(code, `Job ${id} ${verb}.`, { data: { job: id, state } })
  const cause = Object.assign(new Error(error.message), { code: error.code })
  // the stack of the handler, not of this place
  cause.stack = error.stack ?? `Error: ${error.message}`
  return new PerdureError(code, `Job ${id} ${verb}: ${error.message}`, {
    cause,
    data: { ...error.data, job: id, state },
  })
}

function waitedTooLong(id: number, ms: number): PerdureError {
  return perdureError('TIMEOUT', {
    expected: `job ${id} to end within ${formatDuration(ms)}`,
    found: 'that it has not',
    fix: 'Wait longer, or look at its status; the job goes on',
    data: { job: id },
  })
}
