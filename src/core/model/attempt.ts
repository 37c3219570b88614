/**
 * What everybody is told of an attempt who has to do with it: its worker, its executor, its handler.
 */

/** Which attempt of which job it is. */
export interface AttemptFacts {
  readonly job: number
  readonly kind: string
  readonly queue: string
  readonly namespace: string
  /** From 1, over all restarts; never reused. */
  readonly attempt: number
  /** From 1, since the last restart. */
  readonly attemptSinceRestart: number
  /** True when a failure of this attempt is final. */
  readonly isLastAttempt: boolean
  /**
   * Fencing token: unique per attempt, ordered within a job. Every report carries it; hand it to systems that can compare
   * it.
   */
  readonly token: string
  readonly metadata: Readonly<Record<string, string>>
}
