/**
 * `perdure pause`: stops handing out the jobs of queues; what runs goes on.
 */
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'

export const define: Definition = (command, run) => {
  command.argument('<queue...>', 'names of queues')
  addExamples(
    command,
    ['perdure pause video', 'no job of the queue `video` starts until it is resumed'],
    ['perdure pause video audio', 'the same for two queues'],
  )
  command.action(
    run((context, queues) =>
      context.withStore({ serves: false }, async ({ client }) => {
        for (const queue of queues) {
          await client.pauseQueue(queue, true)
          context.out.data({ queue, paused: true }, `${queue}\tpaused\n`)
        }
        return 0
      }),
    ),
  )
}
