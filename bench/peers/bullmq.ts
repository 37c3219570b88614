/** BullMQ on Redis, through its default driver (ioredis). Tuning: see README.md. */
import type { Goal, Place, System } from '../system.ts'
import { loadPeer } from './load.ts'

interface Connection {
  host: string
  port: number
}
interface BulkJob {
  name: string
  data: { number: number }
  opts?: { delay?: number; removeOnComplete?: boolean }
}
interface FlowJob extends BulkJob {
  queueName: string
  children?: FlowJob[]
}
interface Queue {
  waitUntilReady(): Promise<unknown>
  add(name: string, data: unknown): Promise<unknown>
  addBulk(jobs: BulkJob[]): Promise<unknown>
  getJobCounts(...states: string[]): Promise<Record<string, number>>
  close(): Promise<void>
}
interface Closable {
  waitUntilReady(): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  close(force?: boolean): Promise<void>
}
interface BullMq {
  Queue: new (name: string, options: unknown) => Queue
  Worker: new (
    name: string,
    run: (job: { data: { number: number } }) => Promise<void>,
    options: unknown,
  ) => Closable
  FlowProducer: new (options: unknown) => { add(job: FlowJob): Promise<unknown>; close(): Promise<void> }
}

const NAME = 'bench'
const UNFINISHED = ['wait', 'active', 'delayed', 'prioritized', 'waiting-children']

class BullMqSystem implements System {
  readonly chunk = 1000
  readonly lanes = 2
  readonly #library: BullMq
  readonly #connection: Connection
  readonly #goal: Goal
  #queue: Queue | undefined
  #worker: Closable | undefined

  constructor(library: BullMq, port: number, goal: Goal) {
    this.#library = library
    this.#connection = { host: '127.0.0.1', port }
    this.#goal = goal
  }

  get #opened(): Queue {
    if (!this.#queue) throw new Error('not open')
    return this.#queue
  }

  async open(): Promise<void> {
    const defaultJobOptions = { removeOnComplete: true, removeOnFail: true }
    this.#queue = new this.#library.Queue(NAME, { connection: this.#connection, defaultJobOptions })
    await this.#queue.waitUntilReady()
  }

  async work(onStart: (number: number) => void): Promise<void> {
    const run = async (job: { data: { number: number } }): Promise<void> => onStart(job.data.number)
    this.#worker = new this.#library.Worker(NAME, run, {
      connection: this.#connection,
      concurrency: this.#goal === 'throughput' ? 100 : 20,
      removeOnComplete: { count: 0 },
    })
    this.#worker.on('error', (error) => process.stderr.write(`bullmq: ${error.message}\n`))
    await this.#worker.waitUntilReady()
  }

  async enqueueMany(first: number, count: number, at?: number): Promise<void> {
    const delay = at === undefined ? {} : { opts: { delay: Math.max(0, at - Date.now()) } }
    const jobs: BulkJob[] = []
    for (let number = first; number < first + count; number++)
      jobs.push({ name: 'noop', data: { number }, ...delay })
    await this.#opened.addBulk(jobs)
  }

  async enqueueOne(number: number): Promise<void> {
    await this.#opened.add('noop', { number })
  }

  async graph(children: number): Promise<void> {
    const flow = new this.#library.FlowProducer({ connection: this.#connection })
    const job = (number: number): FlowJob => ({
      name: 'noop',
      queueName: NAME,
      data: { number },
      opts: { removeOnComplete: true },
    })
    const kids = Array.from({ length: children }, (_, number) => job(number))
    await flow.add({ ...job(children), children: kids })
    await flow.close()
  }

  async finished(): Promise<boolean> {
    const counts = await this.#opened.getJobCounts(...UNFINISHED)
    return Object.values(counts).every((count) => count === 0)
  }

  async close(): Promise<void> {
    await this.#worker?.close()
    await this.#queue?.close()
  }
}

async function make(port: number | undefined, goal: Goal): Promise<System> {
  if (!port) throw new Error('bullmq needs Redis')
  return new BullMqSystem(await loadPeer<BullMq>('bullmq'), port, goal)
}

/** BullMQ on a Redis that syncs each write. */
export const makeBullMq = (place: Place, goal: Goal): Promise<System> => make(place.redisPort, goal)

/** BullMQ on a Redis without persistence: not durable, but what many run, and the bar for single enqueues. */
export const makeVolatileBullMq = (place: Place, goal: Goal): Promise<System> =>
  make(place.volatileRedisPort, goal)
