/**
 * Waiting for room at the other end.
 *
 * Owns: how long to wait before a call is repeated that was refused because too much was waiting, and when to give up. As
 * long as the refusal says, and longer each time: what many callers wait for together is not there for all of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { PerdureError } from '../../errors.ts'

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 1_000

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
    const growing = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#refusals, 30))
    // a part of it is random, so that those that were refused together do not come back together
    const pauseMs = growing / 2 + (Math.random() * growing) / 2
    return typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs + pauseMs : pauseMs
  }
}
