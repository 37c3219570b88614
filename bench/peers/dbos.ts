/** DBOS on PostgreSQL: a library that runs workflows in this process. */
import type { Place } from '../system.ts'
import { type Hooks, STEPS, type WorkflowSystem } from '../workflows/system.ts'
import { loadPeer } from './load.ts'

type Workflow = (number: number) => Promise<void>
interface Handle {
  getResult(): Promise<void>
}
interface Dbos {
  setConfig(config: unknown): void
  launch(): Promise<void>
  shutdown(): Promise<void>
  registerWorkflow(workflow: Workflow, options: { name: string }): Workflow
  startWorkflow(workflow: Workflow, options?: { workflowID: string }): (number: number) => Promise<Handle>
  runStep(step: () => Promise<void>, options: { name: string }): Promise<void>
  recv(topic: string, seconds: number): Promise<unknown>
  send(workflow: string, message: unknown, topic: string): Promise<void>
}

/** Longer than any measurement. */
const WAIT_SECONDS = 3600

/** The workflows; each is registered once, before the launch. */
function registerWorkflows(dbos: Dbos, hooks: Hooks) {
  const child = dbos.registerWorkflow(async (number) => hooks.childRan(number), { name: 'child' })
  const steps = dbos.registerWorkflow(
    async (run) => {
      for (let step = 0; step < STEPS; step++) {
        await dbos.runStep(async () => hooks.stepped(run * STEPS + step), { name: `step ${step}` })
      }
    },
    { name: 'steps' },
  )
  const wait = dbos.registerWorkflow(
    async (run) => {
      hooks.waits(run)
      await dbos.recv('go', WAIT_SECONDS)
      hooks.resumed(run)
    },
    { name: 'wait' },
  )
  const fanOut = dbos.registerWorkflow(
    async (children) => {
      const handles: Handle[] = []
      for (let number = 0; number < children; number++) handles.push(await dbos.startWorkflow(child)(number))
      for (const handle of handles) await handle.getResult()
    },
    { name: 'fan-out' },
  )
  return { steps, wait, fanOut }
}

class DbosSystem implements WorkflowSystem {
  readonly inFlight = 100
  readonly #url: string
  #dbos: Dbos | undefined
  #workflows: ReturnType<typeof registerWorkflows> | undefined

  constructor(url: string) {
    this.#url = url
  }

  get #opened(): Dbos {
    if (!this.#dbos) throw new Error('not open')
    return this.#dbos
  }

  get #registered(): ReturnType<typeof registerWorkflows> {
    if (!this.#workflows) throw new Error('not open')
    return this.#workflows
  }

  async open(hooks: Hooks): Promise<void> {
    const { DBOS: dbos } = await loadPeer<{ DBOS: Dbos }>('@dbos-inc/dbos-sdk')
    dbos.setConfig({
      name: 'bench',
      systemDatabaseUrl: this.#url,
      systemDatabasePoolSize: 20,
      logLevel: 'error',
      tracingEnabled: false,
    })
    this.#workflows = registerWorkflows(dbos, hooks)
    await dbos.launch()
    this.#dbos = dbos
  }

  async steps(run: number): Promise<void> {
    const handle = await this.#opened.startWorkflow(this.#registered.steps)(run)
    await handle.getResult()
  }

  async wait(run: number): Promise<void> {
    await this.#opened.startWorkflow(this.#registered.wait, { workflowID: `wait-${run}` })(run)
  }

  async signal(run: number): Promise<void> {
    await this.#opened.send(`wait-${run}`, true, 'go')
  }

  async fanOut(children: number): Promise<void> {
    const handle = await this.#opened.startWorkflow(this.#registered.fanOut)(children)
    await handle.getResult()
  }

  async close(): Promise<void> {
    await this.#dbos?.shutdown()
  }
}

export function makeDbos({ postgresUrl }: Place): WorkflowSystem {
  if (!postgresUrl) throw new Error('DBOS needs PostgreSQL')
  return new DbosSystem(postgresUrl)
}
