/**
 * The program of a process that runs the handlers of a module for a worker.
 *
 * Usage: node handler-process.ts FILE, started by a pool of processes.
 */
import { createFunctionExecutor } from '../executors/function/function.ts'
import { serveExecutor } from '../executors/process/serve.ts'
import { loadDefinitions } from './definitions.ts'
import { handlersOf } from './handlers.ts'

process.title = 'perdure: handlers'
void serveExecutor(async () => {
  const executor = createFunctionExecutor(handlersOf(await loadDefinitions(process.argv[2] ?? '')))
  return { executor, strays: () => executor.strays() }
})
