/** Perdure itself, embedded on SQLite or behind a node, through its public interface only. Tuning: see ../README.md. */
import { join } from 'node:path'
import { type App, draft, type Flow, type JobHandle, job, open, workflow } from '../../src/index.ts'
import { type ServerProcess, startServer } from '../node-process.ts'
import type { Place, ProcessUse } from '../system.ts'
import { type Hooks, STEPS, type WorkflowSystem } from './system.ts'

interface Input {
  number: number
}

const CONCURRENCY = 2000

/** The workflows, telling whatever hooks are set when they run. */
function definitions(hooks: () => Hooks) {
  const child = job('child', { run: async ({ number }: Input) => hooks().childRan(number) })
  const steps = workflow('steps', {
    run: async (flow: Flow, { number }: Input) => {
      for (let step = 0; step < STEPS; step++) {
        await flow.step(`step ${step}`, () => hooks().stepped(number * STEPS + step))
      }
    },
  })
  const wait = workflow('wait', {
    run: async (flow: Flow, { number }: Input) => {
      hooks().waits(number)
      await flow.signal('go')
      hooks().resumed(number)
    },
  })
  const fanOut = workflow('fan-out', {
    run: async (flow: Flow, { number: children }: Input) => {
      const numbers = Array.from({ length: children }, (_, number) => number)
      await flow.all(numbers.map((number) => flow.call(child, { number })))
    },
  })
  const long = workflow('long', {
    run: async (flow: Flow, { number: count }: Input) => {
      for (let step = 0; step < count; step++) await flow.step(`step ${step}`, () => step)
      for (;;) {
        hooks().waits(0)
        await flow.signal('go')
        hooks().resumed(0)
      }
    },
  })
  return { child, steps, wait, fanOut, long }
}

/** Any store that an address leads to. */
class PerdureWorkflows implements WorkflowSystem {
  readonly inFlight = 1000
  #url: string
  #server: ServerProcess | undefined
  readonly #file: string
  readonly #definitions = definitions(() => this.#hooks as Hooks)
  readonly #runs = new Map<number, JobHandle>()
  #hooks: Hooks | undefined
  #app: App | undefined

  constructor(file: string, server?: ServerProcess) {
    this.#file = file
    this.#url = server?.url ?? `sqlite:${file}`
    this.#server = server
  }

  get #opened(): App {
    if (!this.#app) throw new Error('not open')
    return this.#app
  }

  async open(hooks: Hooks): Promise<void> {
    this.#hooks = hooks
    this.#app = await open(this.#url)
    this.#app.work(Object.values(this.#definitions), { concurrency: CONCURRENCY, guards: false })
  }

  async steps(number: number): Promise<void> {
    const run = await this.#opened.enqueue(this.#definitions.steps, { number })
    await run.result()
  }

  async wait(number: number): Promise<void> {
    this.#runs.set(number, await this.#opened.enqueue(this.#definitions.wait, { number }))
  }

  async waitMany(first: number, count: number): Promise<void> {
    const drafts = Array.from({ length: count }, (_, index) =>
      draft(this.#definitions.wait, { number: first + index }),
    )
    const handles = (await this.#opened.enqueueMany(drafts)) as readonly JobHandle[]
    for (const [index, run] of handles.entries()) this.#runs.set(first + index, run)
  }

  async signal(number: number): Promise<void> {
    await this.#runs.get(number)?.signal('go')
  }

  async fanOut(children: number): Promise<void> {
    const run = await this.#opened.enqueue(this.#definitions.fanOut, { number: children })
    await run.result()
  }

  async counts(): Promise<{ live: number; suspended: number }> {
    const found = { live: 0, suspended: 0 }
    for (const { states } of await this.#opened.counts()) {
      found.suspended += states.suspended ?? 0
      const { succeeded = 0, failed = 0, cancelled = 0 } = states
      const all = Object.values(states).reduce((sum, count) => sum + count, 0)
      found.live += all - succeeded - failed - cancelled
    }
    return found
  }

  use(): ProcessUse {
    if (!this.#server) throw new Error('has no process of its own')
    return this.#server.use()
  }

  async long(number: number): Promise<void> {
    this.#runs.set(0, await this.#opened.enqueue(this.#definitions.long, { number }))
  }

  async reopen(): Promise<void> {
    const run = this.#runs.get(0) as JobHandle
    await this.#app?.close()
    await this.open(this.#hooks as Hooks)
    const opened = this.#opened.job(run.id)
    // The thread that reads is started by the first question.
    await opened.status()
    this.#runs.set(0, opened)
  }

  async restart(): Promise<void> {
    await this.close()
    this.#server = await startServer(this.#file)
    this.#url = this.#server.url
    this.#app = await open(this.#url)
  }

  async close(): Promise<void> {
    await this.#app?.close()
    await this.#server?.stop()
  }
}

/** On a file in the directory. */
export function makePerdureWorkflows(place: Place): WorkflowSystem {
  return new PerdureWorkflows(fileIn(place))
}

/** A node on a file in the directory, and a client with a worker in this process. */
export async function makeNodeWorkflows(place: Place): Promise<WorkflowSystem> {
  return new PerdureWorkflows(fileIn(place), await startServer(fileIn(place)))
}

const fileIn = ({ directory }: Place): string => join(directory, 'perdure.db')
