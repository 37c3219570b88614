/**
 * Scenarios: small worlds to search through, each with the kinds of jobs that may be enqueued in it.
 */
import type { NewEdge, NewJob } from '../../src/core/commands/enqueue.ts'
import { DEFAULT_PROFILE, type Profile } from '../../src/core/model/profile.ts'
import { EDGE_CANCEL, EDGE_FAIL, EDGE_RUN } from '../../src/core/policy/finish.ts'
import type { RouteSpec } from '../../src/core/policy/route.ts'
import type { Names } from '../world/world.ts'

/** The step of time. */
export const UNIT_MS = 1_000
/** How long a lease lasts without a heartbeat, and an attempt to obey a cancel (twice this, with the owner's patience). */
export const TERM_MS = 2 * UNIT_MS
export const GRACE_MS = UNIT_MS / 2
/** Most jobs, restarts of each, and epochs. */
export const MOST_JOBS = 3
export const MOST_RESTARTS = 1
export const MOST_EPOCHS = 2

/** A kind of job. */
export interface Template {
  readonly name: string
  /** The job to enqueue, given the ids that there are; undefined where it has nothing to depend on. */
  readonly make: (now: number, ids: readonly number[]) => NewJob | undefined
}

/** A small world. */
export interface Scenario {
  readonly name: string
  /** What may be enqueued. */
  readonly templates: readonly Template[]
  /** What is enqueued before the search begins. */
  readonly first: readonly Template[]
}

const PROFILE: Profile = {
  ...DEFAULT_PROFILE,
  retry: { attempts: 2, minMs: UNIT_MS, maxMs: UNIT_MS, factor: 1, jitter: 0, on: 'any' },
  timeouts: { ...DEFAULT_PROFILE.timeouts, heartbeatMs: TERM_MS, graceMs: GRACE_MS },
}
const IMPATIENT: Profile = { ...PROFILE, timeouts: { ...PROFILE.timeouts, scheduleToStartMs: UNIT_MS } }

/** What jobs with a handler have in common: one queue, one kind. */
export const ROUTE: RouteSpec = {
  namespace: 'space',
  queue: 'queue',
  kind: 'kind',
  profile: JSON.stringify(PROFILE),
}
const IMPATIENT_ROUTE: RouteSpec = { ...ROUTE, profile: JSON.stringify(IMPATIENT) }
const GROUP_ROUTE: RouteSpec = { ...ROUTE, kind: '' }

/** Every name that a scenario uses. */
export const NAMES: Names = {
  routes: [ROUTE, IMPATIENT_ROUTE, GROUP_ROUTE],
  limits: ['a', 'b'],
  workers: ['near', 'far'],
}

interface Shape {
  readonly route?: RouteSpec
  readonly limits?: readonly string[]
  readonly max?: number
  readonly delay?: number
  readonly unique?: NonNullable<NewJob['claims']>[number]['onConflict']
  /** On which jobs it depends. */
  readonly after?: 'last' | 'all'
  readonly policy?: number
}

function template(name: string, shape: Shape): Template {
  const { route = ROUTE, limits = [], max = 1, delay = 0, unique, after, policy = EDGE_FAIL } = shape
  return {
    name,
    make: (now, ids) => {
      if (after !== undefined && ids.length === 0) return undefined
      const targets = after === undefined ? [] : after === 'all' ? ids : ids.slice(-1)
      const edges = targets.map((job): NewEdge => ({ job, index: -1, policy }))
      const claim = { key: 'u:one', given: 'one', digest: '', until: 0 }
      return {
        route,
        priority: 0,
        dueAt: delay === 0 ? 0 : now + delay * UNIT_MS,
        parent: 0,
        fairKey: null,
        limits: limits.length === 0 ? null : limits.map((key) => ({ key, max })),
        claims: unique === undefined ? null : [{ ...claim, onConflict: unique }],
        after: edges.length === 0 ? null : edges,
        metadata: null,
        input: null,
        largeInput: false,
        hint: null,
      }
    },
  }
}

const LIMITED: readonly Template[] = [
  template('a', { limits: ['a'] }),
  template('ab', { limits: ['a', 'b'] }),
  template('b, delayed', { limits: ['b'], delay: 1 }),
  template('a, bound 2', { limits: ['a'], max: 2 }),
  template('b, bound 0', { limits: ['b'], max: 0 }),
]
const LINKED: readonly Template[] = [
  template('plain', {}),
  template('after the last', { after: 'last' }),
  template('after all, cancelled with them', { after: 'all', policy: EDGE_CANCEL }),
  template('after all, in any case, a', { after: 'all', policy: EDGE_RUN, limits: ['a'] }),
  template('group after all', { route: GROUP_ROUTE, after: 'all' }),
]
const TIMED: readonly Template[] = [
  template('delayed, a', { delay: 1, limits: ['a'] }),
  template('impatient, a', { route: IMPATIENT_ROUTE, limits: ['a'] }),
  template('impatient, delayed', { route: IMPATIENT_ROUTE, delay: 1 }),
  template('impatient, after the last', { route: IMPATIENT_ROUTE, after: 'last' }),
]
const KEYED: readonly Template[] = [
  template('plain, a', { limits: ['a'] }),
  template('unique, replaces, a', { limits: ['a'], unique: 'replace' }),
  template('unique, else the existing, ab', { limits: ['a', 'b'], unique: 'use-existing' }),
  template('after the last, in any case, a', { after: 'last', policy: EDGE_RUN, limits: ['a'] }),
]

/** All scenarios. Those that begin with jobs come, at the same depth, three commands further. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'limits', templates: LIMITED, first: [] },
  { name: 'edges', templates: LINKED, first: [] },
  { name: 'time', templates: TIMED, first: [] },
  { name: 'keys', templates: KEYED, first: [] },
  { name: 'limits-deep', templates: [], first: pick(LIMITED, 1, 0, 1) },
  { name: 'edges-deep', templates: [], first: pick(LINKED, 0, 3, 1) },
]

function pick(templates: readonly Template[], ...positions: readonly number[]): Template[] {
  return positions.map((position) => templates[position] as Template)
}
