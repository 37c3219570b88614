/**
 * `perdure kill`: cancels jobs, and with -r those that depend on them.
 */
import type { Client } from '../../client/client.ts'
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { controlJobs } from '../control.ts'
import { type NamedId, parseSignal, parseSpan } from '../parse/values.ts'
import { addFilterOptions, type FilterOptions } from '../select.ts'

interface KillOptions extends FilterOptions {
  readonly recursive?: boolean
  readonly signal?: string
  readonly grace?: string
  readonly reason?: string
  readonly undo?: boolean
}

export const define: Definition = (command, run) => {
  command
    .argument('[id...]', 'ids and ranges of them, such as 12 20-30')
    .option('-r, --recursive', 'also all jobs that depend on these, directly or not')
    .option(
      '--signal <signal>',
      'first signal for running commands (default: TERM); KILL leaves them no time',
    )
    .option(
      '--grace <duration>',
      'time from the signal to the end by force, such as 30s (default: that of the job)',
    )
    .option('--reason <text>', 'kept with the job')
    .option('--no-undo', 'end it at once: running attempts lose their lease, workflow runs undo nothing')
  addFilterOptions(command)
  addExamples(
    command,
    ['perdure kill 12', 'cancels job 12; a running command gets SIGTERM, and SIGKILL when its grace is over'],
    ['perdure kill -r 12', 'cancels job 12 and everything that waits for it'],
    ['perdure kill --signal INT --grace 1m 20-30', 'interrupts ten jobs and gives them a minute'],
    ['perdure kill --no-undo 12', 'ends run 12 without undoing what it did'],
    ['perdure kill --queue video', 'cancels every live job of a queue'],
  )
  command.action(
    run<KillOptions>((context, words, options) => {
      const { signal, grace, reason } = options
      const name = signal === undefined ? undefined : parseSignal(signal)
      const graceMs = grace !== undefined ? parseSpan('--grace', grace) : name === 'SIGKILL' ? 0 : undefined
      return controlJobs(context, words, options, {
        verb: {
          ...(reason === undefined ? {} : { reason }),
          ...(options.undo === false
            ? { verb: 'terminate' }
            : {
                verb: 'cancel',
                ...(graceMs === undefined ? {} : { graceMs }),
                ...(name === undefined ? {} : { signal: name }),
              }),
        },
        states: ['blocked', 'scheduled', 'waiting', 'ready', 'running', 'suspended', 'held'],
        tell: ({ state }) => (state === 'running' ? 'running, asked to stop' : String(state)),
        ...(options.recursive ? { expand: withDependents } : {}),
      })
    }),
  )
}

/** Dependents first and the farthest of them first, so that each is cancelled rather than failed by the one before it. */
async function withDependents(client: Client, ids: readonly NamedId[]): Promise<NamedId[]> {
  const found = new Map<number, NamedId>()
  for (const { id } of ids) {
    for (const dependent of await client.dependents(id)) {
      // Moved behind what was found before: the nearest is to come last.
      found.delete(dependent)
      found.set(dependent, { id: dependent, isExact: false })
    }
  }
  for (const named of ids) found.delete(named.id)
  return [...[...found.values()].reverse(), ...ids]
}
