/**
 * Who may call what: the right that each method and page needs, and the rights of each role.
 *
 * Owns: these tables, and nothing that decides. A method that is missing here does not compile; a test calls each of
 * them over every door.
 */
import type { Role } from '../../config/grant.ts'
import type { MethodName } from '../../protocol/methods.ts'

/** What somebody may do. */
export type Right = 'read' | 'produce' | 'signal' | 'operate' | 'work' | 'administer'

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
  'workflows.signal': 'signal',
  'workflows.query': 'read',
  'workflows.update': 'signal',
  'workflows.fork': 'operate',
  'workflows.follow': 'read',
  'workflows.journal': 'read',
  openWorker: 'work',
  workers: 'read',
  position: 'read',
  info: 'read',
  check: 'administer',
  tail: 'read',
  'session.poll': 'work',
  'session.report': 'work',
  'session.workflows.record': 'work',
  'session.workflows.journal': 'work',
  'session.workflows.answer': 'work',
  'session.heartbeat': 'work',
  'session.log': 'work',
  'session.progress': 'work',
  'session.record': 'work',
  'session.tell': 'work',
  'session.close': 'work',
}

/**
 * Methods whose answer or effect is not of one namespace: whoever is bound to some may not call them. Queues are
 * shared by all namespaces, hence whoever works on one sees jobs of all; and so is the store.
 */
export const WHOLE: ReadonlySet<MethodName> = new Set<MethodName>([
  ...(Object.keys(NEEDED) as MethodName[]).filter((method) => NEEDED[method] === 'work'),
  ...(['pauseQueue', 'info', 'check', 'tail'] as const),
])

/**
 * The rights of each role. Whoever makes jobs may read them: it waits for their results. A signal is both: a program that
 * makes runs feeds them with it, and an operator gives the answer that a run waits for.
 */
export const RIGHTS_OF: Readonly<Record<Role, readonly Right[]>> = {
  admin: ['read', 'produce', 'signal', 'operate', 'work', 'administer'],
  operator: ['read', 'signal', 'operate'],
  producer: ['read', 'produce', 'signal'],
  worker: ['work'],
  reader: ['read'],
}

/** The right that each page needs; `none` for those that say nothing about anybody's jobs: load balancers have no credential. */
export const PAGES = {
  '/healthz': 'none',
  '/readyz': 'none',
  '/metrics': 'read',
} as const satisfies Readonly<Record<string, Right | 'none'>>

/** The path of a page. */
export type PagePath = keyof typeof PAGES

/** Whether a path is that of a page. */
export function isPage(path: string): path is PagePath {
  return Object.hasOwn(PAGES, path)
}
