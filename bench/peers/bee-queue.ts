/** bee-queue on Redis. Tuning: see README.md. */
import type { Place, System } from '../system.ts'
import { loadPeer } from './load.ts'

interface Job {
  data: { number: number }
  delayUntil(at: number): Job
  save(): Promise<Job>
}
interface Queue {
  ready(): Promise<unknown>
  createJob(data: { number: number }): Job
  saveAll(jobs: Job[]): Promise<Map<Job, Error>>
  process(concurrency: number, run: (job: Job, done: (error: Error | null) => void) => void): void
  checkHealth(): Promise<{ waiting: number; active: number; delayed: number }>
  on(event: 'error', listener: (error: Error) => void): void
  close(timeoutMs: number): Promise<void>
}
type BeeQueueModule = { default: new (name: string, settings: unknown) => Queue }

const CONCURRENCY = 200

class BeeQueueSystem implements System {
  readonly chunk = 1000
  readonly lanes = 2
  readonly #library: BeeQueueModule
  readonly #port: number
  #queue: Queue | undefined

  constructor(library: BeeQueueModule, port: number) {
    this.#library = library
    this.#port = port
  }

  get #opened(): Queue {
    if (!this.#queue) throw new Error('not open')
    return this.#queue
  }

  async open(): Promise<void> {
    this.#queue = new this.#library.default('bench', {
      redis: { host: '127.0.0.1', port: this.#port },
      getEvents: false,
      sendEvents: false,
      storeJobs: false,
      removeOnSuccess: true,
      removeOnFailure: true,
      activateDelayedJobs: true,
      delayedDebounce: 1,
    })
    this.#queue.on('error', (error) => process.stderr.write(`bee-queue: ${error.message}\n`))
    await this.#queue.ready()
  }

  async work(onStart: (number: number) => void): Promise<void> {
    this.#opened.process(CONCURRENCY, (job, done) => {
      onStart(job.data.number)
      done(null)
    })
  }

  async enqueueMany(first: number, count: number, at?: number): Promise<void> {
    const jobs: Job[] = []
    for (let number = first; number < first + count; number++) {
      const job = this.#opened.createJob({ number })
      jobs.push(at === undefined ? job : job.delayUntil(at))
    }
    const errors = await this.#opened.saveAll(jobs)
    for (const error of errors.values()) throw error
  }

  async enqueueOne(number: number): Promise<void> {
    await this.#opened.createJob({ number }).save()
  }

  async finished(): Promise<boolean> {
    const health = await this.#opened.checkHealth()
    return health.waiting === 0 && health.active === 0 && health.delayed === 0
  }

  async close(): Promise<void> {
    await this.#queue?.close(2000)
  }
}

/** bee-queue on a Redis that syncs each write. */
export async function makeBeeQueue(place: Place): Promise<System> {
  if (!place.redisPort) throw new Error('bee-queue needs Redis')
  return new BeeQueueSystem(await loadPeer<BeeQueueModule>('bee-queue'), place.redisPort)
}
