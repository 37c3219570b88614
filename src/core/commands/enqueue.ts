/**
 * enqueue: makes jobs durable, all of a call or none, in any order of their dependencies.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import { assert } from '../../std/assert.ts'
import {
  blankJob,
  HAS_DEPENDENCIES,
  HAS_DEPENDENTS,
  HAS_KEY,
  type JobRow,
  LARGE_INPUT,
} from '../model/job.ts'
import { noSuchJob } from '../model/refusal.ts'
import type { RouteRow } from '../model/rows.ts'
import { isTerminal, SUCCEEDED } from '../model/states.ts'
import { placeDraft } from '../policy/admit.ts'
import {
  conclude,
  EDGE_RUN,
  type Ending,
  endingBecauseOf,
  type FinishTables,
  finish,
} from '../policy/finish.ts'
import { findCycle } from '../policy/graph.ts'
import { claimKeys, type KeyClaim, REPLACED, remember, takenBy } from '../policy/keys.ts'
import { internFairKeys, internLimits } from '../policy/limits.ts'
import { internRoute, needRoutes, type RouteSpec, type RouteTables } from '../policy/route.ts'
import type { View } from '../view.ts'

/** A dependency of a new job: an existing job, or a position of the same call. */
export interface NewEdge {
  readonly job: number
  /** Position in the call, or -1 where `job` is meant. */
  readonly index: number
  readonly policy: number
}

/** One job to make. Optional parts are null, so that all objects have one shape. */
export interface NewJob {
  readonly route: RouteSpec
  readonly priority: number
  /** Epoch ms; 0 for now. */
  readonly dueAt: number
  readonly parent: number
  readonly fairKey: string | null
  readonly limits: readonly { readonly key: string; readonly max: number }[] | null
  readonly claims: readonly KeyClaim[] | null
  readonly after: readonly NewEdge[] | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly input: string | null
  readonly largeInput: boolean
  /** See policy/hints. */
  readonly hint: string | null
}

export interface EnqueueCommand {
  readonly type: 'enqueue'
  readonly jobs: readonly NewJob[]
  /** Makes a retry of the same call answer what the first one did. */
  readonly request: string | null
  /** The request was made up for this call and was never sent before: nothing can be remembered of it yet. */
  readonly isNewRequest?: boolean
}

/** For each job of the call, its id and whether it is new. */
export interface EnqueueReply {
  readonly ids: readonly number[]
  readonly created: readonly boolean[]
}

export type EnqueueTables = FinishTables &
  RouteTables &
  Pick<View, 'keys' | 'append' | 'beginLine' | 'needLines' | 'nextJobId'>
type Tables = EnqueueTables

/** How long a request id is remembered: longer than any client goes on trying. */
const REQUEST_WINDOW_MS = 600_000

export function enqueue(view: Tables, command: EnqueueCommand, now: number): EnqueueReply | PerdureError {
  const { jobs, request } = command
  const routes = routesOf(view, jobs)
  const namespace = (routes[0] as RouteRow | undefined)?.namespace ?? 0
  if (request !== null && command.isNewRequest !== true) {
    const before = takenBy(view, namespace, `r:${request}`, now)
    if (before !== undefined) return JSON.parse(before.digest) as EnqueueReply
  }
  const claimed = claimKeys(view, jobs, routes, now)
  if (!('ids' in claimed)) return claimed
  const { ids, created } = claimed
  const edges = resolveEdges(view, jobs, ids, created)
  if (!(edges instanceof Map)) return edges
  const limits = internLimits(view, jobs, routes, created, claimed.freed)
  const fairKeys = internFairKeys(view, jobs, routes, created)
  conclude(view, claimed.ended, claimed.freed, now)
  const maker = new Maker(view, now, dependedOn(edges))
  for (let i = 0; i < jobs.length; i++) {
    if (!created[i]) continue
    const shared = { limits: limits[i] as string | null, fairKey: fairKeys[i] as number }
    maker.make(jobs[i] as NewJob, ids[i] as number, routes[i] as RouteRow, edges.get(i), shared)
  }
  maker.settle()
  const reply = { ids, created }
  // A call that made nothing may be repeated as it is.
  const first = created.indexOf(true)
  if (request !== null && first >= 0) {
    const claim: KeyClaim = {
      key: `r:${request}`,
      given: request,
      digest: JSON.stringify(reply),
      until: now + REQUEST_WINDOW_MS,
      onConflict: 'use-existing',
    }
    remember(view, namespace, claim, ids[first] as number)
  }
  return reply
}

