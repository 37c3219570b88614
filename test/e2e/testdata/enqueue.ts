/** Enqueues a job of each kind that is named. */
import { open } from '../../../src/index.ts'
import * as jobs from './jobs.ts'

const app = await open(process.env.PERDURE_URL ?? '')
const byKind = new Map(Object.values(jobs).map((definition) => [definition.kind, definition]))
for (const kind of process.argv.slice(2)) await app.enqueue(byKind.get(kind) ?? kind)
await app.close()
