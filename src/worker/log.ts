/**
 * What a worker says of its own life, to its own standard error and to the node.
 *
 * Owns: which events become records, and of what level. An attempt makes one at `debug` only: at any other level nobody
 * listens, and an attempt costs nothing here.
 */
import type { WorkerSession } from '../client/client.ts'
import type { Logger } from '../runtime/logger/logger.ts'
import type { Timers } from '../runtime/timers.ts'
import type { AttemptEndEvent, Listeners } from './events.ts'
import { Shipper } from './shipper.ts'

/** The log of one worker. */
export class WorkerLog {
  readonly logger: Logger
  readonly #shipper: Shipper
  readonly #listeners: Listeners
  #stopAttempts: (() => void) | undefined

  constructor(logger: Logger, worker: string, listeners: Listeners, timers: Timers) {
    this.#shipper = new Shipper(timers)
    this.#listeners = listeners
    this.logger = logger.part({ source: 'worker', worker }, this.#shipper.sink)
    listeners.on('error', (error) => this.logger.error(error.message, codeOf(error)))
    listeners.on('draining', ({ running }) => this.logger.info('Taking no more work', { running }))
    this.sync()
  }

  /** Follows a change of the level. */
  sync(): void {
    const wanted = this.logger.isOn('debug')
    if (wanted === (this.#stopAttempts !== undefined)) return
    if (wanted) this.#stopAttempts = this.#listeners.on('attempt', (end) => this.#attempt(end))
    else {
      this.#stopAttempts?.()
      this.#stopAttempts = undefined
    }
  }

  /** Hands records over to this session. */
  attach(session: WorkerSession): void {
    this.#shipper.attach(session)
  }

  /** Says the last word, and waits a moment for it to arrive. */
  close(unrecorded: number): Promise<void> {
    if (unrecorded > 0) this.logger.warn('Ended; some ends of attempts could not be reported', { unrecorded })
    else this.logger.info('Ended')
    return this.#shipper.close()
  }

  #attempt({ job, attempt, kind, queue, outcome, durationMs, error }: AttemptEndEvent): void {
    const reason = error === undefined ? {} : { code: error.code, reason: error.message }
    const ms = Math.round(durationMs)
    this.logger.debug(`Attempt ${outcome}`, { job, attempt, kind, queue, outcome, ms, ...reason })
  }
}

function codeOf(error: Error): { readonly code?: string } {
  return 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
}
