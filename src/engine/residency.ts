/**
 * Residency: how much of a shard is kept in memory. Only tests and simulations have a reason to change it: in a
 * small memory, what big shards meet seldom happens all the time.
 */

/** How many entries the head of a waiting line has. */
export interface HeadSizes {
  /** Beyond it, the rear half goes back to being only in the store. */
  readonly most: number
  /** When fewer are left and there is a tail, the next window is read. */
  readonly low: number
  /** How many entries one read of a tail brings. */
  readonly window: number
}

/** What is kept in memory. */
export interface Residency {
  /** Most clean job rows to keep. A row takes about half a KiB. */
  readonly jobs: number
  /** Most clean rows of each other kind to keep. */
  readonly others: number
  /** Most empty limit lines to keep; further ones are read again on use. */
  readonly lines: number
  readonly head: HeadSizes
}

/** What an engine keeps unless it is told otherwise. */
export const RESIDENCY: Residency = {
  jobs: 80_000,
  others: 20_000,
  lines: 20_000,
  head: { most: 32_768, low: 8_192, window: 4_096 },
}
