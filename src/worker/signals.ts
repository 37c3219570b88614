/**
 * Draining on signals, for programs that want it: a library that took signals unasked would be a bad guest.
 */
import type { Worker } from './worker.ts'

/** What can be told about the end of the program. */
export interface DrainOnSignalsOptions {
  /** Default: SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[]
  /** Called at each signal, before anything happens: the first drains, the second forces. */
  readonly onSignal?: (signal: NodeJS.Signals, action: 'drain' | 'force') => void
}

/**
 * The first signal lets the worker drain (it accepts no more work), the second forces its end. A third finds no
 * listener any more and ends the process as the system does.
 *
 * @returns takes the listeners away; they also go by themselves when the worker has ended.
 */
export function drainOnSignals(
  worker: Pick<Worker, 'stop' | 'on'>,
  options: DrainOnSignalsOptions = {},
): () => void {
  const signals = options.signals ?? ['SIGTERM', 'SIGINT']
  let count = 0
  const remove = (): void => {
    for (const signal of signals) process.off(signal, onSignal)
    stopListening()
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    const action = count++ === 0 ? 'drain' : 'force'
    options.onSignal?.(signal, action)
    if (action === 'force') remove()
    void worker.stop(action === 'drain' ? {} : { drainMs: 0, graceMs: 0 })
  }
  const stopListening = worker.on('drained', remove)
  for (const signal of signals) process.on(signal, onSignal)
  return remove
}
