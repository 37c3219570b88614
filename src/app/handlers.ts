/**
 * Handlers by kind, from definitions.
 */
import type { JobDefinition } from '../client/definition.ts'
import type { Handler } from '../executors/function/function.ts'
import { invalidOption } from '../std/options.ts'
import { handlerOf } from './job.ts'

/** @throws INVALID_OPTION for a definition without a handler, and for two of one kind. */
export function handlersOf(definitions: readonly JobDefinition[]): Map<string, Handler> {
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
