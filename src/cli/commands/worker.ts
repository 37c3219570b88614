/**
 * `perdure worker`: runs the commands that were submitted.
 */
import { availableParallelism } from 'node:os'
import type { Client } from '../../client/client.ts'
import type { Worker } from '../../worker/worker.ts'
import { addExamples, type Context } from '../context.ts'
import { parseSpan, parseWhole } from '../parse/values.ts'
import type { Definition } from '../program.ts'
import { shortSpan } from '../render/text.ts'
import { EndSignals, liveJobs, startShellWorker, stopWorker } from '../work.ts'

interface WorkerOptions {
  readonly concurrency?: string
  readonly untilEmpty?: boolean
  readonly drain?: string
}

export const define: Definition = (command, run) => {
  command
    .argument('[queue...]', 'queues to work on (default: "default")')
    .option('-j, --concurrency <n>', 'run at most so many commands at once (default: number of processors)')
    .option('--until-empty', 'end when nothing is left to do in these queues')
    .option(
      '--drain <duration>',
      'at the end, wait this long for running commands before they are given back',
      '25s',
    )
  addExamples(
    command,
    ['perdure worker -j 8', 'eight commands at once, until interrupted; those that run may end first'],
    ['perdure worker video audio', 'works on two queues'],
    ['perdure worker --until-empty', 'works off what there is'],
  )
  command.action(
    run<WorkerOptions>((context, words, options) => {
      const queues = words.length > 0 ? words : ['default']
      const concurrency =
        options.concurrency === undefined
          ? availableParallelism()
          : parseWhole('-j', options.concurrency, 1, 100_000)
      const drainMs = parseSpan('--drain', options.drain ?? '25s')
      return context.withStore({ serves: true }, async (store) => {
        using signals = new EndSignals()
        const { client, place } = store
        const worker = await startShellWorker({ store, queues, concurrency }, context.out)
        context.out.note(
          `Working on ${queues.join(', ')} with ${concurrency} ${concurrency === 1 ? 'slot' : 'slots'} (${place}).`,
        )
        reportAttempts(context, worker)
        await untilEnd(client, worker, queues, signals, options.untilEmpty ?? false)
        if (signals.gently.aborted)
          context.out.note(`Stopping; ${worker.running} running. Once more to insist.`)
        await stopWorker(worker, signals, drainMs)
        return 0
      })
    }),
  )
}

/** One line per attempt: on standard error for people, as data for programs. */
export function reportAttempts({ out }: Context, worker: Worker): void {
  worker.on('attempt', ({ job, kind, attempt, outcome, error, durationMs }) => {
    if (out.json) out.data({ job, kind, attempt, outcome, durationMs, error: error ?? null }, '')
    else
      out.note(
        `${job} ${outcome} after ${shortSpan(durationMs)}${error === undefined ? '' : `: ${error.message}`}`,
      )
  })
}

/** Resolves at a signal, when the worker ends by itself, or, if wanted, when the queues are empty. */
export async function untilEnd(
  client: Client,
  worker: Worker,
  queues: readonly string[],
  signals: EndSignals,
  untilEmpty: boolean,
): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (signals.gently.aborted) resolve()
    signals.gently.addEventListener('abort', () => resolve(), { once: true })
    worker.on('drained', () => resolve())
  })
  if (!untilEmpty) return ended
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  const isEmpty = async () => worker.running === 0 && (await liveJobs(client, queues)) === 0
  let delayMs = 20
  while (!isOver && !(await isEmpty())) {
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, delayMs))])
    delayMs = Math.min(delayMs * 2, 250)
  }
}
