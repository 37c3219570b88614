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
  readonly leases: readonly BeatLease[]
}

/** One lease to renew. */
export interface BeatLease {
  readonly token: string
  /** Term of the lease, ms. */
  readonly termMs: number
}

/** What the thread is told later on. */
export interface BeatChange {
  readonly added?: readonly BeatLease[]
  readonly removed?: readonly string[]
}

/** What the thread tells. */
export interface BeatNews {
  readonly lost: readonly string[]
}

const THREAD = new URL('./beat-thread.ts', import.meta.url)
const RESTART_MS = 500

/** Keeps leases alive until they are taken out. */
export class Beats {
  readonly #target: BeatTarget
  readonly #worker: WorkerName
  readonly #onLost: (tokens: readonly string[]) => void
  readonly #leases = new Map<string, number>()
  #removed: string[] = []
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
    for (const { token, termMs } of leases) this.#leases.set(token, termMs)
    this.#post({ added: leases })
  }

  /** Takes ended leases out; one message per turn of the event loop. */
  remove(tokens: readonly string[]): void {
    for (const token of tokens) this.#leases.delete(token)
    if (this.#removed.length === 0) {
      setImmediate(() => {
        const removed = this.#removed
        this.#removed = []
        this.#post({ removed })
      })
    }
    this.#removed.push(...tokens)
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#thread?.terminate()
  }

  #start(): void {
    if (this.#closed) return
    const leases = [...this.#leases].map(([token, termMs]) => ({ token, termMs }))
    const workerData: BeatSettings = { target: this.#target, worker: this.#worker, leases }
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
