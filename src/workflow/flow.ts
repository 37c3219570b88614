/**
 * Flow: what the code of a workflow can do durably. Everything that happens through it is on record before the code goes
 * on, and is not done again when the run is taken up after a crash.
 */
import { randomUUID } from 'node:crypto'
import { SEND, SIGNAL, TIMER } from '../core/model/journal.ts'
import { readName } from '../core/policy/names.ts'
import { MOST_NAME } from '../core/policy/sizes.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { checkKnown, invalidOption, nonEmptyText, oneOf, wholeNumber } from '../std/options.ts'
import { Continuation } from './course.ts'
import { nestedLockError } from './errors.ts'
import { handlersOf, type UpdateHandler, type UpdateOptions } from './handlers.ts'
import { type HumanOptions, human } from './human.ts'
import { Outlet } from './outlet.ts'
import { Branch } from './parts.ts'
import type { Callable, ChildSpec, FlowEntry, RunPort } from './port.ts'
import type { FlowRun } from './run.ts'
import type { StepContext } from './step.ts'
import { endOf } from './step-end.ts'
import { readStepOptions, type StepOptions } from './step-options.ts'

/** The options of a child. */
export interface ChildOptions {
  /**
   * What becomes of the child when the run ends before it, or nobody waits for it any more: it is cancelled, it goes on, or the run
   * ends only after it (`wait`; a run that is cancelled does not). Default `cancel` of a call, `abandon` of a start.
   */
  readonly onClose?: 'cancel' | 'abandon' | 'wait'
  /** Of the enqueue: `key`, `delay`, `queue`, `priority`, ... */
  readonly enqueue?: object
}

/** The rule is that of whoever sends it: a wait for a name that nobody can send would be for ever. */
function checkSignalName(name: string): void {
  readName('the name of a signal', name)
}

export class Flow {
  /** The id of the run. */
  readonly run: number
  readonly #run: FlowRun
  readonly #child: RunPort['child']
  readonly #branch: Branch | undefined

  constructor(run: FlowRun, child: RunPort['child'], branch?: Branch) {
    this.run = run.job
    this.#run = run
    this.#child = child
    this.#branch = branch
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
    const request = { fn, rules: readStepOptions(owner, options), undo: options.undo }
    return this.#ask(() => this.#run.step(name, request)) as Promise<Awaited<Value>>
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
    return this.#ask(() => this.#run.wait(TIMER, name, entry)) as Promise<void>
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

  /** Like `call`, with the id of the job as soon as there is one. */
  spawn<Input, Output>(
    definition: Callable<Input, Output>,
    input: Input,
    options: ChildOptions = {},
  ): { readonly id: Promise<number>; readonly result: Promise<Output> } {
    const { entry } = this.#childOf(definition, input, options, true)
    const { id, ended } = this.#ask(() => this.#run.spawn(definition.kind, entry))
    return { id, result: ended as Promise<Output> }
  }

  #enqueue(
    definition: Callable,
    input: unknown,
    options: ChildOptions = {},
    awaits: boolean,
  ): Promise<unknown> {
    const { entry, mustEnd } = this.#childOf(definition, input, options, awaits)
    return this.#ask(() => this.#run.child(definition.kind, { awaits, mustEnd }, entry))
  }

