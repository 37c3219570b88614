/**
 * The receiving end of one stream: a bounded buffer that an async iterator empties.
 *
 * Owns: the credit it gives to the sender. A consumer that stops taking stops the sender, not the connection.
 */

/** What a stream asks of its connection. */
export interface StreamControl {
  /** Gives the sender room for more items. */
  credit(items: number): void
  /** Tells the sender that nobody listens any more. */
  cancel(): void
}

/** One stream as its consumer sees it. */
export class RemoteStream<T> implements AsyncIterableIterator<T> {
  readonly #window: number
  #control: StreamControl | undefined
  #items: T[] = []
  #at = 0
  #taken = 0
  #ended = false
  #error: unknown
  #waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void }[] = []

  constructor(window: number) {
    this.#window = window
  }

  /** The stream is open on a connection. */
  start(control: StreamControl): void {
    this.#control = control
    if (this.#ended) control.cancel()
  }

  /** An item arrived. */
  push(item: T): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#items.push(item)
    else {
      this.#take()
      waiting.resolve({ done: false, value: item })
    }
  }

  /** No more items come; with an error, because something went wrong. What is buffered is still delivered. */
  finish(error?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#error === undefined) resolve({ done: true, value: undefined })
      else reject(this.#failure())
    }
  }

  /** The consumer wants no more. */
  cancel(): void {
    if (!this.#ended) this.#control?.cancel()
    this.#items = []
    this.#at = 0
    this.finish()
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#at < this.#items.length) {
      const value = this.#items[this.#at] as T
      this.#at += 1
      if (this.#at === this.#items.length) {
        this.#items = []
        this.#at = 0
      }
      this.#take()
      return Promise.resolve({ done: false, value })
    }
    if (this.#error !== undefined) return Promise.reject(this.#failure())
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<T>> {
    this.cancel()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel()
  }

  /** An error is thrown once; after it the iterator is done, as iterators are. */
  #failure(): unknown {
    const error = this.#error
    this.#error = undefined
    return error
  }

  #take(): void {
    this.#taken += 1
    // Half a window at a time: seldom enough to be cheap, early enough that the sender never runs dry.
    if (this.#taken < this.#window / 2 || this.#ended) return
    this.#control?.credit(this.#taken)
    this.#taken = 0
  }
}
