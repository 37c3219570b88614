/**
 * One leased attempt inside a worker: what its executor sees of it, and where it stands.
 *
 * One object per attempt is both {@link Attempt} and {@link AttemptControl}: on the hot path nothing else is
 * made. Owns: the phase, and the AbortController, which exists only once somebody looks at the signal.
 * Never decides: see worker.ts.
 */
import type { Lease } from '../client/client.ts'
import type { LogStream, StopReason } from '../core/model/outcome.ts'
import type { CommandContext } from '../core/model/profile.ts'
import type { Attempt, AttemptControl } from '../executors/executor.ts'
import type { Output } from './output.ts'
import type { SlotGroup } from './slots.ts'

/** Leased, but too late to start it without asking whether the lease still holds. */
export const UNVERIFIED = 0
/** The executor has it. */
export const RUNNING = 1
/** Ended; its report waits to be sent. */
export const ENDED = 2
/** Its report was sent at least once; only the answer says what became of it. */
export const REPORTING = 3
/** Known to the engine, or known to be lost. */
export const GONE = 4

/** Where an attempt stands. Only grows. */
export type Phase = 0 | 1 | 2 | 3 | 4

/** A leased attempt, from its arrival until the worker need not think of it any more. */
export class RunningAttempt implements Attempt, AttemptControl {
  readonly job: number
  readonly kind: string
  readonly queue: string
  readonly namespace: string
  readonly attempt: number
  readonly attemptSinceRestart: number
  readonly isLastAttempt: boolean
  readonly token: string
  readonly metadata: Readonly<Record<string, string>>
  readonly command?: CommandContext
  /** Decoded when the attempt starts. */
  input: unknown
  graceMs: number
  /** What `kill -s` asked for, where a cancel names a signal. */
  stopSignal: string | undefined
  /** @internal */ readonly lease: Lease
  /** @internal */ readonly group: SlotGroup
  /** @internal An attempt of the same job that is in hand as well. */ earlier: RunningAttempt | undefined
  /** @internal Orders attempts by when they came. */ arrival = 0
  /** @internal Its slot is another's for now. */ hasLent = false
  /** @internal */ phase: Phase = UNVERIFIED
  /** @internal Monotonic ms; until then the lease surely holds. */ leaseUntil: number
  /** @internal Monotonic ms; negative before. */ startedAt = -1
  /** @internal Monotonic ms: when it is asked to stop, then when it is given up. */ deadline =
    Number.POSITIVE_INFINITY
  /** @internal */ stopReason: StopReason | undefined
  /** @internal The engine said so, rather than the worker assuming it. */ lostForSure = false
  /** @internal Monotonic ms; negative where nobody asked for it. */ endedAt = -1
  /** @internal */ abandoned = false
  /** @internal Characters of output so far. */ logged = 0
  /** @internal Characters that found no room. */ dropped = 0
  /** @internal */ fraction = 0
  /** @internal */ message: string | undefined
  readonly #output: Output
  readonly #giveWay: (attempt: RunningAttempt) => Promise<void>
  #controller: AbortController | undefined
  #onInsist: (() => void) | undefined

  constructor(
    lease: Lease,
    group: SlotGroup,
    leaseUntil: number,
    output: Output,
    giveWay: (attempt: RunningAttempt) => Promise<void>,
  ) {
    this.job = lease.job
    this.kind = lease.kind
    this.queue = lease.queue
    this.namespace = lease.namespace
    this.attempt = lease.attempt
    this.attemptSinceRestart = lease.attemptSinceRestart
    this.isLastAttempt = lease.isLastAttempt
    this.token = lease.token
    this.metadata = lease.metadata
    this.input = undefined
    this.graceMs = lease.graceMs
    this.stopSignal = undefined
    this.lease = lease
    this.group = group
    this.leaseUntil = leaseUntil
    this.#output = output
    this.#giveWay = giveWay
    if (lease.command !== undefined) this.command = lease.command
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.stopReason !== undefined) this.#controller.abort(this.stopReason)
    }
    return this.#controller.signal
  }

  log(stream: LogStream, text: string): void {
    if (this.phase === RUNNING) this.#output.log(this, stream, text)
  }

  progress(fraction: number, message?: string): void {
    if (this.phase !== RUNNING) return
    // not a number: nothing is known of how far it is, and a message may still be worth showing
    this.fraction = fraction >= 0 ? Math.min(fraction, 1) : 0
    this.message = message
    this.#output.progress(this)
  }

  giveWay(): Promise<void> {
    return this.#giveWay(this)
  }

  onInsist(listener: () => void): void {
    this.#onInsist = listener
  }

  /** Asks the executor to stop; the first reason stands, and asking again is insisting on it. */
  stop(reason: StopReason): void {
    if (this.stopReason !== undefined) {
      this.#onInsist?.()
      return
    }
    this.stopReason = reason
    this.#controller?.abort(reason)
  }
}
