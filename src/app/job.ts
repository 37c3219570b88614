/**
 * `job(...)`: a definition whose types reach from the enqueue through the handler to the result.
 *
 * Owns: the types, and what stands around a handler when it is called. The options are read in
 * client/definition.ts.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type DefinitionOptions, defineJob, type JobDefinition } from '../client/definition.ts'
import { checkValue } from '../client/schema.ts'
import { carriedOutcome } from '../core/model/outcome.ts'
import type { HandlerContext } from '../executors/function/context.ts'
import type { Directive } from '../executors/function/directives.ts'
import type { Handler } from '../executors/function/function.ts'

/** The options of `job`. */
export interface JobOptions<Value, Returned>
  extends Omit<DefinitionOptions<Value>, 'run' | 'input' | 'output'> {
  /**
   * Runs one attempt: returns the result, a promise of it, or a directive (`snooze`, `cancel`, `fail`); or throws.
   * Left out where jobs are only enqueued.
   */
  readonly run?: (input: Value, context: HandlerContext) => Returned
}

/** What `result()` gives for a handler that returns `Returned`. */
export type ResultOf<Returned> = Exclude<Awaited<Returned>, Directive>

type Output<Returned, Schema extends StandardSchemaV1> = [Schema] extends [never]
  ? ResultOf<Returned>
  : StandardSchemaV1.InferOutput<Schema>

/**
 * Defines a kind of job.
 *
 * @param kind the name under which its jobs are stored; a worker runs those whose kinds it was given.
 * @throws INVALID_OPTION or INVALID_DURATION, naming the option.
 */
export function job<
  Input extends StandardSchemaV1,
  Returned = unknown,
  Result extends StandardSchemaV1 = never,
>(
  kind: string,
  options: JobOptions<StandardSchemaV1.InferOutput<Input>, Returned> & {
    readonly input: Input
    readonly output?: Result
  },
): JobDefinition<StandardSchemaV1.InferInput<Input>, Output<Returned, Result>>
export function job<Input = unknown, Returned = unknown, Result extends StandardSchemaV1 = never>(
  kind: string,
  options?: JobOptions<Input, Returned> & { readonly input?: undefined; readonly output?: Result },
): JobDefinition<Input, Output<Returned, Result>>
export function job(kind: string, options: object = {}): JobDefinition<never, never> {
  return defineJob(kind, options) as JobDefinition<never, never>
}

/** The handler of a definition, with the checks that its schemas ask for around it. */
export function handlerOf(definition: JobDefinition): Handler | undefined {
  const { kind, run, input, output, check } = definition
  if (run === undefined) return undefined
  const checksInput = input !== undefined && check === 'both'
  if (!checksInput && output === undefined) return run as Handler
  const owner = `job(${JSON.stringify(kind)})`
  return async (stored, context) => {
    const value = checksInput
      ? await checkValue(input, stored, 'INVALID_INPUT', `the input of ${owner}`)
      : stored
    const returned = await run(value as never, context as never)
    if (output === undefined || carriedOutcome(returned) !== undefined) return returned
    return checkValue(output, returned, 'INVALID_OUTPUT', `the result of ${owner}`)
  }
}
