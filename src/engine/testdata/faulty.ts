/** An engine over a memory store whose commits a test holds, refuses, or takes without saying so. */

import type { Client } from '../../client/client.ts'
import { createEmbeddedClient } from '../../client/embedded/client.ts'
import { TestSurroundings } from '../../runtime/testdata/test-surroundings.ts'
import { type CommitFate, createMemoryStore } from '../../store/memory/memory-store.ts'
import type { Batch, Store } from '../../store/store.ts'
import { Engine, type EngineOptions } from '../engine.ts'

/** A commit that waits for its fate. */
export interface Held {
  readonly batch: Batch
  decide(fate: CommitFate): void
}

export class Faulty {
  readonly time = new TestSurroundings()
  readonly batches: Batch[] = []
  readonly held: Held[] = []
  store!: Store
  engine!: Engine
  client!: Client
  /** While true, commits wait until the test decides. */
  isHolding = false
  /** While true, commits are refused at once. */
  isFull = false
  /** Loads that fail from now on. */
  failingLoads = 0
  #onHeld: (() => void) | undefined

  readonly #options: EngineOptions

  private constructor(options: EngineOptions) {
    this.#options = { retentionEveryMs: 0, ...options }
  }

  static async open(options: EngineOptions = {}): Promise<Faulty> {
    const faulty = new Faulty(options)
    faulty.store = createMemoryStore({
      onCommit: (batch) => faulty.#fate(batch),
      onLoad: () => (faulty.failingLoads-- > 0 ? 'refuse' : 'ok'),
    })
    await faulty.reopen()
    return faulty
  }

  /** Opens an engine on what the store has. */
  async reopen(): Promise<void> {
    this.engine = await Engine.open(this.store, this.time, this.#options)
    this.client = createEmbeddedClient(this.engine)
  }

  #fate(batch: Batch): CommitFate | Promise<CommitFate> {
    this.batches.push(batch)
    if (this.isFull) return 'refuse'
    if (!this.isHolding) return 'ok'
    return new Promise((resolve) => {
      this.held.push({ batch, decide: resolve })
      this.#onHeld?.()
    })
  }

  /** The next commit that waits for its fate. */
  async nextHeld(): Promise<Held> {
    while (this.held.length === 0) {
      await new Promise<void>((resolve) => {
        this.#onHeld = resolve
      })
    }
    return this.held.shift() as Held
  }

  /** Lets the event loop turn until everything that can happen has happened. */
  async turns(count = 20): Promise<void> {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** What has become of a promise, without waiting for it. */
export function follow<T>(promise: Promise<T>): {
  state: 'pending' | 'ok' | 'failed'
  value?: T
  code?: string
} {
  const followed: { state: 'pending' | 'ok' | 'failed'; value?: T; code?: string } = { state: 'pending' }
  promise.then(
    (value) => Object.assign(followed, { state: 'ok', value }),
    (error: { code?: string }) => Object.assign(followed, { state: 'failed', code: error.code }),
  )
  return followed
}
