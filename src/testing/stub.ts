/**
 * Stubs: what stands in for the work of a kind in a test, checked against the types of its definition.
 */
import { isWorkflow } from '../app/workflow.ts'
import type { JobDefinition } from '../client/definition.ts'
import type { HandlerContext } from '../executors/function/context.ts'
import type { Directive } from '../executors/function/directives.ts'

/** What a stub may do: give a result or a promise of it, return a directive such as `snooze('1h')`, or throw. */
export type StubRun<Input, Output> = (
  input: Input,
  context: HandlerContext,
) => Output | Directive | Promise<Output | Directive>

/**
 * The definition of a job or of a workflow with another handler: same kind, queue, options and schemas, so that whoever
 * calls it does not notice. A workflow becomes a plain job.
 */
export function stub<Input, Output>(
  definition: JobDefinition<Input, Output>,
  run: StubRun<Input, Output>,
): JobDefinition<Input, Output> {
  const made = { ...definition, run: run as NonNullable<JobDefinition['run']> }
  return isWorkflow(made) ? without(made, 'code') : made
}

function without<Value extends object, Key extends keyof Value>(value: Value, key: Key): Omit<Value, Key> {
  const { [key]: _, ...rest } = value
  return rest
}
