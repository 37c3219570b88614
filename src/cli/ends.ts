/**
 * Waiting for many jobs, and what their ends mean for an exit code.
 */
import type { Client } from '../client/client.ts'
import type { JobEnd } from '../client/types.ts'
import { ERROR_KINDS, type ErrorCode } from '../errors.ts'

/** Waits under way at once. */
const UNDER_WAY = 4_096

/** Waits for jobs, whose ids may still be coming in, and tells each end. Rejects with the first error of a wait. */
export class Waiting {
  readonly #client: Client
  readonly #signal: AbortSignal
  readonly #onEnd: (end: JobEnd) => void
  readonly #isGap: (id: number, error: unknown) => boolean
  #queued: number[] = []
  #at = 0
  #underWay = 0
  #isComplete = false
  readonly #all = Promise.withResolvers<void>()

  /** @param isGap Whether an error of a wait only means that there is no such job, and is to be passed over. */
  constructor(
    client: Client,
    signal: AbortSignal,
    onEnd: (end: JobEnd) => void,
    isGap: (id: number, error: unknown) => boolean = () => false,
  ) {
    this.#isGap = isGap
    this.#client = client
    this.#signal = signal
    this.#onEnd = onEnd
    this.#all.promise.catch(() => {})
    const stop = () => this.#all.reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  }

  /** Adds jobs. */
  add(ids: readonly number[]): void {
    for (const id of ids) this.#queued.push(id)
    this.#next()
  }

  /** No more jobs come. Resolves at the end of all. */
  finish(): Promise<void> {
    this.#isComplete = true
    this.#next()
    return this.#all.promise
  }

  #next(): void {
    // In the order of adding, which is about that of ending: so that progress shows while it happens.
    while (this.#underWay < UNDER_WAY && this.#at < this.#queued.length) {
      const id = this.#queued[this.#at] as number
      this.#at += 1
      this.#underWay += 1
      this.#client.wait(id, this.#signal).then(
        (end) => {
          this.#underWay -= 1
          this.#onEnd(end)
          this.#next()
        },
        (error: unknown) => {
          if (!this.#isGap(id, error)) this.#all.reject(error)
          this.#underWay -= 1
          this.#next()
        },
      )
    }
    if (this.#at === this.#queued.length) {
      this.#queued = []
      this.#at = 0
      if (this.#isComplete && this.#underWay === 0) this.#all.resolve()
    }
  }
}

/** The exit code that stands for one end: that of the command where it had one. */
export function exitOf(end: JobEnd): number {
  if (end.state === 'succeeded') return 0
  if (end.state === 'cancelled') return ERROR_KINDS.CANCELLED.exit
  const { error, result } = end
  const own = exitCodeIn(error?.data) ?? exitCodeIn(result)
  if (own !== undefined && own > 0 && own < 256) return own
  const code = error?.code ?? ''
  return Object.hasOwn(ERROR_KINDS, code) ? ERROR_KINDS[code as ErrorCode].exit : 1
}

function exitCodeIn(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { exitCode } = value as { exitCode?: unknown }
  return typeof exitCode === 'number' ? exitCode : undefined
}

/** The exit code for several ends: 0 when all went well, the one's own when there was one, else 1. */
export function exitOfAll(ends: {
  readonly count: number
  readonly failed: number
  readonly last: JobEnd | undefined
}): number {
  if (ends.failed === 0) return 0
  return ends.count === 1 && ends.last !== undefined ? exitOf(ends.last) : 1
}
