/** Enqueues a job of each kind that is named. */
import { type JobDefinition, open } from '../../../src/index.ts'
import * as jobs from './jobs.ts'

const app = await open(process.env.PERDURE_URL ?? '')
const named = process.argv.slice(2)
for (const definition of Object.values(jobs) as JobDefinition[]) {
  const count = named.filter((kind) => kind === definition.kind).length
  for (let number = 0; number < count; number++) await app.enqueue(definition, undefined)
}
await app.close()