  #childOf(definition: Callable, input: unknown, options: ChildOptions, awaits: boolean) {
    checkKnown('call', options, ['onClose', 'enqueue'])
    const { onClose = awaits ? 'cancel' : 'abandon', enqueue } = options
    oneOf('onClose', onClose, ['cancel', 'abandon', 'wait'])
    const name = definition?.kind
    if (typeof name !== 'string')
      throw invalidOption('what is called', 'the definition of a job or a workflow', definition)
    const mustEnd = onClose === 'wait'
    const entry = (position: number): FlowEntry | Promise<FlowEntry> => {
      const made = (spec: ChildSpec): FlowEntry => {
        const how = { closes: onClose === 'cancel', awaits: awaits || mustEnd }
        return { type: 'child', position, name, spec, ...how }
      }
      const spec = this.#child(definition, input, enqueue)
      return spec instanceof Promise ? spec.then(made) : made(spec)
    }
    return { entry, mustEnd }
  }

  /**
   * Waits for a signal of this name, or takes one that came before.
   *
   * @param options.timeout gives undefined when none came in time.
   */
  signal<Value = unknown>(name: string): Promise<Value>
  signal<Value = unknown>(name: string, options: { readonly timeout: Duration }): Promise<Value | undefined>
  signal(name: string, options: { readonly timeout?: Duration } = {}): Promise<unknown> {
    checkSignalName(name)
    checkKnown(`signal ${JSON.stringify(name)}`, options, ['timeout'])
    const { timeout } = options
    // 0 would be for ever.
    const delayMs = timeout === undefined ? 0 : Math.max(1, parseDuration(timeout, 'signal timeout'))
    const entry = (position: number) => ({ type: 'signal' as const, position, name, delayMs })
    return this.#ask(() => this.#run.wait(SIGNAL, name, entry))
  }

  /** Sends a signal to another run. Fails where there is none that could hear it. */
  send(run: number | { readonly id: number }, name: string, value?: unknown): Promise<void> {
    const to = typeof run === 'number' ? run : run.id
    wholeNumber('the run of a send', to, 1, Number.MAX_SAFE_INTEGER)
    checkSignalName(name)
    const end = endOf(name, value)
    const entry = { type: 'send' as const, name, to, signal: name, value: end.value }
    return this.#ask(() =>
      this.#run.wait(SEND, name, (position) => ({ ...entry, position })),
    ) as Promise<void>
  }

  /** All of them, in their order; fails with the first that fails, and lets go of the others. */
  all<const Parts extends readonly unknown[]>(
    parts: Parts,
  ): Promise<{ -readonly [Key in keyof Parts]: Awaited<Parts[Key]> }> {
    return this.#run.combine('all', parts, Promise.all(parts)) as Promise<{
      -readonly [Key in keyof Parts]: Awaited<Parts[Key]>
    }>
  }

  /**
   * The first that ends, well or badly. The others are let go of: children are cancelled, timers and signals waited for no
   * more, steps asked to stop. Whoever awaits them gets CANCELLED.
   */
  race<Part>(parts: readonly Part[]): Promise<Awaited<Part>> {
    return this.#run.combine('race', parts, Promise.race(parts))
  }

  /** The first that ends well; the others are let go of. */
  any<Part>(parts: readonly Part[]): Promise<Awaited<Part>> {
    return this.#run.combine('any', parts, Promise.any(parts))
  }

  /** How each of them ended. */
  settled<const Parts extends readonly unknown[]>(
    parts: Parts,
  ): Promise<{ -readonly [Key in keyof Parts]: PromiseSettledResult<Awaited<Parts[Key]>> }> {
    return Promise.allSettled(parts) as Promise<{
      -readonly [Key in keyof Parts]: PromiseSettledResult<Awaited<Parts[Key]>>
    }>
  }

  /**
   * Runs a part of the code that can lose a race as a whole: all that it asks for through the flow that it gets is let go of
   * with it, and what it would ask for then fails with CANCELLED.
   */
  branch<Value>(code: (flow: this) => Value): Promise<Awaited<Value>> {
    return this.#branchOff(new Branch(this.#branch), code)
  }

  #branchOff<Value>(branch: Branch, code: (flow: this) => Value): Promise<Awaited<Value>> {
    const flow = new Flow(this.#run, this.#child, branch) as this
    return this.#run.branch(branch, () => code(flow))
  }

  /**
   * Calls a function for each item, so many at a time, and gives what they gave, in their order. When one fails, the others are let go of,
   * as far as they use the flow that they get.
   *
   * @param options.concurrency Default: all at once.
   */
  map<Item, Value>(
    items: readonly Item[],
    code: (item: Item, index: number, flow: this) => Value,
    options: { readonly concurrency?: number } = {},
  ): Promise<Awaited<Value>[]> {
    checkKnown('map', options, ['concurrency'])
    const { concurrency = Math.max(1, items.length) } = options
    wholeNumber('map concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER)
    const values: Awaited<Value>[] = []
    let next = 0
    const lane = async (flow: this): Promise<void> => {
      while (next < items.length) {
        const at = next++
        values[at] = await code(items[at] as Item, at, flow)
      }
    }
    const lanes = Array.from({ length: Math.min(concurrency, items.length) }, () => this.branch(lane))
    return this.branch(async (flow) => {
      await flow.all(lanes)
      return values
    })
  }

  /**
   * Runs code that no two runs of the namespace run at a time. First come, first served; given back when the code has ended, or
   * the run has, whatever way.
   *
   * @param key what is locked, in the namespace of the run.
   * @throws CYCLE where the flow is that of code which runs under the same lock: it would wait for itself.
   */
  lock<Value>(key: string, code: (flow: this) => Value): Promise<Awaited<Value>> {
    nonEmptyText('the key of a lock', key, MOST_NAME)
    if (this.#branch?.isUnder(key) === true) return Promise.reject(nestedLockError(key))
    return this.#branchOff(new Branch(this.#branch, key), async (flow) => {
      const { held, release } = flow.#ask(() => this.#run.lock(key))
      await held
      try {
        return await code(flow)
      } finally {
        release()
      }
    })
  }

  /**
   * Asks a person, and gives the answer, checked and processed. The question stands in the inbox until somebody answers it; an answer
   * that cannot be taken has it asked again, with the reason. Gives undefined where nobody has answered in time; fails with CANCELLED where somebody
   * cancels the question.
   */
  human<Answer = unknown, Value = Answer, About = unknown>(
    options: HumanOptions<Answer, Value, About> & { readonly timeout?: undefined },
  ): Promise<Awaited<Value>>
  human<Answer = unknown, Value = Answer, About = unknown>(
    options: HumanOptions<Answer, Value, About>,
  ): Promise<Awaited<Value> | undefined>
  human(options: object): Promise<unknown> {
    return this.branch((flow) => human(flow, options as HumanOptions<never, unknown>))
  }

  #ask<Asked>(ask: () => Asked): Asked {
    return this.#branch === undefined ? ask() : this.#run.within(this.#branch, ask)
  }

  /**
   * Answers `run.query(name)` from what the code knows, live or replayed; for the beginning of the code. The handler answers at once,
   * and asks the flow for nothing.
   */
  query<Input = undefined>(name: string, handler: (input: Input) => unknown): void {
    handlersOf(this.#run).query(name, handler)
  }

  /**
   * Carries out `run.update(name, input)`; for the beginning of the code. `validate` refuses an input by throwing, before anything is on
   * record. The handler may do whatever the code may; what it gives is the answer, once that is on record.
   */
  update<Input = undefined>(name: string, handler: (input: Input) => unknown): void
  update<Input = undefined>(
    name: string,
    options: UpdateOptions<Input>,
    handler: (input: Input) => unknown,
  ): void
  update(name: string, first: unknown, second?: unknown): void {
    const [options, handler] = second === undefined ? [{}, first] : [first, second]
    handlersOf(this.#run).update(name, options as UpdateOptions, handler as UpdateHandler)
  }

  /** A stream of values out of the run, which `run.stream(name)` reads. What is written is on record. */
  stream<Value = unknown>(name: string): Outlet<Value> {
    return new Outlet(this.#run, name)
  }

  /** Tells how far the run is, for those who watch it: a fraction from 0 to 1, and a word. */
  progress(fraction: number, message?: string): void {
    this.#run.progress(fraction, message)
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
