/**
 * Ends commands whose worker process died before them.
 *
 * Owns: which processes are orphans. Every command carries, in its environment, a cookie of the process that started
 * it, and the id of its store; children inherit both. An orphan's owner does not live any more.
 * A process that is meant to stay has to be started without them: `env -u PERDURE_OWNER setsid ...`.
 */
import {
  hasProcessTable,
  isAlive,
  type Killed,
  killProcesses,
  ownLine,
  pidNamespace,
  variableOf,
} from './processes.ts'

/** What {@link reapOrphans} did. */
export interface Reaped extends Killed {
  /** False where processes cannot be searched (anywhere but on Linux): then nothing was done. */
  readonly supported: boolean
}

/**
 * Ends the orphans of a store with SIGKILL, and waits until they are gone. Call it when a store is opened
 * again, before its attempts are given out once more. Commands of living workers are left alone.
 *
 * @param options.storeId the id that the shell executor was given.
 * @param options.exclude pids that must not be touched; this process and its ancestors never are.
 */
export async function reapOrphans(options: {
  readonly storeId: string
  readonly exclude?: Iterable<number>
}): Promise<Reaped> {
  if (!hasProcessTable) return { supported: false, killed: [], survivors: [] }
  const excluded = ownLine()
  for (const pid of options.exclude ?? []) excluded.add(pid)
  // in another name space (a container) the numbers of a cookie mean other processes
  const here = pidNamespace('self')
  const result = await killProcesses((environ, pid) => {
    const owner = variableOf(environ, 'PERDURE_OWNER')
    if (owner === undefined || excluded.has(pid)) return false
    if (variableOf(environ, 'PERDURE_STORE') !== options.storeId) return false
    return !isAlive(owner) && pidNamespace(pid) === here
  })
  return { supported: true, ...result }
}
