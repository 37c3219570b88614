/**
 * Canonical: what of a world says what can happen next, as a key. Two worlds with one key have the same futures.
 *
 * Times count from now, tags from the queue's turn. Left out is what no command decides by: numbers of attempts,
 * random parts of tokens, which worker it is, histories, texts of errors and results.
 */
import { hash } from 'node:crypto'
import { dueAtOf, HAS_DEPENDENTS, type JobRow } from '../../src/core/model/job.ts'
import { READY, RUNNING, SCHEDULED, WAITING } from '../../src/core/model/states.ts'
import { isLocal, type World } from '../world/world.ts'
import { GRACE_MS, TERM_MS } from './scenarios.ts'

/** The key of a world: 120 bits, so that no two worlds of a search are ever taken for one another. */
export function keyOf(world: World): string {
  return hash('sha1', describe(world), 'base64').slice(0, 20)
}

function describe(world: World): string {
  const { tables, epoch } = world
  const turn = tables.queues.values().next().value?.turn ?? 0
  const parts: (string | number)[] = [epoch, tables.nextJobId]
  for (const { turn: last } of tables.fair.values()) parts.push('f', last - turn)
  for (const { id, max } of tables.limits.values()) parts.push('l', id, max)
  for (const { key, job } of tables.keys.values()) parts.push('k', key, job)
  for (const [name, ranges] of [
    ['h', tables.holders],
    ['d', tables.dependents],
  ] as const) {
    for (const [owner, members] of [...ranges].sort(([a], [b]) => a - b)) {
      if (members.size === 0) continue
      parts.push(name, owner, ...[...members].sort(([a], [b]) => a - b).flat())
    }
  }
  for (const job of tables.jobs.values()) pushJob(parts, world, job, turn)
  return parts.join()
}

function pushJob(parts: (string | number)[], world: World, job: JobRow, turn: number): void {
  const { now } = world
  const { state } = job
  parts.push('j', job.id, job.route, state, job.tries, job.taken, job.pending, job.priority, job.restarts)
  parts.push(
    job.limits ?? '',
    job.flags & HAS_DEPENDENTS,
    Math.min(job.attempt, 1),
    job.startedAt === 0 ? 0 : 1,
  )
  parts.push(Math.max(0, dueAtOf(job) - now), job.expireAt === 0 ? '' : Math.max(0, job.expireAt - now))
  parts.push(job.cancelAt === 0 ? 0 : 1)
  if (state === READY || state === WAITING) parts.push(job.rank, job.turn - turn)
  // which of several that are due stands first is seen in how long they have been
  if (state === SCHEDULED) parts.push(job.rank - now)
  if (state === RUNNING) pushLease(parts, world, job)
}

function pushLease(parts: (string | number)[], world: World, job: JobRow): void {
  const lease = world.leases.get(job.id)
  parts.push(isLocal(job) ? 1 : 0, lease?.epoch === world.epoch ? 1 : 0)
  // how long a lease has run out makes no difference
  if (!isLocal(job)) parts.push(Math.max((lease?.renewedAt ?? 0) - world.now, -TERM_MS))
  if (job.cancelAt !== 0) {
    parts.push(Math.max(Math.max(job.cancelAt, world.openedAt) - world.now, -2 * GRACE_MS))
  }
}
