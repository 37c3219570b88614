/**
 * How long to wait before something that failed is tried again: twice as long each time, and partly by chance, so that
 * those that failed together do not come back together.
 */

/** The pauses of one series of tries. */
export interface Pauses {
  readonly firstMs: number
  /** No pause is longer. */
  readonly longestMs: number
}

/** More doublings would leave the numbers that are exact, and no pause is that long. */
const MOST_DOUBLINGS = 30

/**
 * The pause before the next try, ms: between a half and the whole of what doubling gives.
 *
 * @param failures how often it has failed in a row before the failure that is waited for now.
 * @param chance from 0 to 1, another one each time.
 */
export function growingPauseMs({ firstMs, longestMs }: Pauses, failures: number, chance: number): number {
  const wholeMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures, MOST_DOUBLINGS))
  return wholeMs * (0.5 + chance / 2)
}
