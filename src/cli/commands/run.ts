/**
 * `perdure run`: works on the jobs that a module defines.
 */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { loadDefinitions } from '../../app/definitions.ts'
import type { JobDefinition } from '../../client/definition.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context, collect } from '../context.ts'
import { addSettingOptions } from '../settings.ts'
import type { OpenStore } from '../store.ts'
import { SHELL_KIND } from '../submission.ts'
import { isSupervised } from '../supervised/orders.ts'
import { supervise } from '../supervised/supervisor.ts'
import { addUntilOptions, readUntil, type UntilOptions } from '../until.ts'
import type { Until } from '../work.ts'
import { liveAsWorker, WORKER_SETTINGS, type WorkerNumbers } from '../worker-life.ts'
import { shellExecutor } from './worker.ts'

/** Options as they were given. */
export interface RunOptions extends UntilOptions {
  readonly queue?: readonly string[]
  readonly shell?: boolean
}

export const define: Definition = (command, run) => {
  addUntilOptions(addSettingOptions(addRunOptions(command), 'worker.supervised'))
  addExamples(
    command,
    ['perdure run jobs.ts', 'works on the jobs that jobs.ts exports, until interrupted'],
    ['perdure run jobs.ts -j 50 --until-empty', 'works off what there is, fifty at once'],
    ['perdure run jobs.ts --shell --queue default', 'also runs what `perdure submit` submits'],
  )
  command.action(
    run<RunOptions>(async (context, [file = ''], options) => {
      const { worker } = (await context.settings()).current
      if (worker.supervised && !isSupervised(context.env)) return supervise(context)
      const plan = await readPlan(file, options)
      return context.withStore({ serves: true }, (store) => work(context, store, plan))
    }),
  )
}

/** Adds the argument and the options of commands that run a module's jobs. */
export function addRunOptions(command: Command): Command {
  command
    .argument('<file>', 'a module that exports job definitions, one by one or in arrays')
    .option(
      '--queue <queue>',
      'work on this queue; may be given again (default: those of the configuration, or of the definitions)',
      collect,
    )
    .option('--shell', 'also run submitted commands')
  return addSettingOptions(command, ...WORKER_SETTINGS)
}

/** What to run, and how. */
export interface RunPlan {
  readonly file: string
  readonly definitions: readonly JobDefinition[]
  readonly queues: readonly string[] | undefined
  readonly shell: boolean
  readonly until: Until | undefined
}

/** Loads the module. */
export async function readPlan(file: string, options: RunOptions): Promise<RunPlan> {
  const { shell = false, queue: queues } = options
  return { file, definitions: await loadDefinitions(file), queues, shell, until: readUntil(options) }
}

/** Works until a signal, or until nothing is left if so wanted. Answers the exit code. */
export function work(context: Context, store: OpenStore, plan: RunPlan): Promise<number> {
  const { definitions, queues, shell, until } = plan
  const own = new Set([...definitions.map(({ queue }) => queue), ...(shell ? ['default'] : [])])
  return liveAsWorker(context, store, {
    ...{ queues, usualQueues: [...own], until },
    what: `${definitions.map(({ kind }) => kind).join(', ')} of `,
    make: (numbers, onError) => make(store, plan, numbers, onError),
  })
}

async function make(
  store: OpenStore,
  { file, definitions, shell }: RunPlan,
  numbers: WorkerNumbers,
  onError: (error: unknown) => void,
) {
  const { processes: count, memoryMb, drainMs: drain, ...options } = numbers
  const { makeWorker } = await import('../../app/work.ts')
  const memory = memoryMb === undefined ? {} : { memoryMb }
  return makeWorker(store.client, definitions, {
    ...{ ...options, drain },
    executors: shell ? { [SHELL_KIND]: await shellExecutor(store, numbers, onError) } : {},
    ...(count === 0 ? {} : { processes: { count, module: resolve(file), onError, ...memory } }),
  })
}
