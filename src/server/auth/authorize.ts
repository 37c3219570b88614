/**
 * The one place that is asked before each call, whatever door it came in by.
 *
 * Owns: comparing a call with what its caller may do: a look into a table and, for workers of named queues, at the queues
 * of a poll, and at what a fork is given. Which data a call may touch is the scoped client's matter.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import type { MethodName } from '../../protocol/methods.ts'
import type { Caller } from './caller.ts'
import { NEEDED, type Right, WHOLE } from './rights.ts'

/** One call, before it is carried out. */
export interface AuthorizedCall {
  readonly caller: Caller
  readonly method: MethodName
  readonly values: readonly unknown[]
}

/** Fails with DENIED unless the caller may make this call. */
export function authorize({ caller, method, values }: AuthorizedCall): void {
  assertRight(caller, NEEDED[method])
  if (method === 'workflows.fork' && hasInput(values[1])) assertRight(caller, 'produce')
  if (caller.namespaces !== undefined && WHOLE.has(method)) throw notWhole(caller, method)
  if (caller.queues !== undefined && method === 'session.poll')
    assertQueues(caller, caller.queues, (values[1] as { readonly queues?: unknown } | undefined)?.queues)
}

/** Fails with DENIED unless the caller has a right. */
export function assertRight(caller: Caller, needed: Right): void {
  if (caller.rights.has(needed)) return
  throw perdureError('DENIED', {
    expected: `a caller with the right to ${needed}`,
    found: `'${caller.name}', who has none`,
    fix: 'Use a credential whose role has that right; docs/security.md lists them',
  })
}

/** A fork with an input of its own is a new job; one without does again what somebody who may had asked for. */
function hasInput(options: unknown): boolean {
  return (options as { readonly input?: unknown } | undefined)?.input !== undefined
}

/** The error for a caller who is bound to some namespaces and asks for what is about all. */
export function notWhole(caller: Caller, what: string): PerdureError {
  return perdureError('DENIED', {
    expected: `a caller of all namespaces for ${what}, which is about all of them`,
    found: `'${caller.name}', who is bound to ${[...(caller.namespaces ?? [])].join(', ')}`,
    fix: 'Use a credential that is not bound to namespaces',
  })
}

/** What is no list of texts is left to the check of the poll itself. */
function assertQueues(caller: Caller, allowed: ReadonlySet<string>, queues: unknown): void {
  if (!Array.isArray(queues)) return
  for (const queue of queues) {
    if (typeof queue !== 'string' || allowed.has(queue)) continue
    throw perdureError('DENIED', {
      expected: `queues among ${[...allowed].join(', ')}`,
      found: `'${queue.slice(0, 60)}' in a poll of '${caller.name}'`,
      fix: 'Poll only queues of the credential, or have one made for this queue too',
    })
  }
}
