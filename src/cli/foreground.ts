/**
 * Commands that submit jobs and wait for them, as if they had run them themselves: `submit --wait` and `xargs`.
 *
 * Owns: who runs the jobs. Without `--queue` they stand in a queue of their own and a worker in this process runs
 * them, whoever owns the store. With `--queue` the workers of that queue do; and if this process owns the store,
 * there are none, so it works on that queue itself.
 */
import type { Client } from '../client/client.ts'
import type { JobEnd } from '../client/types.ts'
import type { Worker } from '../worker/worker.ts'
import type { Context } from './context.ts'
import { Waiting } from './ends.ts'
import { ProgressLine } from './render/progress.ts'
import type { OpenStore } from './store.ts'
import { EndSignals, Interrupted, privateQueue, startShellWorker, stopWorker } from './work.ts'

/** What a foreground command asks for. */
export interface ForegroundPlan {
  /** `submit` or `xargs`; names the private queue. */
  readonly name: string
  readonly queue: string | undefined
  readonly concurrency: number
  readonly showsProgress: boolean
  /** Makes jobs and adds their ids; resolves when there are no more. */
  submit(queue: string, add: (ids: readonly number[]) => void, signal: AbortSignal): Promise<void>
  onEnd?(end: JobEnd): void
}

/** How it went. */
export interface ForegroundResult {
  readonly count: number
  readonly failed: number
  readonly last: JobEnd | undefined
  /** Set when a signal ended the waiting; jobs may be left. */
  readonly interrupted: Interrupted | undefined
  readonly queue: string
}

/** Submits, works where nobody else does, waits, and passes on the output of the jobs. */
export async function runInForeground(
  context: Context,
  store: OpenStore,
  plan: ForegroundPlan,
): Promise<ForegroundResult> {
  using signals = new EndSignals()
  const { client } = store
  const queue = plan.queue ?? (await privateQueue(client, plan.name))
  const works = plan.queue === undefined || store.isOwner
  const tally = { total: 0, ended: 0, failed: 0, isComplete: false, last: undefined as JobEnd | undefined }
  const own = new Set<number>()
  const progress = new ProgressLine(context.out.stderr, plan.showsProgress && !context.out.quiet, () => ({
    done: tally.ended,
    failed: tally.failed,
    total: tally.isComplete ? tally.total : undefined,
  }))
  const output = new OutputQueue(context, progress)
  const waiting = new Waiting(client, signals.gently, (end) => {
    tally.ended += 1
    tally.last = end
    if (end.state !== 'succeeded') tally.failed += 1
    if (!works) output.fetch(client, end.id)
    plan.onEnd?.(end)
  })
  let worker: Worker | undefined
  let interrupted: Interrupted | undefined
  try {
    if (works) {
      const { concurrency } = plan
      worker = await startShellWorker(
        { store, queues: [queue], concurrency, onOutput: (stream, text) => output.push(stream, text) },
        context.out,
      )
    }
    const add = (ids: readonly number[]) => {
      tally.total += ids.length
      for (const id of ids) own.add(id)
      waiting.add(ids)
    }
    await plan.submit(queue, add, signals.gently)
    tally.isComplete = true
    await waiting.finish()
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      const left = tally.total - tally.ended
      if (left > 0)
        context.out.note(`${left} jobs were submitted before this and stay in the queue ${queue}.`)
      throw error
    }
    interrupted = error
  } finally {
    // What still runs is given back, not waited for: it stays in its queue.
    if (worker !== undefined) await stopWorker(worker, signals, interrupted === undefined ? undefined : 0)
    await output.flushed()
    progress.stop()
  }
  return { count: tally.total, failed: tally.failed, last: tally.last, interrupted, queue }
}

/** Passes output on in order, without letting the progress line into it. */
class OutputQueue {
  readonly #context: Context
  readonly #progress: ProgressLine
  #last: Promise<void> = Promise.resolve()

  constructor(context: Context, progress: ProgressLine) {
    this.#context = context
    this.#progress = progress
  }

  push(stream: 'stdout' | 'stderr', text: string): void {
    if (this.#context.out.json) return
    this.#progress.clear()
    this.#last = this.#last.then(() => this.#context.out.raw(text, stream))
  }

  /** Output of a job that another process ran. */
  fetch(client: Client, job: number): void {
    if (this.#context.out.json) return
    this.#last = this.#last.then(async () => {
      this.#progress.clear()
      for await (const { stream, text } of client.logs(job))
        await this.#context.out.raw(text, stream === 'stdout' ? 'stdout' : 'stderr')
    })
    this.#last = this.#last.catch((error: unknown) => void this.#context.out.error(error))
  }

  flushed(): Promise<void> {
    return this.#last
  }
}
