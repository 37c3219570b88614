/** OpenWorkflow on PostgreSQL: its workers ask the database for work. */
import { defineWorkflowSpec, OpenWorkflow } from 'openworkflow'
import { BackendPostgres } from 'openworkflow/postgres'
import type { Goal, Place } from '../system.ts'
import { type Hooks, STEPS, type WorkflowSystem } from '../workflows/system.ts'

interface Input {
  number: number
}

const child = defineWorkflowSpec<Input, void>({ name: 'child' })
const steps = defineWorkflowSpec<Input, void>({ name: 'steps' })
const wait = defineWorkflowSpec<Input, void>({ name: 'wait' })
const fanOut = defineWorkflowSpec<Input, void>({ name: 'fan-out' })

function implement(open: OpenWorkflow, hooks: Hooks): void {
  open.implementWorkflow(child, async ({ input: { number } }) => hooks.childRan(number))
  open.implementWorkflow(steps, async ({ input: { number }, step: flow }) => {
    for (let step = 0; step < STEPS; step++) {
      await flow.run({ name: `step ${step}` }, () => hooks.stepped(number * STEPS + step))
    }
  })
  open.implementWorkflow(wait, async ({ input: { number }, step: flow }) => {
    hooks.waits(number)
    await flow.waitForSignal({ signal: `go-${number}` })
    hooks.resumed(number)
  })
  open.implementWorkflow(fanOut, async ({ input, step: flow }) => {
    const numbers = Array.from({ length: input.number }, (_, number) => number)
    await Promise.all(
      numbers.map((number) => flow.runWorkflow(child, { number }, { name: `child ${number}` })),
    )
  })
}

class OpenWorkflowSystem implements WorkflowSystem {
  readonly inFlight = 400
  readonly #url: string
  readonly #goal: Goal
  #backend: BackendPostgres | undefined
  #open: OpenWorkflow | undefined

  constructor(url: string, goal: Goal) {
    this.#url = url
    this.#goal = goal
  }

  get #opened(): OpenWorkflow {
    if (!this.#open) throw new Error('not open')
    return this.#open
  }

  async open(hooks: Hooks): Promise<void> {
    this.#backend = await BackendPostgres.connect(this.#url)
    this.#open = new OpenWorkflow({ backend: this.#backend })
    implement(this.#open, hooks)
    await this.#open.newWorker({ concurrency: this.#goal === 'throughput' ? 50 : 5 }).start()
  }

  async steps(number: number): Promise<void> {
    await (await this.#opened.runWorkflow(steps, { number })).result()
  }

  async wait(number: number): Promise<void> {
    await this.#opened.runWorkflow(wait, { number })
  }

  /** A signal for which nobody waits yet is dropped. */
  async signal(number: number): Promise<void> {
    for (;;) {
      const { workflowRunIds } = await this.#opened.sendSignal({ signal: `go-${number}` })
      if (workflowRunIds.length > 0) return
    }
  }

  async fanOut(number: number): Promise<void> {
    await (await this.#opened.runWorkflow(fanOut, { number })).result()
  }

  async close(): Promise<void> {
    await this.#backend?.stop()
  }
}

export function makeOpenWorkflow({ postgresUrl }: Place, goal: Goal): WorkflowSystem {
  if (!postgresUrl) throw new Error('OpenWorkflow needs PostgreSQL')
  return new OpenWorkflowSystem(postgresUrl, goal)
}
