/**
 * Flow: what the code of a workflow can do durably. Everything that happens through it is on record before the code goes
 * on, and is not done again when the run is taken up after a crash.
 */
import { randomUUID } from 'node:crypto'
import { CHILD, SEND, SIGNAL, TIMER } from '../core/model/journal.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { checkKnown, invalidOption, nonEmptyText, wholeNumber } from '../std/options.ts'
import type { Callable, ChildSpec, RunPort } from './port.ts'
import { Continuation, type FlowRun } from './run.ts'
import { endOf, type StepContext, type StepRetry } from './step.ts'

/** The options of a step. */
export interface StepOptions<Value = unknown> {
  readonly retry?: StepRetry
  /** How long one try may take. Default: as long as it takes. */
  readonly timeout?: Duration
  /** Undoes the step with its result when the run fails or is cancelled: the last step first. Tried like any step. */
  readonly undo?: (value: Value) => unknown
}

/** The options of a child. */
export interface ChildOptions {
  /** What becomes of the child when the run ends before it. Default `cancel` of a call, `abandon` of a start. */
  readonly onClose?: 'cancel' | 'abandon'
  /** Of the enqueue: `key`, `delay`, `queue`, `priority`, ... */
  readonly enqueue?: object
}

/** Most characters of a name. */
const MOST_NAME = 128

export class Flow {
  /** The id of the run. */
  readonly run: number
  readonly #run: FlowRun
  readonly #child: RunPort['child']

  constructor(run: FlowRun, child: RunPort['child']) {
    this.run = run.job
    this.#run = run
    this.#child = child
  }

  /**
   * Runs a function of this process once and keeps its result: it is tried again where it fails, and never called again
   * once its result, or its last failure, is on record. A crash between its end and the record calls it again.
   */
  step<Value>(
    name: string,
    fn: (context: StepContext) => Value,
    options: StepOptions<Awaited<Value>> = {},
  ): Promise<Awaited<Value>> {
    const owner = `step ${JSON.stringify(nonEmptyText('the name of a step', name, MOST_NAME))}`
    checkKnown(owner, options, ['retry', 'timeout', 'undo'])
    const { retry, timeout, undo } = options
    if (retry !== undefined) checkKnown(`${owner} retry`, retry, ['attempts', 'min', 'max'])
    if (retry?.attempts !== undefined) wholeNumber(`${owner} retry.attempts`, retry.attempts, 1, 1_000_000)
    const timeoutMs = timeout === undefined ? 0 : parseDuration(timeout, `${owner} timeout`)
    return this.#run.step(name, { fn, retry, timeoutMs, undo }) as Promise<Awaited<Value>>
  }

  /** Waits. The run takes no memory, worker or slot meanwhile. */
  sleep(duration: Duration): Promise<void> {
    return this.#sleep(String(duration), parseDuration(duration, 'sleep'), 0)
  }

  /** Waits until a moment. */
  sleepUntil(at: Date | number): Promise<void> {
    const dueAt = at instanceof Date ? at.getTime() : at
    if (!Number.isSafeInteger(dueAt)) throw invalidOption('sleepUntil', 'a Date, or epoch ms', at)
    return this.#sleep('until', 0, Math.max(1, dueAt))
  }

