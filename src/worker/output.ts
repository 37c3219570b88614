/**
 * Output and progress of running attempts, gathered and sent together.
 *
 * Owns: the memory that unsent output may take. Output that finds no room is dropped, and a line says how
 * much. What one attempt may store in all is the engine's to cap; the cap here only spares the way there.
 */
import type { WorkerSession } from '../client/client.ts'
import type { LogStream } from '../core/model/outcome.ts'
import type { Timer, Timers } from '../runtime/timers.ts'
import { asError, Backoff, isRetryable } from './backoff.ts'
import { GONE, type RunningAttempt } from './running.ts'

/** What output needs of its worker. */
export interface OutputHost {
  onOutputError(error: Error): void
  /** Output that had failed is through, or given up: reports need not wait for it any more. */
  onOutputSettled(): void
}

interface Entry {
  token: string
  stream: LogStream
  text: string
}

/** Long enough to gather, short enough for somebody who follows. */
const GATHER_MS = 50
/** Pieces are joined up to this many characters. */
const PIECE = 65_536
/** Twice what the engine keeps of an attempt: beyond it nothing would be stored. */
const ATTEMPT_CAP = 2 * 1_048_576
/** After this many failures output is given up; ends of attempts must not wait for it for ever. */
const MOST_TRIES = 4

/** The output of all attempts of a worker, on its way to the session. */
export class Output {
  readonly #timers: Timers
  readonly #maxPending: number
  readonly #host: OutputHost
  readonly #backoff = new Backoff(50, 1_000)
  readonly #moved = new Set<RunningAttempt>()
  #entries: Entry[] = []
  #pending = 0
  #session: WorkerSession | undefined
  #timer: Timer | undefined
  #isBackingOff = false
  #inFlight = 0

  /** @param maxPending characters that may wait or be under way, over all attempts. */
  constructor(timers: Timers, maxPending: number, host: OutputHost) {
    this.#timers = timers
    this.#maxPending = maxPending
    this.#host = host
  }

  /** True from a failure until output is through again; reports wait for it, for they end the right to write. */
  get isStuck(): boolean {
    return this.#backoff.failures > 0
  }

  /** True when nothing waits and nothing is under way. */
  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#inFlight === 0 && this.#moved.size === 0
  }

  attach(session: WorkerSession): void {
    this.#session = session
  }

  log(attempt: RunningAttempt, stream: LogStream, text: string): void {
    if (text === '' || attempt.logged > ATTEMPT_CAP) return
    if (this.#pending + text.length > this.#maxPending) {
      attempt.dropped += text.length
      return
    }
    if (attempt.dropped > 0) this.noteDropped(attempt)
    this.#append(attempt, stream, text)
  }

  /** Says in the output how much of it was dropped. */
  noteDropped(attempt: RunningAttempt): void {
    if (attempt.dropped === 0) return
    const dropped = attempt.dropped
    attempt.dropped = 0
    this.#append(
      attempt,
      'log',
      `[${dropped} characters of output were dropped: they came faster than they could be stored]\n`,
    )
  }

  progress(attempt: RunningAttempt): void {
    this.#moved.add(attempt)
    this.#arm(GATHER_MS)
  }

  #append(attempt: RunningAttempt, stream: LogStream, text: string): void {
    attempt.logged += text.length
    this.#pending += text.length
    const last = this.#entries.at(-1)
    if (
      last !== undefined &&
      last.token === attempt.token &&
      last.stream === stream &&
      last.text.length < PIECE
    ) {
      last.text += text
    } else {
      this.#entries.push({ token: attempt.token, stream, text })
    }
    this.#arm(GATHER_MS)
  }

  /** Sends everything that waits, now; does nothing while a failed call waits for its time. */
  flush(): void {
    const session = this.#session
    if (session === undefined || this.#isBackingOff) return
    if (this.#moved.size > 0) this.#sendProgress(session)
    if (this.#entries.length === 0) return
    const entries = this.#entries
    this.#entries = []
    this.#inFlight++
    session.log(entries).then(
      () => {
        this.#inFlight--
        this.#release(entries)
        this.#recover()
      },
      (error: unknown) => {
        this.#inFlight--
        this.#onFailure(entries, error)
      },
    )
  }

  #sendProgress(session: WorkerSession): void {
    for (const attempt of this.#moved) {
      if (attempt.phase === GONE) continue
      try {
        session.progress(attempt.token, attempt.fraction, attempt.message)
      } catch (error) {
        this.#host.onOutputError(asError(error))
      }
    }
    this.#moved.clear()
  }

  #onFailure(entries: Entry[], error: unknown): void {
    if (!isRetryable(error) || this.#backoff.failures + 1 >= MOST_TRIES) {
      this.#release(entries)
      this.#host.onOutputError(asError(error))
      this.#recover()
      return
    }
    this.#entries = entries.concat(this.#entries)
    if (this.#isBackingOff) return
    this.#isBackingOff = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#arm(this.#backoff.next())
  }

  #recover(): void {
    if (this.#backoff.failures === 0) return
    this.#backoff.reset()
    this.#host.onOutputSettled()
  }

  #release(entries: readonly Entry[]): void {
    for (const { text } of entries) this.#pending -= text.length
  }

  #arm(ms: number): void {
    this.#timer ??= this.#timers.after(ms, () => {
      this.#timer = undefined
      this.#isBackingOff = false
      this.flush()
    })
  }

  /** Sends nothing any more. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#session = undefined
    this.#entries = []
    this.#moved.clear()
  }
}
