/**
 * The options of a worker: their meaning, defaults and checks.
 */
import { hostname } from 'node:os'
import type { Client, WorkerInfo } from '../client/client.ts'
import { readAttributes } from '../client/requirements.ts'
import type { WorkerAttributes } from '../core/model/requirements.ts'
import { MOST_VALUE } from '../core/policy/sizes.ts'
import type { Executor } from '../executors/executor.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger/logger.ts'
import { systemTimers, type Timers } from '../runtime/timers.ts'
import { checkKnown, invalidOption, nonEmptyText, wholeNumber } from '../std/options.ts'
import { machineAttributes } from './attributes.ts'
import { SlotGroup, Slots } from './slots.ts'

/** What a worker is made with. */
export interface WorkerOptions {
  readonly client: Pick<Client, 'openWorker'>
  /** The executor of each kind. Jobs of other kinds are left for other workers. The worker closes them when it stops. */
  readonly executors: Readonly<Record<string, Executor>> | ReadonlyMap<string, Executor>
  /** Queues to work on, sharing all slots; or each with its own number of slots. Default: `['default']`. */
  readonly queues?: readonly string[] | Readonly<Record<string, number>>
  /** Most attempts at once, over all queues. Default: 10, or the sum of the slots that `queues` gives. */
  readonly concurrency?: number
  /** Shown to operators, unique among live workers. Default: `host:pid:n`. */
  readonly name?: string
  /** How long a stop waits for running attempts before it asks them to end, ms. Default 25,000. */
  readonly drainMs?: number
  /** Longer results make their attempt fail with TOO_LARGE; characters of JSON. Default 4 Mi, which is what an engine takes. */
  readonly maxResult?: number
  /** Characters of output, over all attempts, that may wait to be stored. Default 8 Mi. */
  readonly maxPendingOutput?: number
  /** The process to send SIGHUP to for new code, told to operators. Default: there is none. */
  readonly supervisor?: number
  /** What it says of itself, for jobs with requirements. Default: what this machine tells, without labels. */
  readonly attributes?: WorkerAttributes
  /** Says what happens to the worker, here and to those who follow it at the node. Default: nobody does. */
  readonly logger?: Logger
  readonly clock?: Clock
  readonly timers?: Timers
}

/** Options as the worker uses them. */
export interface WorkerSettings {
  readonly client: Pick<Client, 'openWorker'>
  readonly executors: ReadonlyMap<string, Executor>
  readonly slots: Slots
  readonly info: WorkerInfo
  readonly drainMs: number
  readonly maxResult: number
  readonly maxPendingOutput: number
  readonly supervisor: number | undefined
  readonly attributes: WorkerAttributes
  readonly logger: Logger | undefined
  readonly clock: Clock
  readonly timers: Timers
}

const KNOWN = [
  'client',
  'executors',
  'queues',
  'concurrency',
  'name',
  'drainMs',
  'maxResult',
  'maxPendingOutput',
  'supervisor',
  'attributes',
  'logger',
  'clock',
  'timers',
]
const MEBI = 1_048_576
/** Attempts at once, where nobody says how many. */
export const DEFAULT_SLOTS = 10
/** Most attempts of one worker at once. */
export const MOST_SLOTS = 100_000
/** Fits, with the grace of an attempt, into the half minute that most platforms give a process to end. */
const DEFAULT_DRAIN_MS = 25_000

let made = 0

/** Checks options and fills in defaults; throws INVALID_OPTION. */
export function readWorkerOptions(options: WorkerOptions): WorkerSettings {
  checkKnown('createWorker', options, KNOWN)
  if (typeof options.client?.openWorker !== 'function') {
    throw invalidOption(
      'client',
      'a client',
      options.client,
      'Hand in what openEmbedded or connectSocket gave',
    )
  }
  return {
    client: options.client,
    executors: readExecutors(options.executors),
    slots: readSlots(options.queues ?? ['default'], options.concurrency),
    info: { name: readName(options.name), host: hostname(), pid: process.pid },
    drainMs: wholeNumber('drainMs', options.drainMs ?? DEFAULT_DRAIN_MS, 0, Number.MAX_SAFE_INTEGER),
    maxResult: wholeNumber('maxResult', options.maxResult ?? MOST_VALUE, 1, MOST_VALUE),
    maxPendingOutput: wholeNumber('maxPendingOutput', options.maxPendingOutput ?? 8 * MEBI, 1, 256 * MEBI),
    supervisor: options.supervisor,
    attributes: options.attributes === undefined ? machineAttributes() : readAttributes(options.attributes),
    logger: options.logger,
    clock: options.clock ?? systemClock,
    timers: options.timers ?? systemTimers,
  }
}

function readName(name: string | undefined): string {
  return nonEmptyText('name', name ?? `${hostname()}:${process.pid}:${++made}`)
}

function readExecutors(executors: WorkerOptions['executors']): ReadonlyMap<string, Executor> {
  if (typeof executors !== 'object' || executors === null) {
    throw invalidOption('executors', 'an object or a Map from kind to executor', executors)
  }
  const map = executors instanceof Map ? executors : new Map(Object.entries(executors))
  if (map.size === 0)
    throw invalidOption('executors', 'at least one kind', 'none', 'Name what the worker can run')
  for (const [kind, executor] of map) {
    nonEmptyText('a kind of executors', kind)
    if (typeof executor?.run !== 'function') throw invalidOption(`executors.${kind}`, 'an executor', executor)
  }
  return map
}

function readSlots(queues: NonNullable<WorkerOptions['queues']>, concurrency: number | undefined): Slots {
  if (concurrency !== undefined) wholeNumber('concurrency', concurrency, 1, MOST_SLOTS)
  if (Array.isArray(queues)) {
    if (queues.length === 0) throw invalidOption('queues', 'at least one queue', queues)
    for (const queue of queues) nonEmptyText('a name of queues', queue)
    const total = concurrency ?? DEFAULT_SLOTS
    return new Slots(shared([...new Set(queues as string[])], total), total)
  }
  if (typeof queues !== 'object' || queues === null) {
    throw invalidOption('queues', 'an array of names, or an object from name to slots', queues)
  }
  const groups = Object.entries(queues as Record<string, number>).map(
    ([queue, slots]) =>
      new SlotGroup(
        [nonEmptyText('a name of queues', queue)],
        wholeNumber(`queues.${queue}`, slots, 1, MOST_SLOTS),
      ),
  )
  if (groups.length === 0) throw invalidOption('queues', 'at least one queue', 'none')
  const sum = groups.reduce((total, { limit }) => total + limit, 0)
  return new Slots(groups, Math.min(concurrency ?? sum, sum))
}

/** Slots from which on they are asked for in two halves: while one half is being leased, the other runs. */
const HALVED_FROM = 256

function shared(queues: readonly string[], total: number): SlotGroup[] {
  if (total < HALVED_FROM) return [new SlotGroup(queues, total)]
  const half = Math.floor(total / 2)
  return [new SlotGroup(queues, half), new SlotGroup(queues, total - half)]
}
