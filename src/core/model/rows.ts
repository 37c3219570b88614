/**
 * The rows beside the job row. Interned rows are written once and never changed.
 */

/** What kind of thing an interned name names. */
export type NameSpace = 'namespace' | 'queue' | 'kind' | 'class' | 'limit' | 'fair' | 'worker'

/** One interned name. */
export interface NameRow {
  readonly id: number
  readonly space: NameSpace
  readonly text: string
}

/** One interned option set: the canonical JSON of a Profile. */
export interface ProfileRow {
  readonly id: number
  readonly text: string
}

/** What many jobs share, by number. `class` is the interned (queue, kind, requirements); kind 0 is a group. */
export interface RouteRow {
  readonly id: number
  readonly namespace: number
  readonly queue: number
  readonly kind: number
  readonly class: number
  readonly profile: number
}

/** One queue. `turn` is the virtual time of its fair queueing. */
export interface QueueRow {
  readonly id: number
  readonly paused: number
  readonly turn: number
}

/** The last fairness tag given to a key of a queue; absent when the queue's own turn has passed it. */
export interface FairRow {
  readonly queue: number
  readonly key: number
  readonly turn: number
}

/** An idempotency key (`k:`) or a uniqueness (`u:`) of a namespace, and the job it stands for. */
export interface KeyRow {
  readonly namespace: number
  readonly key: string
  readonly job: number
  /** Digest of the call that made it; another body under the same key is a conflict. */
  readonly digest: string
  /** Epoch ms until which it is remembered; 0 means while the job is live; MAX_SAFE_INTEGER for ever. */
  readonly until: number
}

/** A concurrency limit. Its holders are rows of their own, never a counter. */
export interface LimitRow {
  readonly id: number
  readonly max: number
}

/** One ended attempt that is not the job's latest. */
export interface AttemptRow {
  readonly job: number
  readonly number: number
  readonly worker: number
  readonly startedAt: number
  readonly endedAt: number
  readonly outcome: string
  readonly error: string | null
}

/** A large input (`input`) or result (`result`). */
export interface PayloadRow {
  readonly job: number
  readonly field: 'input' | 'result'
  /** JSON text; null takes out what was there. */
  readonly text: string | null
}

/** One piece of output of an attempt, at its offset in characters. */
export interface LogRow {
  readonly job: number
  readonly attempt: number
  readonly offset: number
  readonly at: number
  readonly stream: string
  readonly text: string
}

/** How far a job says it is. */
export interface ProgressRow {
  readonly job: number
  readonly fraction: number
  readonly message: string | null
  readonly at: number
}

/** One indexed pair of a job. */
export interface MetadataRow {
  readonly job: number
  readonly namespace: number
  readonly name: string
  readonly value: string
}

/** The key of a fairness row. Most calls ask for the same one as the call before, which is kept. */
export function fairId(queue: number, key: number): string {
  if (queue !== lastFair.queue || key !== lastFair.key) lastFair = { queue, key, id: `${queue}:${key}` }
  return lastFair.id
}

let lastFair = { queue: 0, key: 0, id: '0:0' }

/** The key of a key row. */
export const keyId = (namespace: number, key: string): string => `${namespace}:${key}`
/** The key of an interned name. */
export const nameId = (space: NameSpace, text: string): string => `${space}:${text}`
/** The key of an interned route. */
export const routeKey = (route: Omit<RouteRow, 'id' | 'class'>): string =>
  `${route.namespace}:${route.queue}:${route.kind}:${route.profile}`

/** The text under which a namespace's own limit or fairness key is interned: no other namespace can name it. */
export const ownName = (namespace: number, key: string): string => `${namespace}/${key}`

/** The key of an {@link ownName}. */
export const keyOfOwnName = (text: string): string => text.slice(text.indexOf('/') + 1)
