/**
 * A store whose process dies at an operation that a test chooses: before it takes effect, or after it did and before
 * anybody heard of it. Nothing is answered from then on.
 */
import { type PerdureError, perdureError } from '../errors.ts'
import type { Store, StoreReads } from '../store/store.ts'

/** When it dies. */
export interface Death {
  /** At which operation, from 1; Infinity for never. */
  readonly at: number
  readonly isAfter: boolean
}

/** The operations of a store in the order in which they began. */
export class MortalStore implements Store {
  readonly name = 'mortal:'
  readonly reads: StoreReads
  readonly #store: Store
  readonly #death: Death
  /** Operations so far. */
  operations = 0
  #isDead = false
  readonly #died = Promise.withResolvers<void>()

  constructor(store: Store, death: Death) {
    this.#store = store
    this.#death = death
    this.reads = new Proxy(store.reads, {
      get: (reads, name) => {
        const read = reads[name as keyof StoreReads] as (...args: unknown[]) => Promise<unknown>
        return (...args: unknown[]) => this.#alive(() => read(...args))
      },
    })
  }

  /** Whether its process has died. */
  get isDead(): boolean {
    return this.#isDead
  }

  /** Resolves when its process dies. */
  get died(): Promise<void> {
    return this.#died.promise
  }

  readonly open: Store['open'] = () => this.#alive(() => this.#store.open())
  readonly commit: Store['commit'] = (batch) => this.#alive(() => this.#store.commit(batch))
  readonly load: Store['load'] = (request) => this.#alive(() => this.#store.load(request))

  close(): Promise<void> {
    return this.#store.close()
  }

  async #alive<T>(operation: () => Promise<T>): Promise<T> {
    const isLast = ++this.operations >= this.#death.at
    if (isLast && !this.#death.isAfter) this.#die()
    if (this.#isDead) throw deadError()
    const answer = await operation()
    if (isLast) this.#die()
    if (this.#isDead) throw deadError()
    return answer
  }

  #die(): void {
    this.#isDead = true
    this.#died.resolve()
  }
}

function deadError(): PerdureError {
  return perdureError('FENCED', {
    expected: 'a process that lives',
    found: 'one that was killed',
    fix: 'Open the store in another process',
  })
}
