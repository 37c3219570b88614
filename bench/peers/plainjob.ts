/** plainjob on SQLite, with FULL synchronisation like Perdure and the floor. Tuning: see README.md. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Place, System } from '../system.ts'
import { loadPeer } from './load.ts'

interface Queue {
  add(type: string, data: unknown): unknown
  addMany(type: string, data: unknown[], options?: { delay?: number }): unknown
  countJobs(filter: { status: number }): number
  close(): void
}
interface Worker {
  start(): Promise<void>
  stop(): Promise<void>
}
interface Plainjob {
  better(database: Database.Database): unknown
  defineQueue(options: unknown): Queue
  defineWorker(type: string, run: (job: { data: string }) => Promise<void>, options: unknown): Worker
}

const POLL_MS = 1
const PENDING = 0
const PROCESSING = 1
const logger = {
  error: (text: string) => process.stderr.write(`plainjob: ${text}\n`),
  warn() {},
  info() {},
  debug() {},
}

class PlainjobSystem implements System {
  readonly chunk = 1000
  readonly lanes = 1
  readonly #library: Plainjob
  readonly #path: string
  #queue: Queue | undefined
  #worker: Worker | undefined

  constructor(library: Plainjob, path: string) {
    this.#library = library
    this.#path = path
  }

  get #opened(): Queue {
    if (!this.#queue) throw new Error('not open')
    return this.#queue
  }

  async open(): Promise<void> {
    const database = new Database(this.#path)
    this.#queue = this.#library.defineQueue({ connection: this.#library.better(database), logger })
    // plainjob sets NORMAL when it opens, which may lose acknowledged jobs at a power cut.
    database.pragma('synchronous = FULL')
  }

  async work(onStart: (number: number) => void): Promise<void> {
    const run = async (job: { data: string }): Promise<void> => {
      onStart((JSON.parse(job.data) as { number: number }).number)
      // plainjob never yields while it has jobs; without this nothing else in the process would run.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const options = { queue: this.#opened, logger, pollIntervall: POLL_MS }
    this.#worker = this.#library.defineWorker('noop', run, options)
    void this.#worker.start()
  }

  async enqueueMany(first: number, count: number, at?: number): Promise<void> {
    const data = Array.from({ length: count }, (_, index) => ({ number: first + index }))
    this.#opened.addMany('noop', data, at === undefined ? {} : { delay: Math.max(0, at - Date.now()) })
  }

  async enqueueOne(number: number): Promise<void> {
    this.#opened.add('noop', { number })
  }

  async finished(): Promise<boolean> {
    return [PENDING, PROCESSING].every((status) => this.#opened.countJobs({ status }) === 0)
  }

  async close(): Promise<void> {
    await this.#worker?.stop()
    this.#queue?.close()
  }
}

/** plainjob on a fresh file in the directory. */
export async function makePlainjob(place: Place): Promise<System> {
  return new PlainjobSystem(await loadPeer<Plainjob>('plainjob'), join(place.directory, 'plainjob.db'))
}
