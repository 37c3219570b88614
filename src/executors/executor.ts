/**
 * How an attempt is run: the one interface behind `function`, `shell` and those to come.
 *
 * An executor runs one attempt to its end and says how it ended. It never talks to a store, never
 * decides about retries, and never outlives its abort signal by more than the grace it is given.
 */
import type { AttemptFacts } from '../core/model/attempt.ts'
import type { LogStream, Outcome, StopReason } from '../core/model/outcome.ts'
import type { CommandContext } from '../core/model/profile.ts'

/** What an executor is told about the attempt that it runs. */
export interface Attempt extends AttemptFacts {
  readonly input: unknown
  /** Environment, folder and user of commands, from the job's options. */
  readonly command?: CommandContext
}

/** What an executor may do while the attempt runs. */
export interface AttemptControl {
  /**
   * Aborts with a `StopReason` as its reason. May be made on demand, so executors look at it only when they
   * have something to wait for.
   */
  readonly signal: AbortSignal
  /** The reason of the abort, undefined before it. Costs nothing to look at, unlike the signal. */
  readonly stopReason: StopReason | undefined
  /**
   * How long, in ms, after the abort the work may still end by itself before it is killed. A stop may bring
   * its own grace, so executors read it when the signal aborts, not before.
   */
  readonly graceMs: number
  /** The signal for processes that a stop asked for (`SIGINT`, `HUP`, `9`). Default SIGTERM. */
  readonly stopSignal?: string | undefined
  /**
   * Calls back, after the signal has aborted, each time that somebody insists on the stop: `graceMs` has become shorter or
   * `stopSignal` another. Executors that cannot do more than they do at the abort need not listen.
   */
  onInsist(listener: () => void): void
  /** Writes a piece of output; capped and batched by the worker. */
  log(stream: LogStream, text: string): void
  /** Tells how far the work is: a fraction from 0 to 1, and a word. */
  progress(fraction: number, message?: string): void
  /**
   * Lets a more urgent job that waits have this attempt's slot; resolves at once where there is none, otherwise when there
   * is a slot again, or a stop. The attempt goes on to be leased, and its time limit to run.
   */
  giveWay(): Promise<void>
}

/** Runs attempts of the kinds that it serves. */
export interface Executor {
  /** `function`, `shell`, ... */
  readonly name: string
  /** Resolves when attempts can be started; a worker asks for none before. Never rejects. Default: at once. */
  readonly ready?: Promise<void>
  /**
   * Runs one attempt to its end. Never rejects and never throws: whatever goes wrong is an outcome. What ends
   * at once is answered at once, without a promise. After the signal has aborted it settles within `graceMs`
   * plus the time that a kill takes.
   */
  run(attempt: Attempt, control: AttemptControl): Outcome | Promise<Outcome>
  /** Ends what is still running, by force: its outcome is `released`, as is that of every later `run`. */
  close(): Promise<void>
}
