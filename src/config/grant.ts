/**
 * What a credential allows, as one line of text: `producer in acme`, `worker of video,audio`, `operator+producer`.
 *
 * Owns: the roles, and reading and writing such lines, which stand in the configuration, on command lines and in the
 * file of tokens alike. Never does: deciding about a call (see server/auth).
 */
import { type PerdureError, perdureError } from '../errors.ts'
import { describeValue, nearestName } from '../std/options.ts'

/** The roles that a credential can have. */
export const ROLES = ['admin', 'operator', 'producer', 'worker', 'reader'] as const

/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

/** What a credential allows. */
export interface Grant {
  readonly roles: readonly Role[]
  /** Undefined: all of them. */
  readonly namespaces?: readonly string[]
  /** Queues that a worker may take jobs from. Undefined: all of them. */
  readonly queues?: readonly string[]
}

/** A name of a queue or namespace, as everywhere else. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.:/@-]{0,199}$/u
const LINE = /^(\S+)(?:\s+in\s+(\S+))?(?:\s+of\s+(\S+))?$/
const MOST_NAMES = 100

/** Reads a grant. @throws INVALID_OPTION, naming `option`. */
export function parseGrant(option: string, text: unknown): Grant {
  const [, roleText = '', namespaceText, queueText] =
    LINE.exec(typeof text === 'string' ? text.trim() : '') ?? []
  const roles = roleText.split('+').map((word) => readRole(option, word, text))
  const namespaces = readNames(option, namespaceText, text)
  const queues = readNames(option, queueText, text)
  if (queues !== undefined && !roles.includes('worker'))
    throw unreadable(option, text, 'Queues bound a worker; leave `of` out for other roles')
  if (namespaces !== undefined && roles.includes('worker')) throw unreadable(option, text, WORKERS_OF_ALL)
  if (queues !== undefined && roles.includes('admin'))
    throw unreadable(option, text, 'An admin may do everything; leave that role or the queues out')
  return { roles, ...(namespaces && { namespaces }), ...(queues && { queues }) }
}

/** Queues are shared by namespaces, so whoever takes jobs from one sees jobs of all. */
const WORKERS_OF_ALL =
  'Workers take jobs of all namespaces from their queues: bound them by queues of their own, `worker of acme-video`'

/** Writes a grant as {@link parseGrant} reads it. */
export function formatGrant({ roles, namespaces, queues }: Grant): string {
  const bounds = [
    ...(namespaces === undefined ? [] : [`in ${namespaces.join(',')}`]),
    ...(queues === undefined ? [] : [`of ${queues.join(',')}`]),
  ]
  return [roles.join('+'), ...bounds].join(' ')
}

function readRole(option: string, word: string, text: unknown): Role {
  const role = ROLES.find((known) => known === word)
  if (role !== undefined) return role
  const nearest = nearestName(word, ROLES)
  throw unreadable(option, text, nearest === undefined ? undefined : `Did you mean ${nearest}?`)
}

function readNames(option: string, names: string | undefined, text: unknown): readonly string[] | undefined {
  if (names === undefined) return undefined
  const list = [...new Set(names.split(','))]
  if (list.length <= MOST_NAMES && list.every((name) => NAME.test(name))) return list
  throw unreadable(option, text, `Give 1 to ${MOST_NAMES} names with commas between them and no spaces`)
}

function unreadable(option: string, found: unknown, fix?: string): PerdureError {
  return perdureError('INVALID_OPTION', {
    expected: `${option} to be roles (${ROLES.join(', ')}) with + between them, then perhaps \`in NAMESPACES\`, then \`of QUEUES\``,
    found: describeValue(found),
    fix: fix ?? 'Write for example `producer in acme`, `worker of video,audio` or `admin`',
    data: { option },
  })
}
