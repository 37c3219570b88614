/**
 * What a handler sees of its attempt.
 *
 * Owns: the shape of the context. Made once per attempt on the hot path, so everything in it that costs
 * something is made when it is first looked at.
 */
import { inspect } from 'node:util'
import type { AttemptFacts } from '../../core/model/attempt.ts'
import type { Attempt, AttemptControl } from '../executor.ts'

/** The second argument of a handler. */
export interface HandlerContext extends AttemptFacts {
  /**
   * Aborts when the attempt has to stop; its reason is `cancel`, `timeout`, `lease-lost` or `drain`. A handler
   * that takes longer than a moment passes it on, for nothing can end a function from outside.
   */
  readonly signal: AbortSignal
  /** Writes a line of output: text as it is, anything else as JSON. */
  readonly log: (value: unknown) => void
  /** Tells how far the work is: a fraction from 0 to 1, and a word. */
  readonly progress: (fraction: number, message?: string) => void
  /**
   * A good moment to give way: `await ctx.yield()` in a long loop lets a job that is more urgent (of a smaller priority) run
   * in this one's slot, and goes on after it. It costs nothing where none waits, burns no attempt, and keeps everything
   * that the handler has in hand. The time limit of the attempt goes on.
   */
  readonly yield: () => Promise<void>
}

/** The context of one attempt. */
export class FunctionContext implements HandlerContext {
  readonly #attempt: Attempt
  readonly #control: AttemptControl

  constructor(attempt: Attempt, control: AttemptControl) {
    this.#attempt = attempt
    this.#control = control
  }

  get job(): number {
    return this.#attempt.job
  }
  get kind(): string {
    return this.#attempt.kind
  }
  get queue(): string {
    return this.#attempt.queue
  }
  get namespace(): string {
    return this.#attempt.namespace
  }
  get attempt(): number {
    return this.#attempt.attempt
  }
  get attemptSinceRestart(): number {
    return this.#attempt.attemptSinceRestart
  }
  get isLastAttempt(): boolean {
    return this.#attempt.isLastAttempt
  }
  get token(): string {
    return this.#attempt.token
  }
  get metadata(): Readonly<Record<string, string>> {
    return this.#attempt.metadata
  }
  get signal(): AbortSignal {
    return this.#control.signal
  }
  // closures rather than methods, so that `const { log } = ctx` works
  get log(): (value: unknown) => void {
    return (value) => this.#control.log('log', line(value))
  }
  get progress(): (fraction: number, message?: string) => void {
    return (fraction, message) => this.#control.progress(fraction, message)
  }
  get yield(): () => Promise<void> {
    return () => this.#control.giveWay()
  }
}

function line(value: unknown): string {
  const text = typeof value === 'string' ? value : asJson(value)
  return text.endsWith('\n') ? text : `${text}\n`
}

/** What JSON cannot carry is shown as Node would show it: output must never make a handler fail. */
function asJson(value: unknown): string {
  if (value instanceof Error) return inspect(value)
  try {
    return JSON.stringify(value) ?? inspect(value)
  } catch {
    return inspect(value)
  }
}