  #sleep(name: string, delayMs: number, dueAt: number): Promise<void> {
    const entry = (position: number) => ({ type: 'timer' as const, position, name, delayMs, dueAt })
    return this.#run.wait(TIMER, name, entry) as Promise<void>
  }

  /** Runs a job, or another workflow, and gives its result. Fails as it fails. */
  call<Input, Output>(
    definition: Callable<Input, Output>,
    input: Input,
    options?: ChildOptions,
  ): Promise<Output> {
    return this.#enqueue(definition, input, options, true) as Promise<Output>
  }

  /** Enqueues a job, or another workflow, and does not wait for it. Gives its id. */
  async start<Input>(
    definition: Callable<Input, unknown>,
    input: Input,
    options?: ChildOptions,
  ): Promise<{ readonly id: number }> {
    return { id: (await this.#enqueue(definition, input, options, false)) as number }
  }

  #enqueue(
    definition: Callable,
    input: unknown,
    options: ChildOptions = {},
    awaits: boolean,
  ): Promise<unknown> {
    checkKnown('call', options, ['onClose', 'enqueue'])
    const { onClose = awaits ? 'cancel' : 'abandon', enqueue } = options
    const name = definition.kind
    return this.#run.wait(CHILD, name, (position) => {
      const made = (spec: ChildSpec) => {
        return { type: 'child' as const, position, name, closes: onClose === 'cancel', awaits, spec }
      }
      const spec = this.#child(definition, input, enqueue)
      return spec instanceof Promise ? spec.then(made) : made(spec)
    })
  }

  /**
   * Waits for a signal of this name, or takes one that came before.
   *
   * @param options.timeout gives undefined when none came in time.
   */
  signal<Value = unknown>(name: string): Promise<Value>
  signal<Value = unknown>(name: string, options: { readonly timeout: Duration }): Promise<Value | undefined>
  signal(name: string, options: { readonly timeout?: Duration } = {}): Promise<unknown> {
    nonEmptyText('the name of a signal', name, MOST_NAME)
    checkKnown(`signal ${JSON.stringify(name)}`, options, ['timeout'])
    const { timeout } = options
    // 0 would be for ever.
    const delayMs = timeout === undefined ? 0 : Math.max(1, parseDuration(timeout, 'signal timeout'))
    return this.#run.wait(SIGNAL, name, (position) => ({ type: 'signal', position, name, delayMs }))
  }

  /** Sends a signal to another run. Fails where there is none that could hear it. */
  send(run: number | { readonly id: number }, name: string, value?: unknown): Promise<void> {
    const to = typeof run === 'number' ? run : run.id
    wholeNumber('the run of a send', to, 1, Number.MAX_SAFE_INTEGER)
    nonEmptyText('the name of a signal', name, MOST_NAME)
    const end = endOf(name, value)
    const entry = { type: 'send' as const, name, to, signal: name, value: end.value }
    return this.#run.wait(SEND, name, (position) => ({ ...entry, position })) as Promise<void>
  }

  /** All of them, in their order; fails with the first that fails. */
  all<const Parts extends readonly unknown[]>(
    parts: Parts,
  ): Promise<{ -readonly [Key in keyof Parts]: Awaited<Parts[Key]> }> {
    return Promise.all(parts) as Promise<{ -readonly [Key in keyof Parts]: Awaited<Parts[Key]> }>
  }

  /** The first that ends, well or badly. */
  race<Part>(parts: readonly Part[]): Promise<Awaited<Part>> {
    return Promise.race(parts)
  }

  /** The first that ends well. */
  any<Part>(parts: readonly Part[]): Promise<Awaited<Part>> {
    return Promise.any(parts)
  }

  /** How each of them ended. */
  settled<const Parts extends readonly unknown[]>(
    parts: Parts,
  ): Promise<{ -readonly [Key in keyof Parts]: PromiseSettledResult<Awaited<Parts[Key]>> }> {
    return Promise.allSettled(parts) as Promise<{
      -readonly [Key in keyof Parts]: PromiseSettledResult<Awaited<Parts[Key]>>
    }>
  }

  /** The time, epoch ms; the same in every replay. */
  now(): number {
    return this.#run.mark('now', () => this.#run.now()) as number
  }

  /** A random number in [0, 1); the same in every replay. */
  random(): number {
    return this.#run.mark('random', () => Math.random()) as number
  }

  /** A random UUID; the same in every replay. */
  uuid(): string {
    return this.#run.mark('uuid', () => randomUUID()) as string
  }

  /**
   * Whether a change of the code applies to this run: true in runs that get here for the first time, false in those that
   * had been past this place before the change. Whatever it says, it says for ever.
   */
  patched(name: string): boolean {
    return this.#run.patched(nonEmptyText('the name of a patch', name, MOST_NAME))
  }

  /** Ends what the run did so far and begins it anew with another input: for work without an end. Never returns. */
  continueAsNew(input?: unknown): never {
    throw new Continuation(input)
  }
}
