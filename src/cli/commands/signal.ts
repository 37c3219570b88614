/**
 * `perdure signal`: tells a workflow run something.
 */
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { parseId, parseJson } from '../parse/values.ts'

export const define: Definition = (command, run) => {
  command
    .argument('<run>', 'the id of the run')
    .argument('<name>', 'the name of the signal')
    .argument('[json]', 'its value, as JSON; default: none')
    .option('--id <id>', 'the same again is the same signal for a day, so that the call can be repeated')
  addExamples(
    command,
    ['perdure signal 12 approved true', 'what `flow.signal("approved")` of run 12 gives'],
    [`perdure signal 12 answer '{"by": "ada"}'`, 'a value of several parts'],
  )
  command.action(
    run<{ readonly id?: string }>(async (context, [run, name = '', json], { id: again }) => {
      const id = parseId([run ?? ''])
      const value = json === undefined ? undefined : parseJson('the value of the signal', json)
      return context.withStore({ serves: false, creates: false }, async ({ client }) => {
        const { isAwaited } = await client.workflows.signal(
          id,
          name,
          value,
          again === undefined ? {} : { id: again },
        )
        const answer = { id, signal: name, isAwaited }
        context.out.data(answer, `${id}\t${isAwaited ? 'heard' : 'kept until the run waits for it'}\n`)
        return 0
      })
    }),
  )
}