function routesOf(view: Tables, jobs: readonly NewJob[]): RouteRow[] {
  const routes = new Array<RouteRow>(jobs.length)
  needRoutes(view, new Set(jobs.map((job) => job.route)))
  let spec: RouteSpec | undefined
  let route: RouteRow | undefined
  for (let i = 0; i < jobs.length; i++) {
    const job = jobs[i] as NewJob
    if (job.route !== spec || route === undefined) {
      spec = job.route
      route = internRoute(view, spec)
    }
    routes[i] = route
  }
  return routes
}

/** Per position: its edges with ids resolved. Refuses unknown dependencies and cycles. */
function resolveEdges(
  view: Tables,
  jobs: readonly NewJob[],
  ids: readonly number[],
  created: readonly boolean[],
): Map<number, readonly NewEdge[]> | PerdureError {
  const edges = new Map<number, NewEdge[]>()
  if (jobs.every(({ after }) => after === null)) return edges
  const outside: number[] = []
  const inside: number[][] = []
  // By id, since a position whose key belongs to another position of the call stands for that one.
  const positions = new Map<number, number>()
  for (let i = 0; i < jobs.length; i++) if (created[i]) positions.set(ids[i] as number, i)
  for (let i = 0; i < jobs.length; i++) {
    const after = (jobs[i] as NewJob).after
    if (after === null || after.length === 0 || !created[i]) continue
    const byJob = new Map<number, NewEdge>()
    for (const edge of after) {
      const job = edge.index < 0 ? edge.job : (ids[edge.index] as number)
      const index = positions.get(job) ?? -1
      byJob.set(job, { job, index, policy: edge.policy })
      if (index < 0) outside.push(job)
    }
    edges.set(i, [...byJob.values()])
  }
  if (edges.size === 0) return edges
  view.jobs.need(outside)
  for (const job of outside) if (view.jobs.get(job) === undefined) return noSuchJob(job)
  for (let i = 0; i < jobs.length; i++) {
    inside.push((edges.get(i) ?? []).flatMap((edge) => (edge.index >= 0 ? [edge.index] : [])))
  }
  const cycle = findCycle(inside)
  return cycle === undefined ? edges : cycleRefusal(cycle)
}

/** The ids of new jobs that other new jobs depend on. */
function dependedOn(edges: ReadonlyMap<number, readonly NewEdge[]>): ReadonlySet<number> {
  const ids = new Set<number>()
  for (const list of edges.values()) for (const edge of list) if (edge.index >= 0) ids.add(edge.job)
  return ids
}

/** Writes the rows of a call; what is settled from the start ends once all rows are there. */
class Maker {
  readonly #view: Tables
  readonly #now: number
  readonly #dependedOn: ReadonlySet<number>
  readonly #ended: [number, Ending][] = []

  constructor(view: Tables, now: number, dependedOn: ReadonlySet<number>) {
    this.#view = view
    this.#now = now
    this.#dependedOn = dependedOn
  }

