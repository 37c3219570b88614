/**
 * A store whose commits are timed.
 */
import type { Batch, Loaded, LoadRequest, Opening, Store, StoreReads } from '../../store/store.ts'

/** Passes everything on; tells how long each commit took, in seconds. */
export class MeasuredStore implements Store {
  readonly #store: Store
  readonly #onCommit: (seconds: number) => void

  constructor(store: Store, onCommit: (seconds: number) => void) {
    this.#store = store
    this.#onCommit = onCommit
  }

  get name(): string {
    return this.#store.name
  }

  get reads(): StoreReads {
    return this.#store.reads
  }

  open(): Promise<Opening> {
    return this.#store.open()
  }

  commit(batch: Batch): Promise<void> {
    const begin = performance.now()
    const commit = this.#store.commit(batch)
    // the engine deals with a commit that fails; here it only has no duration
    commit.then(
      () => this.#onCommit((performance.now() - begin) / 1000),
      () => {},
    )
    return commit
  }

  load(request: LoadRequest): Promise<Loaded> {
    return this.#store.load(request)
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
