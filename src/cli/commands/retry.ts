/**
 * `perdure retry`: starts failed and cancelled jobs again, with a fresh set of tries.
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
    ['perdure retry 12', 'runs job 12 again'],
    ['perdure retry --state failed', 'runs everything again that failed'],
    ['perdure retry --state failed --meta batch=7', 'the same, for one batch'],
  )
  command.action(
    run<FilterOptions>((context, words, options) =>
      controlJobs(context, words, options, {
        verb: { verb: 'restart' },
        states: ['failed', 'cancelled'],
        tell: ({ state }) => String(state),
      }),
    ),
  )
}
