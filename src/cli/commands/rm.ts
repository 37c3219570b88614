/**
 * `perdure rm`: deletes ended jobs, with their output.
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
    ['perdure rm 12 20-30', 'deletes these jobs; a range may have gaps'],
    ['perdure rm --state succeeded --queue video', 'deletes what went well in one queue'],
  )
  command.action(
    run<FilterOptions>((context, words, options) =>
      controlJobs(context, words, options, {
        verb: { verb: 'delete' },
        states: ['succeeded', 'failed', 'cancelled'],
        tell: () => 'deleted',
      }),
    ),
  )
}
