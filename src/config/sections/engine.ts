/** The engine of a process that owns a store. How commits are grouped is not among it: nothing has to be set. */
import { duration, Setting } from '../setting.ts'

/** The section `engine`. */
export const ENGINE = {
  retentionEvery: new Setting(duration(), {
    about: 'how often ended jobs are looked for whose retention is over; 0s for never',
    fallback: 60_000,
  }),
} as const
