/**
 * Layers: values that were given, each with the place that it came from.
 */

/** One value that was given for one setting. */
export interface Given {
  /** The setting: `worker.concurrency`. */
  readonly path: string
  /** As a file would hold it, or the text of a variable or flag. */
  readonly value: unknown
  readonly isText: boolean
  /** `perdure.yaml:3:5`, `PERDURE_WORKER_CONCURRENCY`, `--concurrency`. */
  readonly where: string
}

/** What kind of place a value came from; later ones win. */
export const ORIGINS = ['default', 'file', 'environment', 'flag'] as const

/** A kind of place. */
export type Origin = (typeof ORIGINS)[number]
