/**
 * `perdure enqueue`: a job or a workflow run of a kind that a module defines.
 */
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { noteIdle } from '../notes.ts'
import { parseJson } from '../parse/values.ts'
import { addJobOptions, enqueueJobs, type JobOptions, readJob } from '../submission.ts'

interface EnqueueOptions extends JobOptions {
  readonly key?: string
}

export const define: Definition = (command, run) => {
  command
    .argument('<kind>', 'the name of the handler or workflow')
    .argument('[json]', 'its input, as JSON; default: none')
    .option('--key <key>', 'enqueue only if no job has this key; prints the id of the one that has')
  addJobOptions(command)
  addExamples(
    command,
    ['perdure enqueue order \'{"item": "lamp"}\' --key order-17', 'prints the id of the new run'],
    ['perdure enqueue resize \'{"path": "in.png", "width": 200}\' --queue images', 'a job of another queue'],
  )
  command.action(
    run<EnqueueOptions>((context, [kind = '', json], options) => {
      const { key, hold = false } = options
      const spec = {
        ...readJob(context, options),
        kind,
        ...(json === undefined ? {} : { input: parseJson('the input', json) }),
        ...(key === undefined ? {} : { key }),
      }
      return context.withStore({ serves: false }, async (store) => {
        const [job] = await enqueueJobs(store.client, [spec], hold, context.now())
        if (job === undefined) return 1
        context.out.data(job, `${job.id}\n`)
        if (!job.created) context.out.note(`Job ${job.id} has this key already; nothing was enqueued.`)
        await noteIdle(context, store, spec.queue)
        return 0
      })
    }),
  )
}
