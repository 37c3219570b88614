/** A worker in a process of its own: it tells which one ran a job, and can be made to take long over a first attempt. */
import { job, open } from '../../../src/index.ts'

const where = job('where', {
  retry: { attempts: 5, min: '1ms' },
  run: async (_: null, ctx) => {
    // whoever has it first holds it until it is killed, paused or drained
    if (ctx.attempt === 1)
      await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
    return process.pid
  },
})

const app = await open(process.env.PERDURE_URL ?? '')
const worker = app.work([where], { concurrency: 1 })
process.on('SIGTERM', async () => {
  await worker.stop({ drainMs: 0 })
  await app.close()
})
