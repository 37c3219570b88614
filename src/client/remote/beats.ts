/**
 * The heartbeats of a worker in another process than the engine, sent from a thread of their own.
 *
 * Owns: the thread and what it knows. A handler that blocks the event loop of its process for longer than
 * a lease keeps its lease, because the thread goes on renewing it for as long as the process lives; what
 * ends such an attempt is its time limit (`startToClose`), or the end of the process.
 */
import { Worker } from 'node:worker_threads'
import type { WorkerName } from '../../protocol/messages.ts'
import type { BeatTarget } from './door.ts'

/** What the thread is started with. */
export interface BeatSettings {
  readonly target: BeatTarget
  readonly worker: WorkerName
  readonly batches: readonly BeatBatch[]
}

/** One lease to renew. */
export interface BeatLease {
  readonly token: string
  /** Term of the lease, ms. */
  readonly heartbeatMs: number
}

/**
 * Leases that came together. They cross to the thread as one text, and leave it together once all of them have ended:
 * most live for a few ms, and a message or an object for each would cost more than they do.
 */
export interface BeatBatch {
  readonly number: number
  /** Tokens, one in a line. */
  readonly tokens: string
  /** The shortest term among them, ms. */
  readonly termMs: number
}

/** What the thread is told later on. */
export interface BeatChange {
  readonly added?: BeatBatch
  /** Numbers of batches of which no lease is left. */
  readonly removed?: readonly number[]
}

/** What the thread tells. */
export interface BeatNews {
  readonly lost: readonly string[]
}

const THREAD = new URL('./beat-thread.ts', import.meta.url)
const RESTART_MS = 500

/** A batch, and how many of its leases have not ended. */
interface Counted {
  readonly batch: BeatBatch
  left: number
}

/** Keeps leases alive until they are taken out. */
export class Beats {
  readonly #target: BeatTarget
  readonly #worker: WorkerName
  readonly #onLost: (tokens: readonly string[]) => void
  readonly #byToken = new Map<string, Counted>()
  readonly #batches = new Map<number, Counted>()
  #numbers = 0
  #removed: number[] = []
  #thread: Worker | undefined
  #closed = false

  constructor(target: BeatTarget, worker: WorkerName, onLost: (tokens: readonly string[]) => void) {
    this.#target = target
    this.#worker = worker
    this.#onLost = onLost
    this.#start()
  }

  /** Takes leases in. The message leaves at once, so that a handler that blocks right after cannot keep it back. */
  add(leases: readonly BeatLease[]): void {
    if (leases.length === 0) return
    this.#numbers += 1
    let termMs = Number.POSITIVE_INFINITY
    for (const { heartbeatMs } of leases) if (heartbeatMs < termMs) termMs = heartbeatMs
    const tokens = leases.map(({ token }) => token).join('\n')
    const counted = { batch: { number: this.#numbers, tokens, termMs }, left: leases.length }
    this.#batches.set(this.#numbers, counted)
    for (const { token } of leases) this.#byToken.set(token, counted)
    this.#post({ added: counted.batch })
  }

  /** Takes ended leases out. The thread hears of it when a whole batch has ended, once per turn of the event loop. */
  remove(tokens: readonly string[]): void {
    for (const token of tokens) {
      const counted = this.#byToken.get(token)
      if (counted === undefined) continue
      this.#byToken.delete(token)
      counted.left -= 1
      if (counted.left === 0) this.#forget(counted.batch.number)
    }
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#thread?.terminate()
  }

  #forget(number: number): void {
    this.#batches.delete(number)
    if (this.#removed.length === 0) {
      setImmediate(() => {
        const removed = this.#removed
        this.#removed = []
        this.#post({ removed })
      })
    }
    this.#removed.push(number)
  }

  #start(): void {
    if (this.#closed) return
    const batches = [...this.#batches.values()].map(({ batch }) => batch)
    const workerData: BeatSettings = { target: this.#target, worker: this.#worker, batches }
    const thread = new Worker(THREAD, { workerData, name: 'perdure-beats', execArgv: [] })
    this.#thread = thread
    thread.unref()
    thread.on('message', (news: BeatNews) => this.#onLost(news.lost))
    // `exit` follows, and with it a new thread.
    thread.on('error', () => {})
    thread.on('exit', () => setTimeout(() => this.#start(), RESTART_MS).unref())
  }

  #post(change: BeatChange): void {
    this.#thread?.postMessage(change)
  }
}
