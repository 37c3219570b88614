/**
 * A stream of values out of a workflow run, as its reader sees it.
 */
import type { FollowOptions, StreamItem } from '../client/workflows.ts'

/** What of a stream to read. */
export interface StreamOptions {
  /** The offset to go on from. Default 0: from its beginning. */
  readonly from?: number
  readonly signal?: AbortSignal
}

/** Values, in the order in which they were written. Each `for await` begins where the one before ended. */
export class RunStream<Value> implements AsyncIterable<Value> {
  readonly #follow: (options: FollowOptions) => AsyncIterable<StreamItem>
  readonly #signal: AbortSignal | undefined
  /** Where to go on behind the last value that was taken: `from` of another stream, of another process perhaps. */
  offset: number

  /** @internal Made by a handle. */
  constructor(
    follow: (options: FollowOptions) => AsyncIterable<StreamItem>,
    { from = 0, signal }: StreamOptions,
  ) {
    this.#follow = follow
    this.#signal = signal
    this.offset = from
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Value> {
    const signal = this.#signal
    const options = { from: this.offset, ...(signal === undefined ? {} : { signal }) }
    for await (const { offset, value } of this.#follow(options)) {
      this.offset = offset
      yield (value === null ? undefined : JSON.parse(value)) as Value
    }
  }
}
