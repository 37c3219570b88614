/**
 * How long a command waits for a store that others hold without serving it.
 *
 * Owns: that judgement. Many short commands that take turns are waited for, however slow the machine is; one that stays is
 * not for long.
 */
import { PerdureError } from '../errors.ts'

/** How long one owner is waited for, ms. */
const OWNER_MS = 10_000
/** How long all of them together are, ms: whoever is unlucky so often would be told nothing for ever. */
const MOST_MS = 120_000

/** The wait of one command. */
export class Turns {
  readonly #begunAt: number
  #owner: string | undefined
  #ownedAt: number

  /** @param now monotonic ms. */
  constructor(now: number) {
    this.#begunAt = now
    this.#ownedAt = now
  }

  /** Whether to try once more behind this error, at this moment. False for any error but STORE_BUSY. */
  isWorthWaiting(error: unknown, now: number): boolean {
    if (!(error instanceof PerdureError) || error.code !== 'STORE_BUSY') return false
    const owner = `${error.data.pid} ${error.data.since}`
    if (owner !== this.#owner) {
      this.#owner = owner
      this.#ownedAt = now
    }
    return now - this.#ownedAt <= OWNER_MS && now - this.#begunAt <= MOST_MS
  }
}
