/**
 * `perdure resume`: hands out the jobs of paused queues again.
 */
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'

export const define: Definition = (command, run) => {
  command.argument('<queue...>', 'names of queues')
  addExamples(
    command,
    ['perdure resume video', 'jobs of the queue `video` start again'],
    ['perdure resume video audio', 'the same for two queues'],
  )
  command.action(
    run((context, queues) =>
      context.withStore({ serves: false }, async ({ client }) => {
        for (const queue of queues) {
          await client.pauseQueue(queue, false)
          context.out.data({ queue, paused: false }, `${queue}\tresumed\n`)
        }
        return 0
      }),
    ),
  )
}
