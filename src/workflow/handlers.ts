/**
 * Handlers: what a run answers to those who ask it from outside, while it works, waits or is replayed.
 *
 * Owns: which queries and updates a run has, and the one wait by which updates come in. An update is a signal that waits
 * in the journal like any other; its handler runs when it is delivered, so every replay runs it in the same place, and what
 * it came to is on record before its caller hears of it.
 */
import { SIGNAL, UPDATE, UPDATES, type UpdateRequest, updateName } from '../core/model/journal.ts'
import { MOST_NAME } from '../core/policy/sizes.ts'
import { errorRecord, type PerdureError, perdureError } from '../errors.ts'
import { checkKnown, describeValue, invalidOption, nonEmptyText } from '../std/options.ts'
import type { FlowRun } from './run.ts'
import { broken, endOf, type StepEnd } from './step-end.ts'

/** Answers a query from what the run knows. It changes nothing, and waits for nothing. */
export type QueryHandler = (input: never) => unknown

/** Carries out an update. It may ask for whatever the code of the run may ask for. */
export type UpdateHandler = (input: never) => unknown

/** The options of an update. */
export interface UpdateOptions<Input = never> {
  /** Throws for an input that is refused. It changes nothing, and waits for nothing. */
  readonly validate?: (input: Input) => void
}

/** Something that a run is asked. */
export interface Question {
  /** `validate`: whether an update would be taken. */
  readonly type: 'query' | 'validate'
  readonly name: string
  readonly input: unknown
}

export class Handlers {
  readonly #run: FlowRun
  readonly #queries = new Map<string, QueryHandler>()
  readonly #updates = new Map<string, { readonly options: UpdateOptions; readonly handler: UpdateHandler }>()
  /** Updates that were taken, by the ids of their calls. */
  readonly #taken = new Set<string>()
  #listens = false

  constructor(run: FlowRun) {
    this.#run = run
  }

  /** Sets the handler of a query; a later one of the same name takes its place. */
  query(name: string, handler: QueryHandler): void {
    this.#queries.set(nonEmptyText('the name of a query', name, MOST_NAME), isFunction('query', handler))
  }

  /** Sets the handler of an update; a later one of the same name takes its place. */
  update(name: string, options: UpdateOptions, handler: UpdateHandler): void {
    nonEmptyText('the name of an update', name, MOST_NAME)
    checkKnown(`update ${JSON.stringify(name)}`, options, ['validate'])
    this.#updates.set(name, { options, handler: isFunction('update', handler) })
    if (this.#listens) return
    this.#listens = true
    this.#listen()
  }

  /** The answer to a question, as JSON text. */
  answer({ type, name, input }: Question): StepEnd {
    try {
      return type === 'query' ? this.#query(name, input) : this.#validate(name, input)
    } catch (thrown) {
      return broken(errorRecord(thrown))
    }
  }

  #query(name: string, input: unknown): StepEnd {
    const handler = this.#queries.get(name)
    if (handler === undefined) throw noHandler('query', name, this.#queries.keys())
    const value = this.#run.look(() => handler(input as never))
    if (value instanceof Promise) {
      value.catch(() => {})
      throw invalidOption(`query ${JSON.stringify(name)}`, 'a handler that answers at once', value)
    }
    return endOf(name, value)
  }

  #validate(name: string, input: unknown): StepEnd {
    const update = this.#updates.get(name)
    if (update === undefined) throw noHandler('update', name, this.#updates.keys())
    try {
      this.#run.look(() => update.options.validate?.(input as never))
    } catch (thrown) {
      throw refused(name, thrown)
    }
    return endOf(name, undefined)
  }

  /** Waits for the next update, once the one before was answered: they never overlap. It has its place among all that the code asks for. */
  #listen(): void {
    const entry = (position: number) => ({ type: 'signal', position, name: UPDATES, delayMs: 0 }) as const
    this.#run.wait(SIGNAL, UPDATES, entry).then(
      async (request) => {
        await this.#take(request as UpdateRequest)
        this.#listen()
      },
      // The run was cancelled, or has failed: it takes no more.
      () => {},
    )
  }

  async #take(request: UpdateRequest): Promise<void> {
    if (this.#taken.has(request.id)) return
    this.#taken.add(request.id)
    const end = await this.#carryOut(request)
    const name = updateName(request)
    const entry = (position: number) =>
      ({ type: 'settled', kind: UPDATE, position, name, ...end, undo: false }) as const
    await this.#run.wait(UPDATE, name, entry).catch(() => {})
  }

  /** Things may have changed since it was let in, so it is asked for once more. */
  async #carryOut({ name, input }: UpdateRequest): Promise<StepEnd> {
    try {
      this.#validate(name, input)
      return endOf(name, await this.#updates.get(name)?.handler(input as never))
    } catch (thrown) {
      return broken(errorRecord(thrown))
    }
  }
}

const HANDLERS = new WeakMap<FlowRun, Handlers>()

/** The handlers of a run. */
export function handlersOf(run: FlowRun): Handlers {
  const known = HANDLERS.get(run)
  if (known !== undefined) return known
  const handlers = new Handlers(run)
  HANDLERS.set(run, handlers)
  return handlers
}

function isFunction<T>(what: string, handler: T): T {
  if (typeof handler === 'function') return handler
  throw invalidOption(`the handler of a ${what}`, 'a function', handler)
}

function noHandler(what: string, name: string, known: Iterable<string>): PerdureError {
  const names = [...known].map((each) => JSON.stringify(each)).join(', ')
  return perdureError('NO_HANDLER', {
    expected:
      names === ''
        ? `a workflow with handlers of ${what === 'query' ? 'queries' : 'updates'}`
        : `one of ${names}`,
    found: `the ${what} ${JSON.stringify(name)}`,
    fix: 'Set the handler at the beginning of the workflow, and use its name',
    data: { name },
  })
}

function refused(name: string, thrown: unknown): PerdureError {
  return perdureError('REFUSED', {
    expected: `an input that the update ${JSON.stringify(name)} takes`,
    found: thrown instanceof Error ? thrown.message : describeValue(thrown),
    fix: 'Change the input, or wait until the run takes it',
    cause: thrown,
    data: { name },
  })
}
