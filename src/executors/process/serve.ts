/**
 * The inside of a process that runs attempts for a worker: receives them, has an executor run them, tells how they ended.
 *
 * Owns: the life of that process. It takes no signals from a terminal, for the worker decides what ends when; and it ends
 * with the worker, however that went.
 */
import type { LogStream, StopReason } from '../../core/model/outcome.ts'
import { errorRecord } from '../../errors.ts'
import type { AttemptControl, Executor } from '../executor.ts'
import type { FromProcess, ToProcess } from './messages.ts'

/** How long the executor may take to end what runs, when the worker has gone, ms. */
const CLOSE_MS = 5_000

/** What this process runs attempts with. */
export interface Served {
  readonly executor: Executor
  /** Handlers that were left behind. Default: there are none. */
  readonly strays?: () => number
}

/** Runs attempts until the worker says otherwise or goes away. Ends the process. */
export async function serveExecutor(make: () => Promise<Served>): Promise<void> {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
  const gone = Promise.withResolvers<void>()
  process.once('disconnect', gone.resolve)
  const waiting: ToProcess[] = []
  let serve = (message: ToProcess): void => void waiting.push(message)
  process.on('message', (message) => serve(message as ToProcess))
  let served: Served
  try {
    served = await make()
  } catch (thrown) {
    process.send?.({ type: 'broken', error: errorRecord(thrown) } satisfies FromProcess)
    process.exitCode = 1
    process.disconnect?.()
    return
  }
  const controls = new Map<number, ProcessControl>()
  serve = (message) => {
    if (message.type === 'close') gone.resolve()
    else if (message.type === 'stop') controls.get(message.id)?.stop(message)
    else if (message.type === 'goOn') controls.get(message.id)?.goOn()
    else void run(served, controls, message)
  }
  for (const message of waiting.splice(0)) serve(message)
  tell({ type: 'ready' })
  await gone.promise
  const late = setTimeout(() => process.exit(1), CLOSE_MS)
  await served.executor.close()
  clearTimeout(late)
  if (process.connected) process.disconnect?.()
  // a handler that was left behind must not keep the process
  process.exit(0)
}

async function run(
  { executor, strays }: Served,
  controls: Map<number, ProcessControl>,
  { id, attempt, graceMs }: ToProcess & { readonly type: 'run' },
): Promise<void> {
  const control = new ProcessControl(id, graceMs)
  controls.set(id, control)
  const outcome = await executor.run(attempt, control)
  controls.delete(id)
  tell({ type: 'end', id, outcome, isWorn: (strays?.() ?? 0) > 0 })
}

function tell(message: FromProcess): void {
  // without the worker there is nobody to tell; the disconnect ends this process
  if (process.connected) process.send?.(message)
}

/** The control of one attempt, on this side. */
class ProcessControl implements AttemptControl {
  readonly #id: number
  readonly #controller = new AbortController()
  graceMs: number
  stopSignal: string | undefined
  #onGoOn: (() => void)[] = []
  #onInsist: (() => void) | undefined

  constructor(id: number, graceMs: number) {
    this.#id = id
    this.graceMs = graceMs
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get stopReason(): StopReason | undefined {
    return this.#controller.signal.aborted ? (this.#controller.signal.reason as StopReason) : undefined
  }

  stop({ reason, graceMs, signal }: ToProcess & { readonly type: 'stop' }): void {
    this.graceMs = graceMs
    this.stopSignal = signal
    if (this.#controller.signal.aborted) this.#onInsist?.()
    else this.#controller.abort(reason)
  }

  onInsist(listener: () => void): void {
    this.#onInsist = listener
  }

  giveWay(): Promise<void> {
    return new Promise((resolve) => {
      this.#onGoOn.push(resolve)
      tell({ type: 'giveWay', id: this.#id })
    })
  }

  goOn(): void {
    for (const resolve of this.#onGoOn.splice(0)) resolve()
  }

  log(stream: LogStream, text: string): void {
    tell({ type: 'log', id: this.#id, stream, text })
  }

  progress(fraction: number, message?: string): void {
    tell({ type: 'progress', id: this.#id, fraction, message })
  }
}
