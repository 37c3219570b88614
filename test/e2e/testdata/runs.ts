/** Workflows of the tests of nodes and workers that are killed; as a program, a worker that runs them. */
import { type Duration, type JobDefinition, job, open, workflow } from '../../../src/index.ts'

const square = job('square', { run: async (number: number) => number * number })

/** Makes a workflow of steps, a child and a signal. `did` is told of each step that is called. */
export function sumOf(did: (run: number, step: number) => unknown, lease: Duration = '30s') {
  return workflow('sum', {
    timeout: { lease },
    run: async (flow, input: { steps: number }) => {
      let sum = 0
      for (let step = 0; step < input.steps; step++) {
        sum += await flow.step(`add ${step}`, async () => {
          await did(flow.run, step)
          return step
        })
      }
      const [squared, said] = await flow.all([flow.call(square, sum), flow.signal<number>('more')])
      return squared + said
    },
  })
}

/** A workflow that adds up what it is told, one after another. */
export const ledger = workflow('ledger', {
  run: async (flow) => {
    const entries: number[] = []
    const closed = Promise.withResolvers<void>()
    flow.query('entries', () => entries)
    flow.update('enter', async (entry: number) => {
      await flow.step(`check ${entry}`, () => entry)
      return entries.push(entry)
    })
    flow.update('close', () => closed.resolve())
    await closed.promise
    return entries
  },
})

/** What a worker of these needs. */
export function definitions(did: (run: number, step: number) => unknown): JobDefinition[] {
  return [sumOf(did), square, ledger] as JobDefinition[]
}

if (import.meta.main) {
  const app = await open(process.env.PERDURE_URL ?? '')
  app.work(
    definitions((_, step) => {
      if (step === Number(process.env.STUCK_AT)) return new Promise(() => process.stdout.write('stuck\n'))
      return undefined
    }),
    { concurrency: 4 },
  )
}
