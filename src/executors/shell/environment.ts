/**
 * The environment of a command.
 *
 * Owns: which variables reach it. Three sources, later ones win:
 * 1. the environment of the submission, exactly, where it brought one; otherwise a few variables of the worker,
 *    for its others (credentials of the store, say) are nobody's business;
 * 2. `env` of the input, without loader variables and proxies (below);
 * 3. the variables by which Perdure knows the attempt's processes again. They cannot be set from outside.
 *
 * Why loader variables are left out of 2 and not of 1: they change what a command *is*, unseen by whoever wrote its
 * argv. A submission's environment is the shell that its owner sat in, who can run any argv anyway; it is applied
 * after privileges were dropped, never to a program that still has them. The `env` of an input is often made from
 * data, one value per task, and must not be able to turn `gzip` into something else.
 */
import type { Attempt } from '../executor.ts'

/** What a command gets of the worker's own environment when the submission brought none. */
const FROM_WORKER = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'SHELL']
const UNSAFE = /^(LD_.*|DYLD_.*|NODE_OPTIONS|(https?|ftp|all|no)_proxy)$/i
const OURS = ['PERDURE_JOB', 'PERDURE_ATTEMPT', 'PERDURE_TOKEN', 'PERDURE_OWNER', 'PERDURE_STORE']

/** Variables by name. */
export type Variables = Readonly<Record<string, string>>

/** The variables that mark every process of an attempt. */
export function marks(attempt: Attempt, owner: string, storeId: string | undefined): Variables {
  return {
    PERDURE_JOB: String(attempt.job),
    PERDURE_ATTEMPT: String(attempt.attempt),
    PERDURE_TOKEN: attempt.token,
    PERDURE_OWNER: owner,
    ...(storeId === undefined ? {} : { PERDURE_STORE: storeId }),
  }
}

/** The part of the worker's environment that commands may have. `worker` is `process.env`. */
export function workerVariables(worker: NodeJS.ProcessEnv): Variables {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(worker)) {
    if (value !== undefined && (FROM_WORKER.includes(name) || name.startsWith('LC_'))) kept[name] = value
  }
  return kept
}

/**
 * Puts an environment together.
 *
 * @param own the attempt's {@link marks}.
 * @param keepUnsafe true keeps loader variables and proxies of the input.
 * @returns the environment, and the names that were left out.
 */
export function environmentOf(
  base: Variables,
  added: Variables,
  own: Variables,
  keepUnsafe: boolean,
): { variables: Record<string, string>; dropped: string[] } {
  const variables: Record<string, string> = { ...own }
  const dropped: string[] = []
  for (const name in base) if (!OURS.includes(name)) variables[name] = base[name] ?? ''
  for (const name in added) {
    if (OURS.includes(name) || (!keepUnsafe && UNSAFE.test(name))) dropped.push(name)
    else variables[name] = added[name] ?? ''
  }
  return { variables, dropped }
}
