/**
 * The worker process of the demo: owns the store, lets others use it, and runs jobs until SIGTERM.
 *
 * Started by demo.ts, which kills it once with SIGKILL and starts it again; nothing in here knows about that.
 */
import { createShellExecutor, open } from '../../src/index.ts'
import { defineJobs, placeIn } from './jobs.ts'

const [home = '', root = '', concurrency = '4'] = process.argv.slice(2)
const place = placeIn(home, root)

// others reach it on a socket beside the file; commands of a killed predecessor are ended before it is open
const app = await open(`sqlite:${place.store}`)

const { measure, manifest } = defineJobs(place)
const worker = app.work([measure, manifest], {
  concurrency: Number(concurrency),
  executors: { shell: createShellExecutor({ storeId: place.store }) },
})

process.once('SIGTERM', async () => {
  await app.close()
  process.disconnect()
})
// nobody is there any more to stop this process in order
process.once('disconnect', () => process.exit())
await worker.ready
process.send?.('ready')
