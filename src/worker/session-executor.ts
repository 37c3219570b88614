/**
 * Executors that need the worker's own session: to read and write what their attempts record.
 */
import type { WorkerSession } from '../client/client.ts'
import type { Executor } from '../executors/executor.ts'

/** An executor that speaks to the engine while its attempts run. */
export interface SessionExecutor extends Executor {
  /** The session is there; attempts begin only afterwards. */
  attach(session: WorkerSession): void
}

/** Whether an executor wants the session. */
export function wantsSession(executor: Executor): executor is SessionExecutor {
  return 'attach' in executor
}
