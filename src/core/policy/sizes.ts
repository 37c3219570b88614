/**
 * Sizes: how large things may be. Lengths are in UTF-16 units of the JSON text.
 */

/** Inputs and results. */
export const MOST_VALUE = 4 * 1024 * 1024
/** Values up to this length stand in the job row; longer ones in a table of their own. */
export const INLINE_VALUE = 2_048
/** Message and stack of an error together; more is cut. */
export const MOST_ERROR = 64 * 1024
/** Jobs of one atomic call. */
export const MOST_JOBS = 10_000
/** Metadata pairs of a job, and the length of a name and a value. */
export const MOST_PAIRS = 16
export const MOST_PAIR_NAME = 64
export const MOST_PAIR_VALUE = 512
/** Names of queues, kinds, namespaces. */
export const MOST_NAME = 128
/** Keys: idempotency, uniqueness, fairness, limits. */
export const MOST_KEY = 512
/** Limits and dependencies of one job. */
export const MOST_LIMITS = 16
export const MOST_DEPENDENCIES = 100_000
/** Smallest and largest priority. */
export const MOST_PRIORITY = 1_000_000
/** Signals that are kept for one run, together. */
export const MOST_INBOX = 1024 * 1024
