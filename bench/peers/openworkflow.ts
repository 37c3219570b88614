/** OpenWorkflow on PostgreSQL: its workers ask the database for work. */
import type { Goal, Place } from '../system.ts'
import { type Hooks, STEPS, type WorkflowSystem } from '../workflows/system.ts'
import { loadPeer } from './load.ts'

interface Input {
  number: number
}
interface Spec {
  readonly name: string
}
interface Flow {
  run(options: { name: string }, step: () => void): Promise<void>
  waitForSignal(options: { signal: string }): Promise<unknown>
  runWorkflow(spec: Spec, input: Input, options: { name: string }): Promise<void>
}
interface OpenWorkflow {
  implementWorkflow(spec: Spec, code: (context: { input: Input; step: Flow }) => Promise<void>): void
  newWorker(options: { concurrency: number }): { start(): Promise<void> }
  runWorkflow(spec: Spec, input: Input): Promise<{ result(): Promise<void> }>
  sendSignal(options: { signal: string }): Promise<{ workflowRunIds: string[] }>
}
interface Backend {
  stop(): Promise<void>
}
interface Library {
  OpenWorkflow: new (options: { backend: Backend }) => OpenWorkflow
  defineWorkflowSpec(spec: Spec): Spec
}
interface PostgresLibrary {
  BackendPostgres: { connect(url: string): Promise<Backend> }
}

const NAMES = ['child', 'steps', 'wait', 'fan-out'] as const
type Specs = Readonly<Record<(typeof NAMES)[number], Spec>>

function implement(open: OpenWorkflow, specs: Specs, hooks: Hooks): void {
  open.implementWorkflow(specs.child, async ({ input: { number } }) => hooks.childRan(number))
  open.implementWorkflow(specs.steps, async ({ input: { number }, step: flow }) => {
    for (let step = 0; step < STEPS; step++) {
      await flow.run({ name: `step ${step}` }, () => hooks.stepped(number * STEPS + step))
    }
  })
  open.implementWorkflow(specs.wait, async ({ input: { number }, step: flow }) => {
    hooks.waits(number)
    await flow.waitForSignal({ signal: `go-${number}` })
    hooks.resumed(number)
  })
  open.implementWorkflow(specs['fan-out'], async ({ input, step: flow }) => {
    const numbers = Array.from({ length: input.number }, (_, number) => number)
    await Promise.all(
      numbers.map((number) => flow.runWorkflow(specs.child, { number }, { name: `child ${number}` })),
    )
  })
}

class OpenWorkflowSystem implements WorkflowSystem {
  readonly inFlight = 400
  readonly #url: string
  readonly #goal: Goal
  #backend: Backend | undefined
  #open: OpenWorkflow | undefined
  #specs: Specs | undefined

  constructor(url: string, goal: Goal) {
    this.#url = url
    this.#goal = goal
  }

  get #opened(): OpenWorkflow {
    if (!this.#open) throw new Error('not open')
    return this.#open
  }

  get #known(): Specs {
    if (!this.#specs) throw new Error('not open')
    return this.#specs
  }

  async open(hooks: Hooks): Promise<void> {
    const { OpenWorkflow, defineWorkflowSpec } = await loadPeer<Library>('openworkflow')
    const { BackendPostgres } = await loadPeer<PostgresLibrary>('openworkflow/postgres')
    this.#backend = await BackendPostgres.connect(this.#url)
    this.#open = new OpenWorkflow({ backend: this.#backend })
    const specs = NAMES.map((name) => [name, defineWorkflowSpec({ name })] as const)
    this.#specs = Object.fromEntries(specs) as Specs
    implement(this.#open, this.#specs, hooks)
    await this.#open.newWorker({ concurrency: this.#goal === 'throughput' ? 50 : 5 }).start()
  }

  async steps(number: number): Promise<void> {
    await (await this.#opened.runWorkflow(this.#known.steps, { number })).result()
  }

  async wait(number: number): Promise<void> {
    await this.#opened.runWorkflow(this.#known.wait, { number })
  }

  /** A signal for which nobody waits yet is dropped. */
  async signal(number: number): Promise<void> {
    for (;;) {
      const { workflowRunIds } = await this.#opened.sendSignal({ signal: `go-${number}` })
      if (workflowRunIds.length > 0) return
    }
  }

  async fanOut(number: number): Promise<void> {
    await (await this.#opened.runWorkflow(this.#known['fan-out'], { number })).result()
  }

  async close(): Promise<void> {
    await this.#backend?.stop()
  }
}

export function makeOpenWorkflow({ postgresUrl }: Place, goal: Goal): WorkflowSystem {
  if (!postgresUrl) throw new Error('OpenWorkflow needs PostgreSQL')
  return new OpenWorkflowSystem(postgresUrl, goal)
}
