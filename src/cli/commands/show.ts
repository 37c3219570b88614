/**
 * `perdure show`: everything about one job, and what a workflow run did, as a timeline or as a file.
 */
import { readHistory } from '../../app/history.ts'
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { renderDetails } from '../describe.ts'
import { parseId } from '../parse/values.ts'
import { renderTimeline } from '../render/timeline.ts'

export const define: Definition = (command, run) => {
  command.argument('<id>', 'the run')
  addExamples(
    command,
    ['perdure show 12', 'what run 12 did: steps, timers, signals, children, failures'],
    ['perdure show 12 --json > run-12.json', 'the same as a file, for `perdure replay` and for tests'],
  )
  command.action(
    run(async (context, words) => {
      const id = parseId(words)
      return context.withStore({ serves: false, creates: false }, async ({ client }) => {
        const { out } = context
        const history = await readHistory(client, id)
        if (out.json) {
          await out.raw(`${JSON.stringify(history)}\n`)
          return 0
        }
        const details = renderDetails(await client.get(id), context.now(), out.width)
        const timeline = renderTimeline(history, context.now(), out.width)
        await out.raw(timeline === '' ? details : `${details}\n${timeline}`)
        return 0
      })
    }),
  )
}
