/**
 * `perdure repin`: moves workflow runs to workers of another version.
 */
import { wrongUse } from '../../std/options.ts'
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { controlJobs } from '../control.ts'
import { addFilterOptions, type FilterOptions } from '../select.ts'

interface RepinOptions extends FilterOptions {
  readonly to?: string
  readonly toAny?: boolean
}

export const define: Definition = (command, run) => {
  command
    .argument('[id...]', 'ids and ranges of them, such as 12 20-30')
    .option('--to <version>', 'the version whose workers take the runs from now on')
    .option('--to-any', 'every worker of their workflow takes them')
  addFilterOptions(command)
  addExamples(
    command,
    ['perdure repin 12 --to 8', 'run 12, which waits for version 7, goes on with version 8'],
    ['perdure repin --kind order --to-any', 'no run of a workflow asks for a version any more'],
  )
  command.action(
    run<RepinOptions>((context, words, { to, toAny = false, ...filters }) => {
      if ((to === undefined) !== toAny) throw unclear(to)
      return controlJobs(context, words, filters, {
        verb: { verb: 'repin', ...(to === undefined ? {} : { version: to }) },
        states: ['blocked', 'scheduled', 'waiting', 'ready', 'suspended', 'held'],
        tell: ({ changed }) => (to ?? 'any') + (changed ? '' : ' already'),
      })
    }),
  )
}

function unclear(to: string | undefined) {
  const found = to === undefined ? 'neither' : 'both'
  return wrongUse('the version', 'either --to VERSION or --to-any', found, 'Say which workers take the runs')
}
