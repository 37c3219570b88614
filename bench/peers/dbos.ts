/** DBOS on PostgreSQL: a library that runs workflows in this process. */
import { DBOS, type WorkflowHandle } from '@dbos-inc/dbos-sdk'
import type { Place } from '../system.ts'
import { type Hooks, STEPS, type WorkflowSystem } from '../workflows/system.ts'

/** Longer than any measurement. */
const WAIT_SECONDS = 3600

/** The workflows; each is registered once, before the launch. */
function registerWorkflows(hooks: Hooks) {
  const child = DBOS.registerWorkflow(async (number: number) => hooks.childRan(number), { name: 'child' })
  const steps = DBOS.registerWorkflow(
    async (run: number) => {
      for (let step = 0; step < STEPS; step++) {
        await DBOS.runStep(async () => hooks.stepped(run * STEPS + step), { name: `step ${step}` })
      }
    },
    { name: 'steps' },
  )
  const wait = DBOS.registerWorkflow(
    async (run: number) => {
      hooks.waits(run)
      await DBOS.recv('go', WAIT_SECONDS)
      hooks.resumed(run)
    },
    { name: 'wait' },
  )
  const fanOut = DBOS.registerWorkflow(
    async (children: number) => {
      const handles: WorkflowHandle<void>[] = []
      for (let number = 0; number < children; number++) handles.push(await DBOS.startWorkflow(child)(number))
      for (const handle of handles) await handle.getResult()
    },
    { name: 'fan-out' },
  )
  return { steps, wait, fanOut }
}

class Dbos implements WorkflowSystem {
  readonly inFlight = 100
  readonly #url: string
  #workflows: ReturnType<typeof registerWorkflows> | undefined

  constructor(url: string) {
    this.#url = url
  }

  get #registered(): ReturnType<typeof registerWorkflows> {
    if (!this.#workflows) throw new Error('not open')
    return this.#workflows
  }

  async open(hooks: Hooks): Promise<void> {
    DBOS.setConfig({
      name: 'bench',
      systemDatabaseUrl: this.#url,
      systemDatabasePoolSize: 20,
      logLevel: 'error',
      tracingEnabled: false,
    })
    this.#workflows = registerWorkflows(hooks)
    await DBOS.launch()
  }

  async steps(run: number): Promise<void> {
    const handle = await DBOS.startWorkflow(this.#registered.steps)(run)
    await handle.getResult()
  }

  async wait(run: number): Promise<void> {
    await DBOS.startWorkflow(this.#registered.wait, { workflowID: `wait-${run}` })(run)
  }

  async signal(run: number): Promise<void> {
    await DBOS.send(`wait-${run}`, true, 'go')
  }

  async fanOut(children: number): Promise<void> {
    const handle = await DBOS.startWorkflow(this.#registered.fanOut)(children)
    await handle.getResult()
  }

  async close(): Promise<void> {
    await DBOS.shutdown()
  }
}

export function makeDbos({ postgresUrl }: Place): WorkflowSystem {
  if (!postgresUrl) throw new Error('DBOS needs PostgreSQL')
  return new Dbos(postgresUrl)
}
