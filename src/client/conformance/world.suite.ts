/**
 * World: one client under test, and the few verbs in which its tests speak.
 *
 * All tests of a suite share one store, so each has a queue, a kind and a namespace of its own. After each
 * part the whole store is checked, and after each test where that costs little.
 */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { PerdureError } from '../../errors.ts'
import type { TestSurroundings } from '../../runtime/testdata/test-surroundings.ts'
import type { Client, Lease, WorkerNotice, WorkerSession } from '../client.ts'
import type { JobSpec, JobView } from '../types.ts'

/** A client, the time in which its engine lives, and how to get rid of both. */
export interface Fixture {
  readonly client: Client
  readonly time: TestSurroundings
  dispose(): Promise<void>
}

export type OpenFixture = () => Promise<Fixture>

/**
 * No job has these ids: a command about one changes nothing, and its reply comes behind a read of the store, which
 * comes behind all that was applied before.
 */
let nobody = 2 ** 50
/** Reads that one command may need one after another before it can be applied. */
const ROUNDS = 4

/**
 * Gives the tests of a suite their world; call it inside a `describe`.
 *
 * @param isChecked whether the store is checked after each test: in a database it takes longer than the tests.
 */
export function useWorld(open: OpenFixture, isChecked: boolean): World {
  const world = new World()
  beforeAll(async () => {
    world.begin(await open())
  })
  afterEach(async () => {
    await world.rest()
    if (isChecked) await world.check()
  })
  afterAll(() => world.end())
  return world
}

let count = 0

export class World {
  #fixture: Fixture | undefined
  #session: Promise<WorkerSession> | undefined
  #name = 'none'

  begin(fixture: Fixture): void {
    this.#fixture = fixture
    fixture.time.settle = () => this.settle()
    this.rename()
  }

  async end(): Promise<void> {
    await this.#fixture?.dispose()
  }

  /** Ends the test's part of the world. */
  async rest(): Promise<void> {
    await (await this.#session)?.close()
    this.#session = undefined
    this.rename()
  }

  /** All that the store holds agrees with itself. */
  async check(): Promise<void> {
    expect(await this.client.check()).toEqual([])
  }

  rename(): void {
    this.#name = `t${++count}`
  }

  get client(): Client {
    return (this.#fixture as Fixture).client
  }

  get time(): TestSurroundings {
    return (this.#fixture as Fixture).time
  }

  /** A queue, kind and namespace that no other test has. */
  get name(): string {
    return this.#name
  }

  /** Waits until everything applied so far is durable and told. */
  async settle(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) await this.client.control(++nobody, { verb: 'delete' })
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** A job of this test. */
  spec(spec: JobSpec = {}): JobSpec {
    return { kind: this.#name, queue: this.#name, namespace: this.#name, ...spec }
  }

  async add(spec: JobSpec = {}): Promise<number> {
    const [added] = await this.client.enqueue([this.spec(spec)])
    return (added as { id: number }).id
  }

  async addAll(specs: readonly JobSpec[]): Promise<number[]> {
    const added = await this.client.enqueue(specs.map((spec) => this.spec(spec)))
    return added.map(({ id }) => id)
  }

  /** A worker of another process: its leases run out when it does not renew them. */
  session(): Promise<WorkerSession> {
    this.#session ??= this.openSession(this.#name)
    return this.#session
  }

  openSession(name: string): Promise<WorkerSession> {
    return this.client.openWorker({ name, host: 'elsewhere.example', pid: 1 })
  }

  /** What can be leased now, at most `slots`. Never waits for more. */
  async lease(slots = 1, kinds: readonly string[] = [this.#name]): Promise<Lease[]> {
    const stop = new AbortController()
    const session = await this.session()
    const leases = session.poll({ queues: [this.#name], kinds, slots }, stop.signal)
    await this.settle()
    stop.abort()
    return leases
  }

  /** The next lease, which must be there. */
  async leaseOne(kind = this.#name): Promise<Lease> {
    const [lease] = await this.lease(1, [kind])
    if (lease === undefined) throw new Error('expected a lease, found none')
    return lease
  }

  async succeed(lease: Lease, result?: unknown): Promise<boolean> {
    const [accepted] = await (await this.session()).report([
      { token: lease.token, outcome: { type: 'succeeded', result } },
    ])
    return accepted as boolean
  }

  async fail(lease: Lease, more: { retry?: boolean; retryAfterMs?: number } = {}): Promise<boolean> {
    const error = { code: 'HANDLER_FAILED', message: 'it broke' }
    const [accepted] = await (await this.session()).report([
      { token: lease.token, outcome: { type: 'failed', error, ...more } },
    ])
    return accepted as boolean
  }

  async giveBack(lease: Lease, delayMs?: number): Promise<boolean> {
    const outcome =
      delayMs === undefined ? { type: 'released' as const } : { type: 'snoozed' as const, delayMs }
    const [accepted] = await (await this.session()).report([{ token: lease.token, outcome }])
    return accepted as boolean
  }

  /** Leases and finishes jobs until none is left; answers the order in which they came. */
  async runAll(kinds?: readonly string[]): Promise<number[]> {
    const order: number[] = []
    for (
      let leases = await this.lease(1_000, kinds);
      leases.length > 0;
      leases = await this.lease(1_000, kinds)
    ) {
      order.push(...leases.map(({ job }) => job))
      const reports = leases.map(({ token }) => ({ token, outcome: { type: 'succeeded' as const } }))
      await (await this.session()).report(reports)
    }
    return order
  }

  async state(id: number): Promise<JobView['state']> {
    return (await this.client.get(id)).state
  }

  async states(ids: readonly number[]): Promise<string[]> {
    return Promise.all(ids.map((id) => this.state(id)))
  }

  /** The notices of this test's session from now on. */
  async notices(): Promise<WorkerNotice[]> {
    const notices: WorkerNotice[] = []
    ;(await this.session()).onNotice((notice) => notices.push(notice))
    return notices
  }
}

/** The error that a call is refused with. */
export async function refusal(call: () => unknown): Promise<PerdureError> {
  try {
    await call()
  } catch (error) {
    if (error instanceof PerdureError) return error
    throw new Error(`expected a PerdureError, found ${String(error)}`, { cause: error })
  }
  throw new Error('expected a refusal, found none')
}

/** The code that a call is refused with. */
export async function codeOf(call: () => unknown): Promise<string> {
  return (await refusal(call)).code
}
