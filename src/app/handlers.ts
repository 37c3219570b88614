/**
 * Handlers by kind, from definitions.
 */
import type { JobDefinition } from '../client/definition.ts'
import type { PerdureError } from '../errors.ts'
import type { Handler } from '../executors/function/function.ts'
import { invalidOption, wrongUse } from '../std/options.ts'
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
    if (handlers.has(kind)) throw twiceError(kind)
    handlers.set(kind, handler)
  }
  return handlers
}

/** Two definitions of one kind: INVALID_OPTION. */
export function twiceError(kind: string): PerdureError {
  const found = `two of kind ${JSON.stringify(kind)}`
  return wrongUse('the definitions of work', 'of one kind each', found, 'Give each kind once')
}
