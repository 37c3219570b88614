/**
 * Jobs, in two languages: each command of models/jobs.qnt as a step of the real core, and the rows of the real core as
 * a state of the model.
 *
 * One unit of the model's time is {@link UNIT_MS} of shard time; jobs and limits go by their numbers.
 */
import type { ControlCommand } from '../../src/core/commands/control.ts'
import type { EncodedOutcome } from '../../src/core/commands/report.ts'
import { dueAtOf, type JobRow, limitsOf } from '../../src/core/model/job.ts'
import { DEFAULT_PROFILE, type Profile } from '../../src/core/model/profile.ts'
import { fairId } from '../../src/core/model/rows.ts'
import { RUNNING, stateName } from '../../src/core/model/states.ts'
import { UNIT, type Variant } from '../quint/values.ts'
import {
  BEGINNING,
  give,
  heartbeat,
  idOf,
  isLocal,
  leaseOne,
  newWorld,
  nonceOf,
  overdueIn,
  reopen,
  type World,
  wait,
} from '../world/world.ts'

/** The constants of the module jobs_sound. */
export const JOBS = [1, 2, 3] as const
const LIMITS = ['a', 'b'] as const
const TRIES = 2
const TERM = 2
const UNIT_MS = 1_000

/** A token, as the model has it. */
export interface ModelToken {
  readonly job: number
  readonly attempt: number
  readonly nonce: number
}

/** How an attempt ends, as the model has it. */
export type ModelOutcome =
  | Variant<'Succeed' | 'Stop' | 'GiveBack', typeof UNIT>
  | Variant<'Fail' | 'Snooze', number>

/** A command of the model. */
export type ModelCommand =
  | Variant<'Start' | 'Due' | 'Tick' | 'Reopen', typeof UNIT>
  | Variant<'Enqueue', { readonly wants: readonly number[]; readonly max: number; readonly delay: number }>
  | Variant<'Lease', { readonly isLocal: boolean }>
  | Variant<'Heartbeat' | 'Expire', ModelToken>
  | Variant<'Report', { readonly token: ModelToken; readonly outcome: ModelOutcome }>
  | Variant<'Cancel' | 'Restart' | 'Expedite' | 'Hold' | 'Release', number>

const PROFILE: Profile = {
  ...DEFAULT_PROFILE,
  retry: { attempts: TRIES, minMs: UNIT_MS, maxMs: UNIT_MS, factor: 1, jitter: 0, on: 'any' },
  // the model knows no grace: a cancelled attempt is waited for as long as it is heard of
  timeouts: { ...DEFAULT_PROFILE.timeouts, heartbeatMs: TERM * UNIT_MS, graceMs: 1e12 },
}
const ROUTE = { namespace: 'space', queue: 'queue', kind: 'kind', profile: JSON.stringify(PROFILE) }

/** The real shard that the model's first state stands for. */
export function firstWorld(): World {
  return newWorld({ routes: [ROUTE], limits: LIMITS, workers: ['near', 'far'] })
}

/** Thrown when the real owner would not have done what the model did. */
export class NotAllowed extends Error {}

/** Gives a command of the model to the real core. */
export function execute(world: World, command: ModelCommand): World {
  switch (command.tag) {
    case 'Start':
      return world
    case 'Enqueue':
      return enqueue(world, command.value)
    case 'Lease': {
      const worker = command.value.isLocal ? 'near' : 'far'
      return leaseOne(world, ROUTE, worker, command.value.isLocal).world
    }
    case 'Heartbeat':
      return heartbeat(world, realToken(command.value)).world
    case 'Report': {
      const { token, outcome } = command.value
      const report = { ...realToken(token), outcome: realOutcome(outcome), random: 0 }
      return give(world, { type: 'report', ...report }).world
    }
    case 'Expire':
      return expire(world, command.value)
    case 'Due':
      return give(world, { type: 'due', most: 1 }).world
    case 'Tick':
      return wait(world, UNIT_MS)
    case 'Reopen':
      return reopen(world)
    default:
      return give(world, controlOf(command.tag, command.value)).world
  }
}

