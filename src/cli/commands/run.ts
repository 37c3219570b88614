/**
 * `perdure run`: works on the jobs that a module defines.
 */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import type { JobDefinition } from '../../client/definition.ts'
import { perdureError } from '../../errors.ts'
import { addExamples, type Context, collect } from '../context.ts'
import { parseSpan, parseWhole } from '../parse/values.ts'
import type { Definition } from '../program.ts'
import type { OpenStore } from '../store.ts'
import { SHELL_KIND } from '../submission.ts'
import { EndSignals, markOf, stopWorker } from '../work.ts'
import { reportAttempts, untilEnd } from './worker.ts'

/** Options as they were given. */
export interface RunOptions {
  readonly queue?: readonly string[]
  readonly concurrency?: string
  readonly untilEmpty?: boolean
  readonly drain?: string
  readonly shell?: boolean
}

export const define: Definition = (command, run) => {
  addRunOptions(command).option('--until-empty', 'end when nothing is left to do in these queues')
  addExamples(
    command,
    ['perdure run jobs.ts', 'works on the jobs that jobs.ts exports, until interrupted'],
    ['perdure run jobs.ts -j 50 --until-empty', 'works off what there is, fifty at once'],
    ['perdure run jobs.ts --shell --queue default', 'also runs what `perdure submit` submits'],
  )
  command.action(
    run<RunOptions>(async (context, [file = ''], options) => {
      const plan = await readPlan(file, options)
      return context.withStore({ serves: true }, (store) => work(context, store, plan))
    }),
  )
}

/** Adds the argument and the options of commands that run a module's jobs. */
export function addRunOptions(command: Command): Command {
  return command
    .argument('<file>', 'a module that exports job definitions, one by one or in arrays')
    .option(
      '--queue <queue>',
      'work on this queue; may be given again (default: those of the definitions)',
      collect,
    )
    .option('-j, --concurrency <n>', 'run at most so many jobs at once (default: number of processors)')
    .option('--shell', 'also run submitted commands')
    .option(
      '--drain <duration>',
      'at the end, wait this long for running jobs before they are given back',
      '25s',
    )
}

/** What to run, and how. */
export interface RunPlan {
  readonly definitions: readonly JobDefinition[]
  readonly queues: readonly string[]
  readonly concurrency: number
  readonly drainMs: number
  readonly shell: boolean
  readonly untilEmpty: boolean
}

/** Loads the module and reads the options. */
export async function readPlan(file: string, options: RunOptions): Promise<RunPlan> {
  const { shell = false, untilEmpty = false, drain = '25s', concurrency, queue } = options
  const definitions = await loadDefinitions(file)
  const own = new Set([...definitions.map((definition) => definition.queue), ...(shell ? ['default'] : [])])
  return {
    definitions,
    queues: queue ?? [...own],
    concurrency:
      concurrency === undefined ? availableParallelism() : parseWhole('-j', concurrency, 1, 100_000),
    drainMs: parseSpan('--drain', drain),
    shell,
    untilEmpty,
  }
}

/** Works until a signal, or until nothing is left if so wanted. Answers the exit code. */
export async function work(context: Context, store: OpenStore, plan: RunPlan): Promise<number> {
  using signals = new EndSignals()
  const { definitions, queues, concurrency } = plan
  const { makeWorker } = await import('../../app/work.ts')
  const executors = plan.shell ? { [SHELL_KIND]: await shellExecutor(store) } : {}
  const worker = makeWorker(store.client, definitions, { concurrency, queues, executors })
  worker.on('error', (error) => void context.out.error(error))
  await worker.ready
  const kinds = definitions.map(({ kind }) => kind).join(', ')
  context.out.note(
    `Working on ${kinds} (queues ${queues.join(', ')}) with ${concurrency} slots (${store.place}).`,
  )
  reportAttempts(context, worker)
  await untilEnd(store.client, worker, queues, signals, plan.untilEmpty)
  if (signals.gently.aborted) context.out.note(`Stopping; ${worker.running} running. Once more to insist.`)
  await stopWorker(worker, signals, plan.drainMs)
  return 0
}

async function shellExecutor(store: OpenStore) {
  const { createShellExecutor } = await import('../../executors/shell/shell.ts')
  return createShellExecutor(markOf(store))
}

/** The definitions that a module exports. */
async function loadDefinitions(file: string): Promise<JobDefinition[]> {
  const path = resolve(file)
  if (!existsSync(path)) {
    throw perdureError('NOT_FOUND', {
      expected: 'a module',
      found: `no file at ${path}`,
      fix: 'Correct the path',
      data: { path },
    })
  }
  let exported: Record<string, unknown>
  try {
    exported = (await import(pathToFileURL(path).href)) as Record<string, unknown>
  } catch (cause) {
    throw perdureError('INVALID_INPUT', {
      expected: `${path} to load as a module`,
      found: cause instanceof Error ? cause.message : String(cause),
      fix: 'Run it with node to see where it fails; TypeScript needs Node 22.18 or newer, or build it first',
      cause,
    })
  }
  const definitions = [...new Set(Object.values(exported).flat())].filter(isDefinition)
  if (definitions.length > 0) return definitions
  throw perdureError('INVALID_INPUT', {
    expected: `${path} to export job definitions`,
    found: `${Object.keys(exported).join(', ') || 'no exports'}`,
    fix: "Export what `job('kind', { run })` gives",
  })
}

/** By its shape: the module may have its own copy of the package. */
function isDefinition(value: unknown): value is JobDefinition {
  if (typeof value !== 'object' || value === null) return false
  const { kind, queue, base, run } = value as Partial<Record<string, unknown>>
  return (
    typeof kind === 'string' &&
    typeof queue === 'string' &&
    typeof base === 'object' &&
    typeof run === 'function'
  )
}
