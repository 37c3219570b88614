/**
 * `perdure hold`: puts jobs aside until they are released.
 */
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { controlJobs } from '../control.ts'
import { addFilterOptions, type FilterOptions } from '../select.ts'

export const define: Definition = (command, run) => {
  command.argument('[id...]', 'ids and ranges of them, such as 12 20-30')
  addFilterOptions(command)
  addExamples(
    command,
    ['perdure hold 12', 'keeps job 12 from starting'],
    ['perdure hold --queue video --state ready', 'puts aside what waits in one queue'],
  )
  command.action(
    run<FilterOptions>((context, words, options) =>
      controlJobs(context, words, options, {
        verb: { verb: 'hold' },
        states: ['blocked', 'scheduled', 'waiting', 'ready', 'suspended'],
        tell: ({ state }) => String(state),
      }),
    ),
  )
}
