/**
 * The memory store: a shard's rows in maps of this process. For tests, for examples, and for work that may
 * be lost with the process.
 *
 * It keeps its rows over `close` and `open`, so that a restart can be played through; and it can be told to
 * refuse commits or to lose their acknowledgement, so that a crash can be, too.
 */

import type { JobRow } from '../../core/model/job.ts'
import { RUNNING_LINE } from '../../core/model/line.ts'
import { type PerdureError, perdureError } from '../../errors.ts'
import type { Batch, Loaded, LoadRequest, Opening, Store, StoreReads } from '../store.ts'
import { load } from './load.ts'
import { createReads } from './reads.ts'
import { Tables } from './tables.ts'

/**
 * What becomes of a commit: it is tried; or it fails and nothing took effect; or it takes effect, but its
 * caller is told that it failed.
 */
export type CommitFate = 'ok' | 'refuse' | 'lose-ack'

/** Settings of a memory store. */
export interface MemoryStoreOptions {
  /** Decides what becomes of each commit; later calls wait for it. Default: `ok` for all. */
  readonly onCommit?: (batch: Batch) => CommitFate | Promise<CommitFate>
  /** Decides whether each load of the engine is answered. Default: `ok` for all. */
  readonly onLoad?: (request: LoadRequest) => 'ok' | 'refuse'
}

/** Makes an empty store. Its rows live as long as the object. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options)
}

/** Spaces of which an opening brings all names. */
const SMALL_SPACES: ReadonlySet<string> = new Set(['namespace', 'queue', 'kind', 'class'])

class MemoryStore implements Store {
  readonly name = 'memory:'
  readonly reads: StoreReads
  readonly #onCommit: MemoryStoreOptions['onCommit']
  readonly #onLoad: MemoryStoreOptions['onLoad']
  readonly #tables = new Tables()
  #epoch = 0
  #sequence = 0
  /** `failed`: a commit or a load did; only `open` or `close` lead out of what is unknown now. */
  #state: 'closed' | 'open' | 'failed' = 'closed'
  /** Settles with the last call that had to wait; undefined when none does. */
  #tail: Promise<unknown> | undefined

  constructor({ onCommit, onLoad }: MemoryStoreOptions) {
    this.#onCommit = onCommit
    this.#onLoad = onLoad
    const facts = () => ({ epoch: this.#epoch, sequence: this.#sequence })
    this.reads = createReads(this.#tables, facts, (read) => this.#inTurn(() => this.#whileOpen(read)))
  }

  open(): Promise<Opening> {
    return this.#inTurn(() => {
      if (this.#state === 'open') throw busyError()
      this.#state = 'open'
      this.#epoch++
      return this.#opening()
    })
  }

  commit(batch: Batch): Promise<void> {
    const decide = this.#onCommit
    if (decide === undefined) return this.#inTurn(() => this.#commit(batch, 'ok'))
    return this.#inTurn(async () => {
      this.#checkOpen()
      this.#commit(batch, await decide(batch))
    })
  }

  load(request: LoadRequest): Promise<Loaded> {
    return this.#inTurn(() => this.#whileOpen(() => this.#load(request)))
  }

  #load(request: LoadRequest): Loaded {
    if (this.#onLoad?.(request) !== 'refuse') return load(this.#tables, request)
    this.#state = 'failed'
    throw perdureError('STORE_FAILED', {
      expected: 'the memory store to answer a load',
      found: 'that it was told to refuse it',
      fix: 'Open the store anew',
    })
  }

  close(): Promise<void> {
    return this.#inTurn(() => {
      this.#state = 'closed'
    })
  }

  /** Runs calls one after another; at once where none before has to wait. */
  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const before = this.#tail
    const result = before === undefined ? attempt(work) : before.then(work)
    if (before === undefined && this.#onCommit === undefined) return result
    const tail = result.then(
      () => undefined,
      () => undefined,
    )
    this.#tail = tail
    void tail.then(() => {
      if (this.#tail === tail) this.#tail = undefined
    })
    return result
  }

  #whileOpen<T>(read: () => T): T {
    this.#checkOpen()
    return read()
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw closedError()
  }

  #commit(batch: Batch, fate: CommitFate): void {
    this.#checkOpen()
    try {
      if (fate === 'refuse') throw failedError('that it was told to refuse it')
      this.#checkFence(batch)
      this.#tables.verify(batch)
      this.#tables.apply(batch)
      this.#sequence = batch.sequence
      if (fate === 'lose-ack') throw failedError('that it was told to lose the acknowledgement')
    } catch (error) {
      this.#state = 'failed'
      throw error
    }
  }

  #checkFence({ epoch, sequence }: Batch): void {
    if (epoch === this.#epoch && sequence === this.#sequence + 1) return
    throw perdureError('FENCED', {
      expected: `a commit of epoch ${this.#epoch}, sequence ${this.#sequence + 1}`,
      found: `one of epoch ${epoch}, sequence ${sequence}`,
      fix: 'Stop this owner; the other one has the data',
    })
  }

  #opening(): Opening {
    const { nextJobId, nextNameId, time, names, queues, jobs } = this.#tables
    const running = this.#tables.line(RUNNING_LINE).from(undefined)
    return {
      epoch: this.#epoch,
      sequence: this.#sequence,
      nextJobId,
      nextNameId,
      time,
      names: [...names.values()].filter((row) => SMALL_SPACES.has(row.space)),
      queues: [...queues.values()],
      running: Array.from(running, (id) => jobs.get(id) as JobRow),
    }
  }
}

/** Runs something that may throw, as a promise. */
async function attempt<T>(work: () => T | Promise<T>): Promise<T> {
  return work()
}

function busyError(): PerdureError {
  return perdureError('STORE_BUSY', {
    expected: 'this memory store to be closed',
    found: 'that it is open',
    fix: 'Close it first, or use the engine that has it',
  })
}

function closedError(): PerdureError {
  return perdureError('CLOSED', {
    expected: 'this memory store to be open',
    found: 'that it is closed',
    fix: 'Open it first',
  })
}

function failedError(found: string): PerdureError {
  return perdureError('STORE_FAILED', {
    expected: 'the memory store to acknowledge a commit',
    found,
    fix: 'Open the store anew; that tells whether the commit took effect',
  })
}
