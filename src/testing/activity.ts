/**
 * Activity: the code of users that runs at this moment. Time stands still while it does, since it may wait for something
 * real: a file, a server, a promise.
 */
import { isWorkflow, type WorkflowDefinition } from '../app/workflow.ts'
import type { JobDefinition } from '../client/definition.ts'
import type { Executor } from '../executors/executor.ts'
import type { Flow } from '../workflow/flow.ts'
import type { StepContext } from '../workflow/step.ts'
import type { StepOptions } from '../workflow/step-options.ts'

/** Counts calls, and knows their names. */
export class Activity {
  readonly #running = new Map<number, string>()
  readonly #steps: Map<string, number>
  #count = 0

  /** @param steps counts the calls of steps, by what tells these apart. */
  constructor(steps: Map<string, number> = new Map()) {
    this.#steps = steps
  }

  /** Grows with every begin and end of a call. */
  get changes(): number {
    return this.#count
  }

  /** The names of the calls that run, oldest first. */
  get names(): readonly string[] {
    return [...this.#running.values()]
  }

  /** Makes a call that counts until what it gives is there. */
  during<Value>(name: string, call: () => Value): Value {
    const number = this.#count++
    const end = (): void => {
      this.#count++
      this.#running.delete(number)
    }
    this.#running.set(number, name)
    let value: Value
    try {
      value = call()
    } catch (thrown) {
      end()
      throw thrown
    }
    if (!(value instanceof Promise)) end()
    else value.then(end, end)
    return value
  }

  /** The same definition, whose calls of user code count. */
  watch(definition: JobDefinition): JobDefinition {
    if (isWorkflow(definition)) return this.#watchWorkflow(definition)
    const { kind, run } = definition
    if (run === undefined) return definition
    const watched: typeof run = (input, context) => {
      return this.during(`job ${(context as { job: number }).job} '${kind}'`, () => run(input, context))
    }
    return { ...definition, run: watched }
  }

  /** The same executor, whose attempts count. */
  watchExecutor(executor: Executor): Executor {
    const run: Executor['run'] = (attempt, control) =>
      this.during(`job ${attempt.job} '${attempt.kind}'`, () => executor.run(attempt, control))
    return new Proxy(executor, {
      get: (target, name) => {
        const value: unknown = name === 'run' ? run : Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  #watchWorkflow(definition: WorkflowDefinition): WorkflowDefinition {
    const { code } = definition
    return {
      ...definition,
      code: (flow, input) => code(this.#watchFlow(flow, JSON.stringify(input) ?? ''), input),
    }
  }

  /**
   * What the code does outside of steps must not wait for anything but the flow.
   *
   * @param life tells what the run is now from what it was before it began anew.
   */
  #watchFlow(flow: Flow, life: string): Flow {
    const step = flow.step.bind(flow)
    const watched = <Value>(
      name: string,
      fn: (context: StepContext) => Value,
      options: StepOptions<Awaited<Value>> = {},
    ): Promise<Awaited<Value>> => {
      const { undo } = options
      const title = `step '${name}' of run ${flow.run}`
      const counted = (context: StepContext): Value => {
        const call = `${title} (key ${context.key}, try ${context.attempt}, input ${life})`
        this.#steps.set(call, (this.#steps.get(call) ?? 0) + 1)
        return this.during(title, () => fn(context))
      }
      if (undo === undefined) return step(name, counted, options)
      const undoing = (value: Awaited<Value>) => this.during(`undo of ${title}`, () => undo(value))
      return step(name, counted, { ...options, undo: undoing })
    }
    const branch = flow.branch.bind(flow)
    const watchedBranch = <Value>(code: (own: Flow) => Value): Promise<Awaited<Value>> =>
      branch((own) => code(this.#watchFlow(own, life)))
    return Object.defineProperties(flow, { step: { value: watched }, branch: { value: watchedBranch } })
  }
}
