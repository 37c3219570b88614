/**
 * Waiting for room at the other end.
 *
 * Owns: how long to wait before a call is repeated that was refused because too much was waiting, and when to give up. As
 * long as the refusal says, and longer each time: what many callers wait for together is not there for all of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { PerdureError } from '../../errors.ts'
import { growingPauseMs } from '../../std/pause.ts'

const PAUSES = { firstMs: 20, longestMs: 1_000 }

/** How long one call is repeated for. */
export interface PatienceOptions {
  /** When the call is given up, monotonic ms. */
  readonly deadline: number
  /** For calls without a deadline: how long after the first of several refusals, ms. */
  readonly patienceMs: number
  /** Any of these ends the waiting; it then rejects with its reason. */
  readonly signals: readonly AbortSignal[]
}

/** The patience of one call. */
export class Patience {
  readonly #options: PatienceOptions
  #refusals = 0
  #until = 0

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /**
   * Waits until the call may be repeated. Answers false for an error that waiting does not help, and at once where the
   * refusal tells that there will be no room in time.
   */
  async outwaits(error: unknown): Promise<boolean> {
    if (!(error instanceof PerdureError) || error.code !== 'OVERLOADED') return false
    const { deadline, patienceMs, signals } = this.#options
    const now = performance.now()
    if (this.#refusals === 0) this.#until = deadline < Number.POSITIVE_INFINITY ? deadline : now + patienceMs
    const pauseMs = this.#pauseMs(error)
    if (now + pauseMs >= this.#until) return false
    this.#refusals += 1
    const signal = AbortSignal.any([...signals])
    await sleep(pauseMs, undefined, { signal }).catch(() => {
      throw signal.reason
    })
    return true
  }

  /** The call got through, or its connection broke: what comes now is another matter. */
  calm(): void {
    this.#refusals = 0
  }

  #pauseMs({ data }: PerdureError): number {
    const { retryAfterMs } = data
    const pauseMs = growingPauseMs(PAUSES, this.#refusals, Math.random())
    return typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs + pauseMs : pauseMs
  }
}
