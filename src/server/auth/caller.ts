/**
 * Callers: who is at the other end, and what that one may do.
 *
 * Never does: finding out who somebody is, which the doors do (the socket's file, `gate.ts`).
 */
import type { Grant } from '../../config/grant.ts'
import { userName } from '../../runtime/user.ts'
import { RIGHTS_OF, type Right } from './rights.ts'

/** Who calls. */
export interface Caller {
  /** Stays the same over restarts and over a rotation of the secret: `token:1f0c…`, `certificate:farm`. */
  readonly id: string
  /** For messages and the audit log. */
  readonly name: string
  readonly rights: ReadonlySet<Right>
  /** Undefined: all. */
  readonly namespaces: ReadonlySet<string> | undefined
  /** Queues to take jobs from. Undefined: all. */
  readonly queues: ReadonlySet<string> | undefined
  /** Aborts once the credential counts no more. Undefined: it always will. */
  readonly ended: AbortSignal | undefined
}

/** Makes the caller of a grant. */
export function callerOf(
  who: Pick<Caller, 'id' | 'name'>,
  { roles, namespaces, queues }: Grant,
  ended?: AbortSignal,
): Caller {
  return {
    ...who,
    rights: new Set(roles.flatMap((role) => RIGHTS_OF[role])),
    namespaces: namespaces && new Set(namespaces),
    queues: queues && new Set(queues),
    ended,
  }
}

const EVERYTHING: Grant = { roles: ['admin'] }

/** The user whose process this is, by the system's name: whoever owns the store, or can open the socket's file. */
export const OWNER: Caller = callerOf(
  { id: 'owner', name: userName() ?? `uid ${process.getuid?.()}` },
  EVERYTHING,
)

/** Whoever reaches a node that listens on loopback only and asks for no credential. */
export const LOOPBACK: Caller = callerOf({ id: 'loopback', name: 'loopback' }, EVERYTHING)
