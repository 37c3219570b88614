/**
 * The worker process of the demo: owns the store, answers others on a socket, and runs jobs until SIGTERM.
 *
 * Started by demo.ts, which kills it once with SIGKILL and starts it again; nothing in here knows about that.
 */
import { createShellExecutor, open, reapOrphans, serveSocket } from '../../src/index.ts'
import { defineJobs, placeIn } from './jobs.ts'

const [home = '', root = '', concurrency = '4'] = process.argv.slice(2)
const place = placeIn(home, root)

const app = await open(`sqlite:${place.store}`)
// commands whose worker was killed are ended before their jobs are given out again
const { killed } = await reapOrphans({ storeId: place.store })
const served = await serveSocket(app.client, place.socket)

const { measure, manifest } = defineJobs(place)
const worker = app.work([measure, manifest], {
  concurrency: Number(concurrency),
  executors: { shell: createShellExecutor({ storeId: place.store }) },
})

process.once('SIGTERM', async () => {
  await worker.stop()
  await served.close()
  await app.close()
  process.disconnect()
})
// nobody is there any more to stop this process in order
process.once('disconnect', () => process.exit())
await worker.ready
process.send?.({ orphans: killed.length })
