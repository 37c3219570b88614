/**
 * Who may call what: one table over every method, and the one place that is asked before each call.
 *
 * Owns: which right each method needs, and who has which rights. Everything that comes over any door (the local
 * socket, an exchange, a plain call) passes `authorize` with the same method names. Never does: telling who somebody
 * is, which the doors do.
 */
import { perdureError } from '../errors.ts'
import type { MethodName } from '../protocol/methods.ts'

/** What somebody may do. */
export type Right = 'read' | 'produce' | 'operate' | 'work' | 'administer'

/** Who calls. */
export interface Caller {
  /** For logs and messages. */
  readonly name: string
  readonly rights: ReadonlySet<Right>
}

/** One call, before it is carried out. */
export interface AuthorizedCall {
  readonly caller: Caller
  readonly method: MethodName
  readonly values: readonly unknown[]
}

/** The right that each method needs. */
export const NEEDED: Readonly<Record<MethodName, Right>> = {
  enqueue: 'produce',
  import: 'administer',
  get: 'read',
  list: 'read',
  counts: 'read',
  control: 'operate',
  wait: 'read',
  watch: 'read',
  logs: 'read',
  pauseQueue: 'operate',
  dependents: 'read',
  openWorker: 'work',
  workers: 'read',
  position: 'read',
  info: 'read',
  check: 'administer',
  'session.poll': 'work',
  'session.report': 'work',
  'session.heartbeat': 'work',
  'session.log': 'work',
  'session.progress': 'work',
  'session.tell': 'work',
  'session.close': 'work',
}

const ALL: ReadonlySet<Right> = new Set(['read', 'produce', 'operate', 'work', 'administer'])

/** The user whose process this is: whoever can open the socket file. */
export const OWNER: Caller = { name: 'owner', rights: ALL }

/** Whoever reaches a node that listens on loopback only and asks for no credential. */
export const LOOPBACK: Caller = { name: 'loopback', rights: ALL }

/** Whoever showed a certificate that the node's own authority signed. */
export function certified(name: string): Caller {
  return { name, rights: ALL }
}

/** Fails with DENIED unless the caller has the right that the method needs. */
export function authorize({ caller, method }: AuthorizedCall): void {
  const needed = NEEDED[method]
  if (caller.rights.has(needed)) return
  throw perdureError('DENIED', {
    expected: `a caller with the right to ${needed}`,
    found: `'${caller.name}', who has none`,
    fix: 'Use a credential with that right',
  })
}