  make(
    spec: NewJob,
    id: number,
    route: RouteRow,
    edges: readonly NewEdge[] | undefined,
    shared: Pick<JobRow, 'limits' | 'fairKey'>,
  ): void {
    const view = this.#view
    const row = blankJob(id, route.id, this.#now)
    row.limits = shared.limits
    row.fairKey = shared.fairKey
    row.parent = spec.parent
    row.metadata = spec.metadata === null ? null : JSON.stringify(spec.metadata)
    row.input = spec.largeInput ? null : spec.input
    row.hint = spec.hint
    row.priority = spec.priority
    row.dueAt = spec.dueAt
    row.flags = this.#flagsOf(spec, id, edges)
    if (spec.largeInput) view.append.payload({ job: id, field: 'input', text: spec.input as string })
    if (spec.metadata !== null) this.#index(spec.metadata, id, route.namespace)
    const ending = this.#isReplaced(spec, id) ? REPLACED : this.#endingFromStart(edges)
    row.pending = edges === undefined || ending !== undefined ? 0 : this.#link(id, edges)
    if (ending !== undefined) this.#ended.push([id, ending])
    else if (route.kind === 0 && row.pending === 0) this.#ended.push([id, GROUP_DONE])
    const waits = ending !== undefined || (route.kind === 0 && row.pending === 0)
    view.jobs.put(waits ? row : placeDraft(view, row, route, this.#now))
  }

  settle(): void {
    for (const [id, ending] of this.#ended) {
      const row = this.#view.jobs.get(id) as JobRow
      assert(
        !isTerminal(row.state),
        'what ends from the start waits for nobody, so that nobody ends it before',
      )
      finish(this.#view, row, ending, this.#now)
    }
  }

  #flagsOf(spec: NewJob, id: number, edges: readonly NewEdge[] | undefined): number {
    let flags = 0
    if (spec.largeInput) flags |= LARGE_INPUT
    if (spec.claims !== null && spec.claims.length > 0) flags |= HAS_KEY
    if (edges !== undefined) flags |= HAS_DEPENDENCIES
    if (this.#dependedOn.has(id)) flags |= HAS_DEPENDENTS
    return flags
  }

  #index(metadata: Readonly<Record<string, string>>, job: number, namespace: number): void {
    for (const [name, value] of Object.entries(metadata)) {
      this.#view.append.metadata({ job, namespace, name, value })
    }
  }

  /** Whether a later job of the same call has taken over the key of this one. */
  #isReplaced(spec: NewJob, id: number): boolean {
    return spec.claims !== null && isTerminal((this.#view.jobs.get(id) as JobRow).state)
  }

  /** How the job ends at once because a dependency already ended badly. */
  #endingFromStart(edges: readonly NewEdge[] = []): Ending | undefined {
    for (const edge of edges) {
      if (edge.index >= 0 || edge.policy === EDGE_RUN) continue
      const dependency = this.#view.jobs.get(edge.job) as JobRow
      if (isTerminal(dependency.state) && dependency.state !== SUCCEEDED) {
        return endingBecauseOf(dependency, edge.policy)
      }
    }
    return undefined
  }

  /** Adds the edges that are not settled yet, and counts them. */
  #link(id: number, edges: readonly NewEdge[]): number {
    const { dependents, jobs } = this.#view
    let pending = 0
    for (const edge of edges) {
      if (edge.index < 0) {
        const dependency = jobs.get(edge.job) as JobRow
        if (isTerminal(dependency.state)) continue
        if ((dependency.flags & HAS_DEPENDENTS) === 0) {
          dependents.begin(edge.job)
          jobs.put({ ...dependency, flags: dependency.flags | HAS_DEPENDENTS })
        }
      } else {
        dependents.begin(edge.job)
      }
      dependents.add(edge.job, id, edge.policy)
      pending++
    }
    return pending
  }
}

const GROUP_DONE: Ending = { state: SUCCEEDED, result: null, error: null }

function cycleRefusal(cycle: readonly number[]): PerdureError {
  return perdureError('CYCLE', {
    expected: 'dependencies that can be put in an order',
    found: `positions ${cycle.join(' -> ')} of the call`,
    fix: 'Remove one of these dependencies',
  })
}
