/**
 * `perdure release`: takes held jobs back in where they stood.
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
    ['perdure release 12', 'lets job 12 go on'],
    ['perdure release --state held', 'lets all of them go on'],
  )
  command.action(
    run<FilterOptions>((context, words, options) =>
      controlJobs(context, words, options, {
        verb: { verb: 'release' },
        states: ['held'],
        tell: ({ state }) => String(state),
      }),
    ),
  )
}
