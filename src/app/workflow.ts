/**
 * `workflow(...)`: a definition of durable code, whose types reach from the enqueue to the result.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import {
  DEFINITION_OPTIONS,
  type DefinitionOptions,
  defineJob,
  type JobDefinition,
  ownerOf,
} from '../client/definition.ts'
import { checkValue } from '../client/schema.ts'
import { invalidOption, wrongUse } from '../std/options.ts'
import type { WorkflowCode } from '../worker/workflow/executor.ts'
import type { Flow } from '../workflow/flow.ts'
import { readVersions, VERSION_OPTIONS, type VersionOptions } from './version.ts'

/** The options of `workflow`. */
export interface WorkflowOptions<Value, Returned>
  extends Omit<DefinitionOptions<Value>, 'run' | 'input' | 'output' | 'check'>,
    VersionOptions {
  /** The code: plain async TypeScript, in which everything that matters goes through `flow`. */
  readonly run: (flow: Flow, input: Value) => Returned
}

/** A definition of a workflow. */
export interface WorkflowDefinition<Input = unknown, Output = unknown> extends JobDefinition<Input, Output> {
  readonly code: WorkflowCode
  /** The labels of workers that have it. */
  readonly versions: readonly string[]
}

/**
 * Defines a workflow.
 *
 * @param kind the name under which its runs are stored; a worker runs those whose kinds it was given.
 * @throws INVALID_OPTION, INVALID_NAME or INVALID_DURATION, naming the option.
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
  const owner = ownerOf('workflow', kind, options, [...DEFINITION_OPTIONS, ...VERSION_OPTIONS])
  const { run, version, accepts, ...rest } = options as DefinitionOptions &
    VersionOptions & { run: (flow: Flow, input: never) => unknown }
  if (typeof run !== 'function') throw invalidOption(`${owner} run`, 'a function', run)
  const versions = readVersions(
    owner,
    kind,
    { ...(version === undefined ? {} : { version }), ...(accepts === undefined ? {} : { accepts }) },
    run,
  )
  const definition = defineJob(
    kind,
    { ...withVersion(rest, versions.wanted), run: () => refuse(owner) },
    owner,
  )
  const { output } = definition
  const code: WorkflowCode =
    output === undefined
      ? run
      : async (flow, input) =>
          checkValue(output, await run(flow, input), 'INVALID_OUTPUT', `the result of ${owner}`)
  return Object.freeze({ ...definition, code, versions: versions.labels }) as WorkflowDefinition<never, never>
}

/** The options of a definition whose runs want workers of a version. */
function withVersion(options: DefinitionOptions, wanted: string | undefined): DefinitionOptions {
  if (wanted === undefined) return options
  const { labels = [] } = options.requires ?? {}
  return { ...options, requires: { ...options.requires, labels: [wanted, ...[labels].flat()] } }
}

/** Whether a definition is one of a workflow. */
export function isWorkflow(definition: JobDefinition): definition is WorkflowDefinition {
  return 'code' in definition
}

function refuse(owner: string): never {
  const expected = 'run by a worker that was given its definition'
  throw wrongUse(owner, expected, 'a call of it as a plain job', 'Give the definition to app.work')
}
