/**
 * World: a shard with its owner, as one value: the rows, the time, the owner's epoch, and when each lease was
 * renewed. What is decided about leases is decided by the real lease table, made anew from the value.
 */
import type { Command, Reply } from '../../src/core/apply.ts'
import { type JobRow, LOCAL_LEASE } from '../../src/core/model/job.ts'
import { readyLine } from '../../src/core/model/line.ts'
import type { Profile, Timeouts } from '../../src/core/model/profile.ts'
import { nameId } from '../../src/core/model/rows.ts'
import { RUNNING } from '../../src/core/model/states.ts'
import { internRoute, type RouteSpec } from '../../src/core/policy/route.ts'
import { intern } from '../../src/core/view.ts'
import { Leases, type Overdue } from '../../src/engine/leases.ts'
import { applyTo, changed, NO_TABLES, profileOf, type Tables } from './tables.ts'

/** A shard at one moment. */
export interface World {
  readonly tables: Tables
  /** Shard time, epoch ms. */
  readonly now: number
  readonly epoch: number
  /** When this owner took over. */
  readonly openedAt: number
  /** By job, for those that run. */
  readonly leases: ReadonlyMap<number, LeaseFacts>
  /** Leases granted so far, which makes their tokens differ. */
  readonly granted: number
}

/** What is known of a lease besides its row. */
interface LeaseFacts {
  readonly renewedAt: number
  /** The epoch in which it was granted. */
  readonly epoch: number
}

/** Who says that it runs which attempt. */
export interface Token {
  readonly job: number
  readonly attempt: number
  readonly nonce: string
}

/** What a step led to. */
export interface Stepped {
  readonly world: World
  readonly reply: Reply
}

/** When worlds begin; far from 0, which means "never" in rows. */
export const BEGINNING = 1_000_000

/** Names that jobs of a world use. */
export interface Names {
  readonly routes: readonly RouteSpec[]
  readonly limits: readonly string[]
  readonly workers: readonly string[]
}

/** A shard without jobs. All names are known from the start, so that their ids do not depend on who uses them first. */
export function newWorld({ routes, limits, workers }: Names): World {
  const tables = changed(NO_TABLES, (view) => {
    for (const spec of routes) internRoute(view, spec)
    for (const key of limits) view.limits.put({ id: intern(view, 'limit', key), max: 0 })
    for (const worker of workers) intern(view, 'worker', worker)
  })
  return { tables, now: BEGINNING, epoch: 1, openedAt: BEGINNING, leases: new Map(), granted: 0 }
}

/** Gives a command to the core, and follows the leases that it granted and ended. */
export function give(world: World, command: Command): Stepped {
  const { tables, reply } = applyTo(world.tables, command, world.now)
  if (tables === world.tables) return { world, reply }
  let leases: Map<number, LeaseFacts> | undefined
  for (const job of tables.jobs.values()) {
    const before = world.tables.jobs.get(job.id)
    if (before === job || (before?.nonce ?? null) === job.nonce) continue
    leases ??= new Map(world.leases)
    if (job.nonce === null) leases.delete(job.id)
    else leases.set(job.id, { renewedAt: world.now, epoch: world.epoch })
  }
  return { world: { ...world, tables, leases: leases ?? world.leases }, reply }
}

/** Lets a worker take the next job of a route. */
export function leaseOne(world: World, spec: RouteSpec, worker: string, isLocal: boolean): Stepped {
  const queue = idOf(world, 'queue', spec.queue)
  const kind = idOf(world, 'kind', spec.kind)
  const line = readyLine(idOf(world, 'class', `${queue}:${kind}`))
  const nonce = nonceOf(world.granted + 1)
  const stepped = give(world, {
    type: 'lease',
    lines: [{ line, queue, cpus: 0, memory: 0 }],
    worker,
    local: isLocal,
    slots: 1,
    nonce,
  })
  return {
    ...stepped,
    world: { ...stepped.world, granted: world.granted + (stepped.reply as JobRow[]).length },
  }
}

/** Renews a lease; `reply` says whether it was still the worker's. */
export function heartbeat(world: World, { job, attempt, nonce }: Token): Stepped {
  const isAccepted = leasesOf(world).renew(job, attempt, nonce, world.now)
  if (!isAccepted) return { world, reply: false }
  const lease = { ...(world.leases.get(job) as LeaseFacts), renewedAt: world.now }
  return { world: { ...world, leases: new Map(world.leases).set(job, lease) }, reply: true }
}

/** The attempts that the owner may end by itself: what the lease table finds, and local ones of an owner before. */
export function overdueIn(world: World): readonly Overdue[] {
  const leases = leasesOf(world)
  const orphans = leases.local().filter(({ job }) => (world.leases.get(job)?.epoch ?? 0) < world.epoch)
  return [...orphans, ...leases.overdue(world.now)]
}

/** Another owner takes the shard. */
export function reopen(world: World): World {
  const { now } = world
  const leases = new Map([...world.leases].map(([job, lease]) => [job, { ...lease, renewedAt: now }]))
  return { ...world, epoch: world.epoch + 1, openedAt: now, leases }
}

/** Time passes. */
export function wait(world: World, ms: number): World {
  return { ...world, now: world.now + ms }
}

/** The token of a job's running attempt. */
export function tokenOf({ id, attempt, nonce }: JobRow): Token {
  return { job: id, attempt, nonce: nonce ?? '' }
}

/** The random part of the token of a lease, which is a counter here. */
export function nonceOf(lease: number): string {
  return `n${lease}`
}

/** The id of an interned name; 0 where it was never used. */
export function idOf(world: World, space: Parameters<typeof nameId>[0], text: string): number {
  return world.tables.names.get(nameId(space, text))?.id ?? 0
}

/** The option set of a job. */
export function profileOfJob({ routes, profiles }: Tables, job: JobRow): Profile {
  const route = routes.values().find(({ id }) => id === job.route)
  const text = profiles.values().find(({ id }) => id === route?.profile)?.text
  return profileOf(text ?? '{}')
}

/** The lease table of the owner, as it follows from what happened since it took over. */
function leasesOf({ tables, leases: facts, openedAt }: World): Leases {
  const leases = new Leases()
  const timeoutsOf = (job: JobRow): Timeouts => profileOfJob(tables, job).timeouts
  for (const job of tables.jobs.values()) {
    if (job.state !== RUNNING) continue
    const uncancelled = { ...job, cancelAt: 0 }
    leases.follow(undefined, uncancelled, timeoutsOf, facts.get(job.id)?.renewedAt ?? openedAt)
    if (job.cancelAt !== 0) leases.follow(uncancelled, job, timeoutsOf, Math.max(job.cancelAt, openedAt))
  }
  return leases
}

/** Whether a running attempt ends with its owner. */
export function isLocal(job: JobRow): boolean {
  return (job.flags & LOCAL_LEASE) !== 0
}
