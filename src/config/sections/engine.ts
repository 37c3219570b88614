/** The engine of a process that owns a store. How commits are grouped is not among it: nothing has to be set. */
import { duration, Setting, whole } from '../setting.ts'

/** The section `engine`. */
export const ENGINE = {
  retentionEvery: new Setting(duration(), {
    about: 'how often ended jobs are looked for whose retention is over; 0s for never',
    fallback: 60_000,
  }),
  maxWaiting: new Setting(whole(1, 10_000_000), {
    about:
      'calls that may wait for the store; beyond it callers are told OVERLOADED, and what waits takes memory',
    fallback: 100_000,
  }),
} as const
