/** Graphile Worker on PostgreSQL. Tuning: see README.md. */
import type { Goal, Place, System } from '../system.ts'
import { loadPeer } from './load.ts'

interface JobSpec {
  identifier: string
  payload: { number: number }
  runAt?: Date
}
interface Pool {
  query(sql: string): Promise<{ rows: { left: boolean }[] }>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'connect', listener: (client: Pool) => void): unknown
  end(): Promise<void>
}
interface Utilities {
  migrate(): Promise<void>
  addJob(identifier: string, payload: unknown): Promise<unknown>
  addJobs(specs: JobSpec[]): Promise<unknown>
  release(): Promise<void>
}
interface Runner {
  stop(): Promise<void>
}
interface GraphileWorker {
  Logger: new (factory: () => () => void) => unknown
  makeWorkerUtils(options: unknown): Promise<Utilities>
  run(options: unknown): Promise<Runner>
}
interface Pg {
  Pool: new (options: unknown) => Pool
}

const POOL_SIZE = 20

/** The options that make it fast, and those that make it prompt; they exclude each other. */
const TUNING = {
  throughput: {
    concurrentJobs: 200,
    localQueue: { size: 5000 },
    completeJobBatchDelay: 10,
    failJobBatchDelay: 10,
  },
  latency: { concurrentJobs: 10 },
} as const

class GraphileWorkerSystem implements System {
  readonly chunk = 2000
  readonly lanes = 1
  readonly #library: GraphileWorker
  readonly #pool: Pool
  readonly #goal: Goal
  readonly #logger: unknown
  #utilities: Utilities | undefined
  #runner: Runner | undefined

  constructor(library: GraphileWorker, pool: Pool, goal: Goal) {
    this.#library = library
    this.#pool = pool
    this.#goal = goal
    this.#logger = new library.Logger(() => () => undefined)
  }

  get #opened(): Utilities {
    if (!this.#utilities) throw new Error('not open')
    return this.#utilities
  }

  async open(): Promise<void> {
    this.#utilities = await this.#library.makeWorkerUtils({ pgPool: this.#pool, logger: this.#logger })
    await this.#utilities.migrate()
  }

  async work(onStart: (number: number) => void): Promise<void> {
    this.#runner = await this.#library.run({
      pgPool: this.#pool,
      noHandleSignals: true,
      taskList: { noop: (payload: { number: number }) => onStart(payload.number) },
      preset: {
        worker: { ...TUNING[this.#goal], maxPoolSize: POOL_SIZE, pollInterval: 100, logger: this.#logger },
      },
    })
  }

  async enqueueMany(first: number, count: number, at?: number): Promise<void> {
    const due = at === undefined ? {} : { runAt: new Date(at) }
    const specs: JobSpec[] = []
    for (let number = first; number < first + count; number++) {
      specs.push({ identifier: 'noop', payload: { number }, ...due })
    }
    await this.#opened.addJobs(specs)
  }

  async enqueueOne(number: number): Promise<void> {
    await this.#opened.addJob('noop', { number })
  }

  async finished(): Promise<boolean> {
    const { rows } = await this.#pool.query(
      'SELECT EXISTS (SELECT FROM graphile_worker._private_jobs) AS left',
    )
    return rows[0]?.left === false
  }

  async close(): Promise<void> {
    await this.#runner?.stop()
    await this.#utilities?.release()
    await this.#pool.end()
  }
}

/** Graphile Worker in an empty database. */
export async function makeGraphileWorker(place: Place, goal: Goal): Promise<System> {
  if (!place.postgresUrl) throw new Error('graphile-worker needs PostgreSQL')
  const library = await loadPeer<GraphileWorker>('graphile-worker')
  const { Pool } = await loadPeer<Pg>('pg')
  const pool = new Pool({ connectionString: place.postgresUrl, max: POOL_SIZE })
  const report = (error: Error): void => void process.stderr.write(`graphile-worker: ${error.message}\n`)
  pool.on('error', report)
  pool.on('connect', (client) => void client.on('error', report))
  return new GraphileWorkerSystem(library, pool, goal)
}
