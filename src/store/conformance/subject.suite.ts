/**
 * Subject: one store under test, with the bookkeeping of an owner, so that tests say only what they change.
 */
import { onTestFinished } from 'vitest'
import type { Batch, Loaded, LoadRequest, Opening, Store, StoreReads } from '../store.ts'
import { NO_LOAD } from '../store.ts'
import { NO_CHANGES } from '../testdata/no-changes.ts'

/** Data of which fresh handles can be had, one after another. */
export interface StoreFixture {
  /** A handle that was not opened yet, on the same data: as after a restart. */
  open(): Promise<Store>
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>
}

/** What a store can do beyond the interface; tests of the rest are skipped. */
export interface StoreTraits {
  /** The data outlives a handle. Default true; false for a database in memory. */
  readonly keepsData?: boolean
}

export type MakeStore = () => Promise<StoreFixture>

export class Subject {
  readonly #fixture: StoreFixture
  #store: Store
  #ids = { nextJobId: 1, nextNameId: 1 }
  opening: Opening
  sequence: number

  private constructor(fixture: StoreFixture, store: Store, opening: Opening) {
    this.#fixture = fixture
    this.#store = store
    this.opening = opening
    this.sequence = opening.sequence
  }

  /** An open store, disposed of at the end of the test. */
  static async open(make: MakeStore): Promise<Subject> {
    const fixture = await make()
    onTestFinished(() => fixture.dispose())
    const store = await fixture.open()
    return new Subject(fixture, store, await store.open())
  }

  get store(): Store {
    return this.#store
  }

  get reads(): StoreReads {
    return this.#store.reads
  }

  /** The next batch in order, with these changes. */
  batch(changes: Partial<Batch>): Batch {
    const { nextJobId, nextNameId } = changes
    this.#ids = {
      nextJobId: nextJobId ?? this.#ids.nextJobId,
      nextNameId: nextNameId ?? this.#ids.nextNameId,
    }
    return { ...NO_CHANGES, ...this.#ids, epoch: this.opening.epoch, sequence: this.sequence + 1, ...changes }
  }

  /** Commits the next batch; nobody has to wait for it before the next call. */
  commit(changes: Partial<Batch>): Promise<void> {
    const batch = this.batch(changes)
    this.sequence++
    return this.#store.commit(batch)
  }

  load(request: Partial<LoadRequest>): Promise<Loaded> {
    return this.#store.load({ ...NO_LOAD, ...request })
  }

  /** Opens the same handle anew, as an owner does after a failure. */
  async reopen(): Promise<Opening> {
    return this.#opened(await this.#store.open())
  }

  /** A new handle on the same data. */
  async restart(): Promise<Opening> {
    await this.#store.close()
    this.#store = await this.#fixture.open()
    return this.#opened(await this.#store.open())
  }

  /** Another handle on the same data, not opened, while this one is open. */
  another(): Promise<Store> {
    return this.#fixture.open()
  }

  #opened(opening: Opening): Opening {
    this.opening = opening
    this.sequence = opening.sequence
    this.#ids = { nextJobId: opening.nextJobId, nextNameId: opening.nextNameId }
    return opening
  }
}
