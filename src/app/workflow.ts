/**
 * `workflow(...)`: a definition of durable code, whose types reach from the enqueue to the result.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type DefinitionOptions, defineJob, type JobDefinition } from '../client/definition.ts'
import { checkValue } from '../client/schema.ts'
import { invalidOption } from '../std/options.ts'
import type { WorkflowCode } from '../worker/workflow/executor.ts'
import type { Flow } from '../workflow/flow.ts'

/** The options of `workflow`. */
export interface WorkflowOptions<Value, Returned>
  extends Omit<DefinitionOptions<Value>, 'run' | 'input' | 'output' | 'check'> {
  /** The code: plain async TypeScript, in which everything that matters goes through `flow`. */
  readonly run: (flow: Flow, input: Value) => Returned
}

/** A definition of a workflow. */
export interface WorkflowDefinition<Input = unknown, Output = unknown> extends JobDefinition<Input, Output> {
  readonly code: WorkflowCode
}

/**
 * Defines a workflow.
 *
 * @param kind the name under which its runs are stored; a worker runs those whose kinds it was given.
 * @throws INVALID_OPTION or INVALID_DURATION, naming the option.
 */
export function workflow<Input extends StandardSchemaV1, Returned = unknown>(
  kind: string,
  options: WorkflowOptions<StandardSchemaV1.InferOutput<Input>, Returned> & {
    readonly input: Input
    readonly output?: StandardSchemaV1
  },
): WorkflowDefinition<StandardSchemaV1.InferInput<Input>, Awaited<Returned>>
export function workflow<Input = undefined, Returned = unknown>(
  kind: string,
  options: WorkflowOptions<Input, Returned> & {
    readonly input?: undefined
    readonly output?: StandardSchemaV1
  },
): WorkflowDefinition<Input, Awaited<Returned>>
export function workflow(kind: string, options: object): WorkflowDefinition<never, never> {
  const { run, ...rest } = options as DefinitionOptions & { run: (flow: Flow, input: never) => unknown }
  const owner = `workflow(${JSON.stringify(kind)})`
  if (typeof run !== 'function') throw invalidOption(`${owner} run`, 'a function', run)
  const definition = defineJob(kind, { ...rest, run: () => refuse(owner) })
  const { output } = definition
  const code: WorkflowCode =
    output === undefined
      ? run
      : async (flow, input) =>
          checkValue(output, await run(flow, input), 'INVALID_OUTPUT', `the result of ${owner}`)
  return Object.freeze({ ...definition, code }) as WorkflowDefinition<never, never>
}

/** Whether a definition is one of a workflow. */
export function isWorkflow(definition: JobDefinition): definition is WorkflowDefinition {
  return 'code' in definition
}

function refuse(owner: string): never {
  throw invalidOption(owner, 'run by a worker that was given its definition', 'a call of it as a plain job')
}
