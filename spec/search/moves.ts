/**
 * Moves: everything that can happen to a world next, by name. What the core would refuse is left out, since a
 * refusal changes nothing.
 */
import type { ControlCommand } from '../../src/core/commands/control.ts'
import type { EncodedOutcome } from '../../src/core/commands/report.ts'
import type { JobRow } from '../../src/core/model/job.ts'
import { DUE_LINE } from '../../src/core/model/line.ts'
import {
  CANCELLED,
  FAILED,
  HELD,
  isTerminal,
  READY,
  RUNNING,
  SCHEDULED,
} from '../../src/core/model/states.ts'
import { membersOfLine } from '../world/tables.ts'
import {
  give,
  heartbeat,
  leaseOne,
  newWorld,
  overdueIn,
  reopen,
  tokenOf,
  type World,
  wait,
} from '../world/world.ts'
import {
  MOST_EPOCHS,
  MOST_JOBS,
  MOST_RESTARTS,
  NAMES,
  ROUTE,
  type Scenario,
  type Template,
  UNIT_MS,
} from './scenarios.ts'

/** A world that can follow, and what leads to it. */
export interface Move {
  readonly name: string
  readonly to: World
}

/** Every move from a world. */
export function movesFrom(world: World, scenario: Scenario): Move[] {
  const moves: Move[] = []
  const add = (name: string, to: World): void => {
    if (to !== world) moves.push({ name, to })
  }
  addEnqueues(world, scenario, add)
  if (isAnyReady(world)) {
    add('lease near', leaseOne(world, ROUTE, 'near', true).world)
    add('lease far', leaseOne(world, ROUTE, 'far', false).world)
  }
  for (const job of world.tables.jobs.values()) {
    if (job.state === RUNNING) addReports(world, job, add)
    addControls(world, job, add)
    if (job.expireAt !== 0 && job.expireAt <= world.now) {
      add(`expire ${job.id}`, give(world, { type: 'expire', job: job.id }).world)
    }
  }
  for (const { job, attempt, nonce, cause } of overdueIn(world)) {
    add(`lose ${job}: ${cause}`, give(world, { type: 'lose', job, attempt, nonce, cause, random: 0 }).world)
  }
  if (isAnyDue(world)) add('due', give(world, { type: 'due', most: 1 }).world)
  add('tick', wait(world, UNIT_MS))
  if (world.epoch < MOST_EPOCHS) add('reopen', reopen(world))
  return moves
}

type Add = (name: string, to: World) => void

function addEnqueues(world: World, { templates }: Scenario, add: Add): void {
  if (world.tables.nextJobId > MOST_JOBS) return
  for (const template of templates) add(`enqueue ${template.name}`, enqueue(world, template))
}

/** The same world where there is nothing for the job to depend on. */
function enqueue(world: World, { make }: Template): World {
  const job = make(world.now, [...world.tables.jobs.keys()])
  return job === undefined ? world : give(world, { type: 'enqueue', jobs: [job], request: null }).world
}

/** Where the search of a scenario begins. */
export function firstOf({ first }: Scenario): World {
  return first.reduce(enqueue, newWorld(NAMES))
}

const FAILURE = {
  type: 'failed',
  error: '{"code":"FAILED"}',
  result: null,
  large: false,
  lost: false,
} as const
const OUTCOMES: readonly (readonly [string, EncodedOutcome])[] = [
  ['succeed', { type: 'succeeded', result: null, large: false }],
  ['fail', { ...FAILURE, retry: true, retryAfterMs: undefined }],
  ['fail for good', { ...FAILURE, retry: false, retryAfterMs: undefined }],
  ['stop', { type: 'cancelled', error: '{"code":"CANCELLED"}' }],
  ['snooze itself', { type: 'snoozed', delayMs: UNIT_MS }],
  ['give back', { type: 'released' }],
]

function addReports(world: World, job: JobRow, add: Add): void {
  const token = tokenOf(job)
  for (const [name, outcome] of OUTCOMES) {
    add(`${name} ${job.id}`, give(world, { type: 'report', ...token, outcome, random: 0 }).world)
  }
  if (world.leases.get(job.id)?.renewedAt !== world.now)
    add(`heartbeat ${job.id}`, heartbeat(world, token).world)
}

type Verb =
  | { readonly verb: 'cancel'; readonly error: string }
  | { readonly verb: 'restart' | 'expedite' | 'hold' | 'release' | 'delete' }
  | { readonly verb: 'snooze'; readonly delayMs: number }
  | { readonly verb: 'reprioritize'; readonly priority: number }

function addControls(world: World, job: JobRow, add: Add): void {
  const control = (verb: Verb): void => {
    const command: ControlCommand = { type: 'control', job: job.id, ...verb }
    add(`${verb.verb} ${job.id}`, give(world, command).world)
  }
  const { state } = job
  if (isTerminal(state)) {
    if (state === FAILED || state === CANCELLED) {
      if (job.restarts < MOST_RESTARTS) control({ verb: 'restart' })
    }
    control({ verb: 'delete' })
    return
  }
  control({ verb: 'cancel', error: '{"code":"CANCELLED"}' })
  if (state === RUNNING) return
  if (state === HELD) control({ verb: 'release' })
  else control({ verb: 'hold' })
  if (state === SCHEDULED) control({ verb: 'expedite' })
  if (state !== HELD) control({ verb: 'snooze', delayMs: UNIT_MS })
  control({ verb: 'reprioritize', priority: job.priority === 0 ? -1 : 0 })
}

function isAnyReady({ tables }: World): boolean {
  return tables.jobs.values().some(({ state }) => state === READY)
}

function isAnyDue({ tables, now }: World): boolean {
  const first = membersOfLine(tables.jobs, DUE_LINE)[0]
  return first !== undefined && (tables.jobs.get(first) as JobRow).rank <= now
}
