/**
 * From definitions to a worker that runs them in this process.
 */
import { fileURLToPath } from 'node:url'
import type { Client } from '../client/client.ts'
import { type JobDefinition, readDefinition } from '../client/definition.ts'
import type { Executor } from '../executors/executor.ts'
import { createFunctionExecutor } from '../executors/function/function.ts'
import { createProcessPool } from '../executors/process/pool.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { Surroundings } from '../runtime/services.ts'
import { systemTimers, type Timers } from '../runtime/timers.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { arrayOf, checkKnown, invalidOption, nonEmptyText, wholeNumber } from '../std/options.ts'
import { machineAttributes } from '../worker/attributes.ts'
import { DEFAULT_SLOTS, type WorkerOptions } from '../worker/options.ts'
import { createWorker, type Worker } from '../worker/worker.ts'
import { createWorkflowExecutor, type WorkflowCode } from '../worker/workflow/executor.ts'
import { handlersOf, twiceError } from './handlers.ts'
import { isWorkflow, type WorkflowDefinition } from './workflow.ts'

/** The options of `app.work`. */
export interface WorkOptions
  extends Pick<
    WorkerOptions,
    | 'concurrency'
    | 'queues'
    | 'name'
    | 'maxResult'
    | 'maxPendingOutput'
    | 'supervisor'
    | 'attributes'
    | 'logger'
  > {
  /** How long a stop waits for running attempts before it asks them to end. Default 25 s. */
  readonly drain?: Duration
  /** Runs the handlers in processes of their own. Default: in this one. */
  readonly processes?: ProcessOptions
  /**
   * Looks, in the code of workflows, for what would break a replay, and says so once as a warning of the process: clock, chance and timers outside of
   * steps, promises that do not come from flow, what nobody waits for, two steps of one name. Default: unless NODE_ENV is `production`.
   */
  readonly guards?: boolean
  /** Executors of further kinds, such as `shell`. The worker closes them when it stops. */
  readonly executors?: Readonly<Record<string, Executor>>
}

/** Handlers in processes of their own: on all processors, and harmless to the worker whatever they do. */
export interface ProcessOptions {
  /** How many. */
  readonly count: number
  /**
   * The module that exports the definitions, which each process loads by itself: a path, or a `file:` URL such as
   * `import.meta.url`. It should do nothing else.
   */
  readonly module: string
  /** Most heap of each, MiB. Default: what Node takes. A process that needs more dies and is replaced. */
  readonly memoryMb?: number
  /** What goes wrong with processes; attempts tell by themselves. */
  readonly onError?: (error: unknown) => void
}

const MOST_PROCESSES = 256
const KNOWN = [
  ...['concurrency', 'queues', 'name', 'maxResult', 'maxPendingOutput', 'supervisor', 'attributes', 'logger'],
  ...['drain', 'processes', 'executors', 'guards'],
]

/**
 * Starts a worker. Its queues are those of the definitions, unless the options name others.
 *
 * @throws INVALID_OPTION.
 */
export function makeWorker(
  client: Client,
  definitions: readonly JobDefinition[],
  options: WorkOptions,
  surroundings?: Surroundings,
): Worker {
  arrayOf('the definitions of work', definitions, 'definitions')
  for (const definition of definitions) readDefinition('each definition of work', definition)
  checkKnown('work', options, KNOWN)
  const { drain, executors: others = {}, queues, processes, guards = isDevelopment(), ...rest } = options
  const workflows = definitions.filter(isWorkflow)
  const jobs = definitions.filter((definition) => !isWorkflow(definition))
  const handlers = handlersOf(jobs)
  const executors = new Map<string, Executor>(Object.entries(others))
  const time = surroundings === undefined ? {} : timeOf(surroundings)
  const functions =
    processes === undefined
      ? createFunctionExecutor(handlers, time)
      : poolOf(processes, options.concurrency ?? DEFAULT_SLOTS)
  const ofKinds = new Map<string, Executor>()
  for (const kind of handlers.keys()) ofKinds.set(kind, functions)
  addWorkflows(ofKinds, workflows, surroundings, guards)
  for (const [kind, executor] of ofKinds) {
    if (executors.has(kind)) throw invalidOption(`executors.${kind}`, 'a kind that no definition has', kind)
    executors.set(kind, executor)
  }
  const own = new Set(definitions.map(({ queue }) => queue))
  if (Object.keys(others).length > 0) own.add('default')
  return createWorker({
    client,
    executors,
    queues: queues ?? [...own],
    ...rest,
    ...attributesOf(rest.attributes, workflows),
    ...time,
    ...(drain === undefined ? {} : { drainMs: parseDuration(drain, 'drain') }),
  })
}

/** A worker says which versions of its workflows it has. */
function attributesOf(
  given: WorkerOptions['attributes'],
  workflows: readonly WorkflowDefinition[],
): Pick<WorkerOptions, 'attributes'> {
  const versions = workflows.flatMap((definition) => definition.versions)
  if (versions.length === 0) return {}
  const own = given ?? machineAttributes()
  return { attributes: { ...own, labels: [...own.labels, ...versions] } }
}

/** Guards cost a little, and what they find is for whoever writes the code. */
function isDevelopment(): boolean {
  return process.env.NODE_ENV !== 'production'
}

function addWorkflows(
  executors: Map<string, Executor>,
  workflows: readonly WorkflowDefinition[],
  surroundings: Surroundings | undefined,
  guards: boolean,
): void {
  const codes = new Map<string, WorkflowCode>()
  const time =
    surroundings === undefined ? { clock: systemClock, timers: systemTimers } : timeOf(surroundings)
  if (workflows.length === 0) return
  const executor = createWorkflowExecutor(codes, { ...time, isStrict: guards })
  for (const { kind, code } of workflows) {
    if (executors.has(kind)) throw twiceError(kind)
    codes.set(kind, code)
    executors.set(kind, executor)
  }
}

function poolOf({ count, module, memoryMb, onError }: ProcessOptions, concurrency: number): Executor {
  wholeNumber('processes.count', count, 1, MOST_PROCESSES)
  nonEmptyText('processes.module', module, 4_096)
  if (memoryMb !== undefined) wholeNumber('processes.memoryMb', memoryMb, 16, 1_048_576)
  return createProcessPool({
    entry: new URL('./handler-process.ts', import.meta.url),
    args: [module.startsWith('file:') ? fileURLToPath(module) : module],
    processes: count,
    each: Math.ceil(concurrency / count),
    memoryMb,
    ...(onError === undefined ? {} : { onError }),
  })
}

/** The same time for a worker as for its engine. */
function timeOf(surroundings: Surroundings): { readonly clock: Clock; readonly timers: Timers } {
  return { clock: surroundings, timers: { after: (ms, act) => ({ cancel: surroundings.after(ms, act) }) } }
}