function enqueue(world: World, { wants, max, delay }: (ModelCommand & { tag: 'Enqueue' })['value']): World {
  const limits = wants.map((limit) => ({ key: LIMITS[limit - 1] as string, max }))
  const job = {
    route: ROUTE,
    priority: 0,
    dueAt: delay === 0 ? 0 : world.now + delay * UNIT_MS,
    parent: 0,
    fairKey: null,
    limits: limits.length === 0 ? null : limits,
    claims: null,
    after: null,
    metadata: null,
    input: null,
    largeInput: false,
    hint: null,
  }
  return give(world, { type: 'enqueue', jobs: [job], request: null }).world
}

function expire(world: World, token: ModelToken): World {
  const { job, attempt, nonce } = realToken(token)
  const overdue = overdueIn(world).find((lease) => lease.job === job && lease.nonce === nonce)
  if (overdue === undefined) throw new NotAllowed(`the lease of job ${job} has not run out`)
  return give(world, { type: 'lose', job, attempt, nonce, cause: overdue.cause, random: 0 }).world
}

const VERBS = { Restart: 'restart', Expedite: 'expedite', Hold: 'hold', Release: 'release' } as const

function controlOf(tag: keyof typeof VERBS | 'Cancel', job: number): ControlCommand {
  if (tag === 'Cancel') return { type: 'control', verb: 'cancel', job, error: '{"code":"CANCELLED"}' }
  return { type: 'control', verb: VERBS[tag], job }
}

function realToken({ job, attempt, nonce }: ModelToken) {
  return { job, attempt, nonce: nonceOf(nonce) }
}

function realOutcome(outcome: ModelOutcome): EncodedOutcome {
  switch (outcome.tag) {
    case 'Succeed':
      return { type: 'succeeded', result: null, large: false }
    case 'Stop':
      return { type: 'cancelled', error: null }
    case 'GiveBack':
      return { type: 'released' }
    case 'Snooze':
      return { type: 'snoozed', delayMs: outcome.value * UNIT_MS }
    case 'Fail': {
      const failure = { error: '{"code":"FAILED"}', result: null, large: false, retry: true, lost: false }
      return { type: 'failed', ...failure, retryAfterMs: outcome.value * UNIT_MS }
    }
  }
}

const ABSENT = {
  state: { tag: 'Absent', value: UNIT },
  attempt: 0,
  tries: 0,
  restarts: 0,
  wants: [],
  taken: 0,
  turn: 0,
  dueAt: 0,
  isCancelled: false,
  nonce: 0,
  isLocal: false,
  renewedAt: 0,
  epoch: 0,
}

/** The state of the model that a real shard stands for. */
export function shardOf(world: World) {
  const { tables, now, epoch, granted } = world
  const limitIds = LIMITS.map((key) => idOf(world, 'limit', key))
  const queue = idOf(world, 'queue', ROUTE.queue)
  const turn = tables.queues.get(queue)?.turn ?? 0
  const lastTag = tables.fair.get(fairId(queue, idOf(world, 'namespace', ROUTE.namespace)))?.turn ?? 0
  const jobs = JOBS.map((id) => {
    const row = tables.jobs.get(id)
    return [id, row === undefined ? ABSENT : jobOf(world, row, limitIds)] as const
  })
  return {
    jobs: new Map(jobs),
    holders: new Map(limitIds.map((id, i) => [i + 1, new Set(tables.holders.get(id)?.keys())])),
    max: new Map(limitIds.map((id, i) => [i + 1, tables.limits.get(id)?.max ?? 0])),
    now: timeOf(now),
    epoch,
    turn,
    // a tag that the queue has passed is forgotten
    lastTurn: Math.max(turn, lastTag),
    nonces: granted,
  }
}

function jobOf(world: World, row: JobRow, limitIds: readonly number[]) {
  const name = stateName(row.state)
  const lease = world.leases.get(row.id)
  return {
    state: { tag: name.charAt(0).toUpperCase() + name.slice(1), value: UNIT },
    attempt: row.attempt,
    tries: row.tries,
    restarts: row.restarts,
    wants: limitsOf(row).map((id) => limitIds.indexOf(id) + 1),
    taken: row.taken,
    turn: row.turn,
    dueAt: timeOf(dueAtOf(row)),
    isCancelled: row.cancelAt !== 0,
    nonce: row.nonce === null ? 0 : Number(row.nonce.slice(1)),
    isLocal: row.state === RUNNING && isLocal(row),
    renewedAt: lease === undefined ? 0 : timeOf(lease.renewedAt),
    epoch: lease?.epoch ?? 0,
  }
}

function timeOf(at: number): number {
  return (at - BEGINNING) / UNIT_MS
}
