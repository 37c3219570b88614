/**
 * Workers inside a command: for `worker`, and for commands that wait for their own jobs.
 *
 * Owns: signals (the first asks to end, the second insists) and the queue that a waiting command has to itself.
 */
import { readFileSync } from 'node:fs'
import type { Client } from '../client/client.ts'
import type { JobState } from '../core/model/states.ts'
import type { AttemptControl, Executor } from '../executors/executor.ts'
import type { Worker } from '../worker/worker.ts'
import type { Output } from './output.ts'
import type { OpenStore } from './store.ts'
import { SHELL_KIND } from './submission.ts'

/** Receives output of attempts as it comes. */
export type OutputSink = (stream: 'stdout' | 'stderr', text: string) => void

/** What a command's worker is to do. */
export interface WorkPlan {
  readonly store: Pick<OpenStore, 'client' | 'file'>
  readonly queues: readonly string[]
  readonly concurrency: number
  /** Output is also handed to this. */
  readonly onOutput?: OutputSink
}

/** Starts a worker that runs commands. */
export async function startShellWorker(plan: WorkPlan, out: Output): Promise<Worker> {
  const [{ createWorker }, { createShellExecutor }] = await Promise.all([
    import('../worker/worker.ts'),
    import('../executors/shell/shell.ts'),
  ])
  const shell = createShellExecutor(markOf(plan.store))
  const worker = createWorker({
    client: plan.store.client,
    executors: { [SHELL_KIND]: plan.onOutput === undefined ? shell : withSink(shell, plan.onOutput) },
    queues: plan.queues,
    concurrency: plan.concurrency,
  })
  worker.on('error', (error) => void out.error(error))
  await worker.ready
  return worker
}

/**
 * The mark of the store's commands, by which the next owner finds those that a dead worker left; the same as that
 * of other workers of the store (`storeIdOf` in server/embedded).
 */
export function markOf({ file }: Pick<OpenStore, 'file'>): { storeId?: string } {
  return file === undefined ? {} : { storeId: file }
}

/** An executor whose attempts' output also goes to a sink. What a handler logs on purpose counts as standard error. */
function withSink(executor: Executor, sink: OutputSink): Executor {
  return {
    name: executor.name,
    close: () => executor.close(),
    run: (attempt, control) => {
      const tapped: AttemptControl = {
        get signal() {
          return control.signal
        },
        get stopReason() {
          return control.stopReason
        },
        get stopSignal() {
          return control.stopSignal
        },
        get graceMs() {
          return control.graceMs
        },
        progress: (fraction, message) => control.progress(fraction, message),
        giveWay: () => control.giveWay(),
        onInsist: (listener) => control.onInsist(listener),
        log: (stream, text) => {
          sink(stream === 'stdout' ? 'stdout' : 'stderr', text)
          control.log(stream, text)
        },
      }
      return executor.run(attempt, tapped)
    },
  }
}

/** Signals that ask a command to end. */
const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Those that this process listens to. A listener for SIGHUP would undo nohup, where the signal is ignored. */
function heededSignals(): readonly (typeof END_SIGNALS)[number][] {
  return ignoresHangup() ? ['SIGINT', 'SIGTERM'] : END_SIGNALS
}

/** Whether SIGHUP is ignored; so it is said, too, where it cannot be known. */
function ignoresHangup(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return mask === undefined || (Number.parseInt(mask.slice(-1), 16) & 1) === 1
  } catch {
    return true
  }
}

/** Why a command was asked to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  /** 128 + the signal's number, as shells count. */
  readonly exit: number

  constructor(signal: (typeof END_SIGNALS)[number]) {
    super(`interrupted by ${signal}`)
    this.exit = 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal]
  }
}

/** How a command is asked to end. */
export interface EndSteps {
  readonly gently: AbortSignal
  readonly atOnce: AbortSignal
}

/** Listens for signals until disposed: the first aborts `gently`, the second aborts `atOnce`. */
export class EndSignals implements EndSteps {
  readonly #gently = new AbortController()
  readonly #atOnce = new AbortController()
  readonly #listeners = heededSignals().map((name) => {
    const listener = () => {
      const step = this.#gently.signal.aborted ? this.#atOnce : this.#gently
      step.abort(new Interrupted(name))
    }
    process.on(name, listener)
    return { name, listener }
  })

  get gently(): AbortSignal {
    return this.#gently.signal
  }

  get atOnce(): AbortSignal {
    return this.#atOnce.signal
  }

  [Symbol.dispose](): void {
    for (const { name, listener } of this.#listeners) process.off(name, listener)
  }
}

/** Ends a worker; a second signal ends it by force. */
export async function stopWorker(worker: Worker, signals: EndSteps, drainMs?: number): Promise<void> {
  const force = () => void worker.stop({ drainMs: 0, graceMs: 0 })
  if (signals.atOnce.aborted) force()
  signals.atOnce.addEventListener('abort', force, { once: true })
  await worker.stop(drainMs === undefined ? {} : { drainMs })
}

/**
 * When a worker ends by itself: when its queues are empty, or when nothing is left in them but what waits for its time, for
 * other jobs, or for a signal.
 */
export type Until = 'empty' | 'idle'

/** Resolves at a signal, when the worker ends by itself, or, if wanted, when nothing is left to do. */
export async function untilEnd(
  client: Client,
  worker: Worker,
  queues: readonly string[],
  signals: Pick<EndSteps, 'gently'>,
  until: Until | undefined,
): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (signals.gently.aborted) resolve()
    signals.gently.addEventListener('abort', () => resolve(), { once: true })
    worker.on('drained', () => resolve())
  })
  if (until === undefined) return ended
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  const count = until === 'empty' ? liveJobs : presentJobs
  const isEmpty = async () => worker.running === 0 && (await count(client, queues)) === 0
  let delayMs = 20
  while (!isOver && !(await isEmpty())) {
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, delayMs))])
    delayMs = Math.min(delayMs * 2, 250)
  }
}

type Count = (client: Client, queues: readonly string[]) => Promise<number>

/** Counts the jobs of queues in some states. */
const counting =
  (...states: readonly JobState[]): Count =>
  async (client, queues) => {
    const counts = (await client.counts()).filter(({ queue }) => queues.includes(queue))
    return counts.reduce((sum, queue) => sum + states.reduce((own, state) => own + queue.states[state], 0), 0)
  }

/** The jobs of queues that have not ended and are not put aside. */
const liveJobs = counting('blocked', 'scheduled', 'waiting', 'ready', 'running', 'suspended')
/** Those of them that run, or would if there were room. */
const presentJobs = counting('waiting', 'ready', 'running')

/**
 * A queue for one command alone, so that its own worker runs its own jobs and nothing else, as many at once as
 * it was asked to. Named by the process, so that names come back and do not pile up in the store.
 */
export async function privateQueue(client: Client, name: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const queue = number === 1 ? `${name}-${process.pid}` : `${name}-${process.pid}-${number}`
    if ((await liveJobs(client, [queue])) === 0) return queue
  }
}
