/**
 * The life of a worker inside a command: from its first poll to its end, with what is told about it meanwhile.
 *
 * Owns: which settings a worker is made with, and the change of those that are live. Used by `worker`, `run` and `up`.
 */
import { availableParallelism } from 'node:os'
import type { Queues } from '../config/sections/worker.ts'
import type { WorkerAttributes } from '../core/model/requirements.ts'
import { textOf } from '../errors.ts'
import type { Logger } from '../runtime/logger/logger.ts'
import { machineAttributes } from '../worker/attributes.ts'
import type { Worker } from '../worker/worker.ts'
import type { Context } from './context.ts'
import { followSettings } from './follow-settings.ts'
import { LOG_SETTINGS, makeLogger } from './logging.ts'
import type { Output } from './output.ts'
import type { OpenStore } from './store.ts'
import { takeOrders } from './supervised/orders.ts'
import { stopWorker, type Until, untilEnd } from './work.ts'

/** What a worker is made with. */
export interface WorkerNumbers {
  readonly queues: Queues
  readonly concurrency: number
  readonly drainMs: number
  readonly name?: string
  readonly maxResult: number
  readonly maxPendingOutput: number
  readonly supervisor?: number
  /** 0: in this process. */
  readonly processes: number
  readonly memoryMb: number | undefined
  readonly attributes: WorkerAttributes
  readonly logger?: Logger
}

/** The section `worker` of the configuration. */
type WorkerSettings = Awaited<ReturnType<Context['settings']>>['current']['worker']

/** What a command's worker is to do. */
export interface WorkerPlan {
  /** Queues that the command line names; they win over the configuration. */
  readonly queues: readonly string[] | undefined
  /** Where nobody names any. */
  readonly usualQueues: readonly string[]
  readonly until: Until | undefined
  /** What it works on, in a few words. */
  readonly what: string
  /** Makes it; `onError` hears what no job can be blamed for. */
  make(numbers: WorkerNumbers, onError: (error: unknown) => void): Promise<Worker>
}

/** The settings that these commands take as flags. */
export const WORKER_SETTINGS = [
  ...LOG_SETTINGS,
  'worker.concurrency',
  'worker.drain',
  'worker.processes',
  'worker.memory',
  'worker.labels',
  'worker.cpus',
  'worker.ram',
] as const

/** How often the title of the process is brought up to date, ms. */
const TITLE_EVERY_MS = 1_000

/** Works until a signal or an order, or until nothing is left if so wanted. Answers the exit code. */
export async function liveAsWorker(context: Context, store: OpenStore, plan: WorkerPlan): Promise<number> {
  using orders = takeOrders(context.env)
  const { out } = context
  const settings = await context.settings()
  const numbers = numbersOf(plan, settings.current.worker, orders.supervisor)
  const names = Array.isArray(numbers.queues) ? (numbers.queues as string[]) : Object.keys(numbers.queues)
  const base = await makeLogger(context, 'worker')
  // from its first moment on in the name of the worker, so that it reaches the node
  let logger = base
  const onError = (error: unknown): void => logger.error(textOf(error))
  const worker = await plan.make({ ...numbers, logger: base }, onError)
  logger = worker.logger
  await worker.ready
  orders.ready()
  if (out.json) reportAttempts(out, worker)
  const { concurrency } = numbers
  const slots = `${concurrency} ${concurrency === 1 ? 'slot' : 'slots'}`
  const where = numbers.processes === 0 ? '' : ` in ${numbers.processes} processes`
  logger.info(`Working on ${plan.what}${names.join(', ')} with ${slots}${where} (${store.place})`)
  orders.retire.addEventListener('abort', () => void worker.stop({ drainMs: Number.MAX_SAFE_INTEGER }), {
    once: true,
  })
  const stopTitle = keepTitle(worker, names)
  let { drainMs } = numbers
  const stopFollowing = followSettings({
    settings,
    logger,
    onChange: () => {
      const now = numbersOf(plan, settings.current.worker, undefined)
      drainMs = now.drainMs
      worker.configure({ concurrency: now.concurrency, drainMs })
    },
  })
  try {
    await untilEnd(store.client, worker, names, orders, plan.until)
    if (orders.gently.aborted) logger.info('Stopping; a second signal insists', { running: worker.running })
    await stopWorker(worker, orders, drainMs)
    return 0
  } finally {
    stopFollowing()
    stopTitle()
  }
}

function numbersOf(
  plan: WorkerPlan,
  settings: WorkerSettings,
  supervisor: number | undefined,
): WorkerNumbers {
  const { concurrency, drain: drainMs, name, maxResult, maxPendingOutput, processes, memory } = settings
  const queues = plan.queues ?? settings.queues ?? plan.usualQueues
  const sum = Array.isArray(queues)
    ? availableParallelism()
    : Object.values(queues).reduce((all, slots) => all + slots, 0)
  return {
    ...{ queues, concurrency: concurrency ?? sum, drainMs, maxResult, maxPendingOutput, processes },
    attributes: attributesOf(settings),
    memoryMb: memory === undefined ? undefined : Math.ceil(memory / 2 ** 20),
    // a successor and the one that it replaces work at the same time, and names tell workers apart
    ...(name === undefined ? {} : { name: supervisor === undefined ? name : `${name}:${process.pid}` }),
    ...(supervisor === undefined ? {} : { supervisor }),
  }
}

function attributesOf({
  labels,
  hosts,
  cpus,
  ram,
}: Pick<WorkerSettings, 'labels' | 'hosts' | 'cpus' | 'ram'>): WorkerAttributes {
  return machineAttributes({
    ...{ labels, hosts },
    ...(cpus === undefined ? {} : { cpus }),
    ...(ram === undefined ? {} : { memory: ram }),
  })
}

/** One line per attempt, as data for programs. */
function reportAttempts(out: Output, worker: Worker): void {
  worker.on('attempt', ({ job, kind, attempt, outcome, error, durationMs }) => {
    out.data({ job, kind, attempt, outcome, durationMs, error: error ?? null }, '')
  })
}

/** Says in the list of processes what this one does. */
function keepTitle(worker: Worker, queues: readonly string[]): () => void {
  const show = (): void => {
    const state = worker.state === 'draining' ? ', ending' : ''
    process.title = `perdure: ${worker.running} running${state} [${queues.join(' ')}]`
  }
  show()
  const timer = setInterval(show, TITLE_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
