/**
 * `perdure worker`: runs the commands that were submitted.
 */
import { hostname } from 'node:os'
import { perdureError } from '../../errors.ts'
import { createProcessPool } from '../../executors/process/pool.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context } from '../context.ts'
import { addSettingOptions } from '../settings.ts'
import type { OpenStore } from '../store.ts'
import { SHELL_KIND } from '../submission.ts'
import { isSupervised } from '../supervised/orders.ts'
import { supervise } from '../supervised/supervisor.ts'
import { addUntilOptions, readUntil, type UntilOptions } from '../until.ts'
import { markOf } from '../work.ts'
import { liveAsWorker, WORKER_SETTINGS, type WorkerNumbers } from '../worker-life.ts'

interface WorkerOptions extends UntilOptions {
  readonly reload?: boolean
}

export const define: Definition = (command, run) => {
  command.argument('[queue...]', 'queues to work on (default: those of the configuration, or "default")')
  addUntilOptions(addSettingOptions(command, ...WORKER_SETTINGS, 'worker.supervised')).option(
    '--reload',
    'replace the supervised workers of this store on this machine by new code, and end',
  )
  addExamples(
    command,
    ['perdure worker -j 8', 'eight commands at once, until interrupted; those that run may end first'],
    ['perdure worker video audio', 'works on two queues'],
    ['perdure worker --until-empty', 'works off what there is'],
    [
      'perdure worker --supervised --processes 2',
      'started again whenever it dies, and by new code on SIGHUP',
    ],
  )
  command.action(
    run<WorkerOptions>(async (context, words, options) => {
      if (options.reload)
        return context.withStore({ serves: false, creates: false }, (store) => reload(context, store))
      const { worker } = (await context.settings()).current
      if (worker.supervised && !isSupervised(context.env)) return supervise(context)
      return context.withStore({ serves: true }, (store) =>
        liveAsWorker(context, store, {
          queues: words.length > 0 ? words : undefined,
          usualQueues: ['default'],
          until: readUntil(options),
          what: '',
          make: (numbers, onError) => make(store, numbers, onError),
        }),
      )
    }),
  )
}

async function make(store: OpenStore, numbers: WorkerNumbers, onError: (error: unknown) => void) {
  const { processes, memoryMb, ...options } = numbers
  const { createWorker } = await import('../../worker/worker.ts')
  const shell = await shellExecutor(store, numbers, onError)
  return createWorker({ client: store.client, executors: { [SHELL_KIND]: shell }, ...options })
}

/** Runs commands, in this process or in small ones beside it. */
export async function shellExecutor(
  store: OpenStore,
  { processes, concurrency }: Pick<WorkerNumbers, 'processes' | 'concurrency'>,
  onError: (error: unknown) => void,
) {
  const mark = markOf(store)
  if (processes > 0) {
    return createProcessPool({
      entry: new URL('../shell-process.ts', import.meta.url),
      args: mark.storeId === undefined ? [] : [mark.storeId],
      ...{ processes, each: Math.ceil(concurrency / processes), memoryMb: undefined, onError },
    })
  }
  const { createShellExecutor } = await import('../../executors/shell/shell.ts')
  return createShellExecutor(mark)
}

/** Asks every supervisor of this machine that has a worker on the store. */
async function reload({ out }: Context, { client }: OpenStore): Promise<number> {
  const supervisors = new Set<number>()
  for (const { host, status } of await client.workers()) {
    if (host === hostname() && status?.supervisor !== undefined) supervisors.add(status.supervisor)
  }
  for (const pid of supervisors) {
    process.kill(pid, 'SIGHUP')
    out.data({ supervisor: pid }, `${pid}\n`)
  }
  if (supervisors.size > 0) return 0
  throw perdureError('NOT_FOUND', {
    expected: 'a supervised worker of this store on this machine',
    found: 'none',
    fix: 'Start workers with --supervised; others take new code by being stopped and started',
  })
}
