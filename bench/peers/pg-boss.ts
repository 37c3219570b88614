/** pg-boss on PostgreSQL. Tuning: see README.md. */
import type { Goal, Place, System } from '../system.ts'
import { loadPeer } from './load.ts'

interface Job {
  data: { number: number }
}
interface FlowJob {
  ref: string
  name: string
  data: { number: number }
  dependsOn?: string[]
}
interface Boss {
  on(event: 'error', listener: (error: Error) => void): unknown
  start(): Promise<unknown>
  stop(options: unknown): Promise<void>
  createQueue(name: string, options: unknown): Promise<void>
  send(name: string, data: unknown): Promise<unknown>
  insert(name: string, jobs: { data: unknown; startAfter?: Date }[]): Promise<unknown>
  flow(jobs: FlowJob[]): Promise<unknown>
  work(name: string, options: unknown, run: (jobs: Job[]) => Promise<void>): Promise<unknown>
  getDb(): { executeSql(sql: string): Promise<{ rows: { left: boolean }[] }> }
}
interface PgBossModule {
  PgBoss: new (options: unknown) => Boss
}

const NAME = 'bench'

const TUNING = {
  throughput: { localConcurrency: 4, batchSize: 3000, burstWhenBatchFull: true },
  latency: { localConcurrency: 2, batchSize: 10 },
} as const

class PgBossSystem implements System {
  readonly chunk = 2000
  readonly lanes = 2
  readonly #boss: Boss
  readonly #goal: Goal

  constructor(boss: Boss, goal: Goal) {
    this.#boss = boss
    this.#goal = goal
  }

  async open(): Promise<void> {
    this.#boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`))
    await this.#boss.start()
    await this.#boss.createQueue(NAME, { notify: true, partition: true })
  }

  async work(onStart: (number: number) => void): Promise<void> {
    const options = { ...TUNING[this.#goal], pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5 }
    await this.#boss.work(NAME, options, async (jobs) => {
      for (const job of jobs) onStart(job.data.number)
    })
  }

  async enqueueMany(first: number, count: number, at?: number): Promise<void> {
    const due = at === undefined ? {} : { startAfter: new Date(at) }
    await this.#boss.insert(
      NAME,
      Array.from({ length: count }, (_, index) => ({ data: { number: first + index }, ...due })),
    )
  }

  async enqueueOne(number: number): Promise<void> {
    await this.#boss.send(NAME, { number })
  }

  async graph(children: number): Promise<void> {
    const jobs: FlowJob[] = []
    for (let number = 0; number < children; number++)
      jobs.push({ ref: `${number}`, name: NAME, data: { number } })
    const dependsOn = jobs.map((job) => job.ref)
    jobs.push({ ref: 'join', name: NAME, data: { number: children }, dependsOn })
    await this.#boss.flow(jobs)
  }

  async finished(): Promise<boolean> {
    const { rows } = await this.#boss
      .getDb()
      .executeSql(
        `SELECT EXISTS (SELECT FROM pgboss.job WHERE name = '${NAME}' AND state < 'completed') AS left`,
      )
    return rows[0]?.left === false
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: true, timeout: 2000 })
  }
}

/** pg-boss in an empty database. */
export async function makePgBoss(place: Place, goal: Goal): Promise<System> {
  if (!place.postgresUrl) throw new Error('pg-boss needs PostgreSQL')
  const { PgBoss } = await loadPeer<PgBossModule>('pg-boss')
  const options = { connectionString: place.postgresUrl, max: 10, useListenNotify: true, schedule: false }
  return new PgBossSystem(new PgBoss(options), goal)
}
