/**
 * The app of a test: the real engine, workers and client over a store in memory, in which time passes by itself while the
 * test waits for a job, and not otherwise.
 */
import type { EnqueueArguments } from '../app/drafts.ts'
import type { WorkOptions } from '../app/work.ts'
import { App } from '../app.ts'
import type { Client } from '../client/client.ts'
import type { JobDefinition } from '../client/definition.ts'
import { createEmbeddedClient } from '../client/embedded/client.ts'
import type { EnqueueOptions } from '../client/enqueue.ts'
import type { JobEnd } from '../client/types.ts'
import { Engine } from '../engine/engine.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { checkKnown, invalidOption } from '../std/options.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import type { Store } from '../store/store.ts'
import type { Worker } from '../worker/worker.ts'
import { Activity } from './activity.ts'
import { Driver } from './driver.ts'
import { stuckError } from './stuck.ts'
import { BEGINNING, VirtualTime } from './virtual-time.ts'

/** The options of {@link openTest}. */
export interface TestOptions {
  /** What the clock shows at first. Default: a moment in January 2027, the same in every run. */
  readonly now?: Date | number
  /**
   * How long a handler or a step may take, in real time, before time passes in spite of it: so a step that never ends runs
   * into its time limit. Default 1 s.
   */
  readonly patience?: Duration
  /** Attempts at once. Default: as of `app.work`. */
  readonly concurrency?: number
}

/** Parts of a test app, for those who bring a store of their own. */
interface Parts {
  readonly store: Store
  readonly now: number
  readonly patienceMs: number
  /** Counts the calls of steps. */
  readonly calls?: Map<string, number>
}

export class TestApp extends App {
  readonly #time: VirtualTime
  readonly #activity: Activity
  readonly #driver: Driver

  /** @internal Made by {@link openTest}. */
  constructor(client: Client, time: VirtualTime, activity: Activity, driver: Driver) {
    super(client, { surroundings: time })
    this.#time = time
    this.#activity = activity
    this.#driver = driver
  }

  /** The time that jobs and workflows see, epoch ms. */
  now(): number {
    return this.#time.now()
  }

  /** As of any app. Time stands still while the code of these definitions runs. */
  override work(definitions: readonly JobDefinition[], options: WorkOptions = {}): Worker {
    const { executors = {} } = options
    const watched = Object.entries(executors).map(([kind, executor]) => {
      return [kind, this.#activity.watchExecutor(executor)] as const
    })
    return super.work(
      definitions.map((definition) => this.#activity.watch(definition)),
      watched.length === 0 ? options : { ...options, executors: Object.fromEntries(watched) },
    )
  }

  /**
   * Enqueues a job or a workflow and gives its result.
   *
   * @throws as `enqueue`, as `result` of its handle, and STUCK where it would never end.
   */
  async run<Input, Output>(
    definition: JobDefinition<Input, Output>,
    ...rest: EnqueueArguments<Input, EnqueueOptions>
  ): Promise<Output> {
    return (await this.enqueue(definition, ...rest)).result()
  }

  /** Lets everything happen that can happen without time passing. */
  settle(): Promise<void> {
    return this.#driver.settle()
  }

  /** Lets time pass, with everything that happens in it. */
  advance(duration: Duration): Promise<void> {
    return this.#driver.advance(parseDuration(duration, 'advance'))
  }

  /** As of any app; what still runs is asked to stop, and its grace is a matter of the virtual clock. */
  override close(): Promise<void> {
    const closed = super.close()
    let isClosed = false
    void closed.then(
      () => {
        isClosed = true
      },
      () => {
        isClosed = true
      },
    )
    return this.#driver.drain(() => isClosed).then(() => closed)
  }
}

/**
 * Opens an engine in memory for a test, with a worker for the given definitions. Whatever the test waits for
 * (`run.result()`, `run.wait()`, `app.run(...)`), time passes until it is there: sleeps, back-offs and time limits take none
 * of the test's own. A wait that could never end rejects with STUCK, which names what is missing.
 *
 * @param definitions of jobs and workflows, and stubs.
 * @throws INVALID_OPTION.
 */
export async function openTest(
  definitions: readonly JobDefinition[] = [],
  options: TestOptions = {},
): Promise<TestApp> {
  checkKnown('openTest', options, ['now', 'patience', 'concurrency'])
  const { now = BEGINNING, patience = '1s', concurrency } = options
  const beginning = now instanceof Date ? now.getTime() : now
  // 0 stands for no moment at all
  if (!(Number.isSafeInteger(beginning) && beginning > 0))
    throw invalidOption('openTest now', 'a Date, or epoch ms, after 1970', now)
  const patienceMs = parseDuration(patience, 'openTest patience')
  const app = await openParts({ store: createMemoryStore(), now: beginning, patienceMs })
  if (definitions.length > 0) app.work(definitions, concurrency === undefined ? {} : { concurrency })
  return app
}

/** A test app over a store of its own. */
export async function openParts({ store, now, patienceMs, calls }: Parts): Promise<TestApp> {
  const time = new VirtualTime(now)
  const activity = new Activity(calls)
  const engine = await Engine.open(store, time, { retentionEveryMs: 0 })
  const driver = new Driver(engine, time, activity, patienceMs)
  return new TestApp(drivenClient(createEmbeddedClient(engine), driver, activity), time, activity, driver)
}

/** The same client, whose waits let time pass, and whose calls count as something that happens. */
function drivenClient(client: Client, driver: Driver, activity: Activity): Client {
  const wait: Client['wait'] = async (id, signal) => {
    let isOver = false
    const ended = client.wait(id, signal).finally(() => {
      isOver = true
    })
    const stuck = driver
      .until(() => isOver)
      .then(async (isEnded): Promise<JobEnd> => {
        if (isEnded) return ended
        throw await stuckError(client, id, activity.names)
      })
    return Promise.race([ended, stuck])
  }
  const counted = new Set<PropertyKey>(['enqueue', 'import', 'get', 'list', 'counts', 'control', 'check'])
  return new Proxy(client, {
    get: (target, name) => {
      if (name === 'wait') return wait
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (!counted.has(name)) return value.bind(target)
      return (...args: unknown[]) =>
        activity.during(`${String(name)} of the test`, () => value.apply(target, args))
    },
  })
}
