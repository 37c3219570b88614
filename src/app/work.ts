/**
 * From definitions to a worker that runs them in this process.
 */
import type { Client } from '../client/client.ts'
import type { JobDefinition } from '../client/definition.ts'
import type { Executor } from '../executors/executor.ts'
import { createFunctionExecutor, type Handler } from '../executors/function/function.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Surroundings } from '../runtime/services.ts'
import type { Timers } from '../runtime/timers.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { checkKnown, invalidOption } from '../std/options.ts'
import type { WorkerOptions } from '../worker/options.ts'
import { createWorker, type Worker } from '../worker/worker.ts'
import { handlerOf } from './job.ts'

/** The options of `app.work`. */
export interface WorkOptions extends Pick<WorkerOptions, 'concurrency' | 'queues' | 'name'> {
  /** How long a stop waits for running attempts before it asks them to end. Default 25 s. */
  readonly drain?: Duration
  /** Executors of further kinds, such as `shell`. The worker closes them when it stops. */
  readonly executors?: Readonly<Record<string, Executor>>
}

const KNOWN = ['concurrency', 'queues', 'name', 'drain', 'executors']

/**
 * Starts a worker. Its queues are those of the definitions, unless the options name others.
 *
 * @throws INVALID_OPTION
 */
export function makeWorker(
  client: Client,
  definitions: readonly JobDefinition[],
  options: WorkOptions,
  surroundings?: Surroundings,
): Worker {
  checkKnown('work', options, KNOWN)
  const { drain, executors: others = {}, queues, ...rest } = options
  const handlers = handlersOf(definitions)
  const executors = new Map<string, Executor>(Object.entries(others))
  const time = surroundings === undefined ? {} : timeOf(surroundings)
  const functions = createFunctionExecutor(handlers, time)
  for (const kind of handlers.keys()) {
    if (executors.has(kind)) throw invalidOption(`executors.${kind}`, 'a kind that no definition has', kind)
    executors.set(kind, functions)
  }
  const own = new Set(definitions.map(({ queue }) => queue))
  if (Object.keys(others).length > 0) own.add('default')
  return createWorker({
    client,
    executors,
    queues: queues ?? [...own],
    ...rest,
    ...time,
    ...(drain === undefined ? {} : { drainMs: parseDuration(drain, 'drain') }),
  })
}

/** The same time for a worker as for its engine. */
function timeOf(surroundings: Surroundings): { readonly clock: Clock; readonly timers: Timers } {
  return { clock: surroundings, timers: { after: (ms, act) => ({ cancel: surroundings.after(ms, act) }) } }
}

function handlersOf(definitions: readonly JobDefinition[]): Map<string, Handler> {
  const handlers = new Map<string, Handler>()
  for (const definition of definitions) {
    const { kind } = definition
    const handler = handlerOf(definition)
    const name = `job(${JSON.stringify(kind)})`
    if (handler === undefined)
      throw invalidOption(`${name} run`, 'a function', undefined, `Give ${name} a run function to work on it`)
    if (handlers.has(kind)) {
      throw invalidOption(
        'the definitions of work',
        'of one kind each',
        `two of kind ${JSON.stringify(kind)}`,
        'Give each kind once',
      )
    }
    handlers.set(kind, handler)
  }
  return handlers
}
