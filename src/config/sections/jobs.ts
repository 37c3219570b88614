/** What holds for jobs whose own options do not say otherwise. */
import { DEFAULT_PROFILE } from '../../core/model/profile.ts'
import { MAX_DURATION_MS } from '../../std/duration.ts'
import { duration, type Kind, Setting } from '../setting.ts'

const { timeouts, retention } = DEFAULT_PROFILE
const plain = duration()

/** How long an ended job stays; `ever` for always. */
const kept: Kind<number> = {
  read: (name, given) => (given === 'ever' ? MAX_DURATION_MS : plain.read(name, given)),
  fromText: plain.fromText,
  write: (ms) => (ms >= MAX_DURATION_MS ? 'ever' : plain.write(ms)),
}

/** The section `jobs`. */
export const JOBS = {
  lease: new Setting(duration(100), {
    about: 'an attempt whose worker was not heard of for this long is lost',
    fallback: timeouts.heartbeatMs,
  }),
  grace: new Setting(duration(), {
    about: 'from asking an attempt to stop to ending it by force',
    fallback: timeouts.graceMs,
  }),
  retention: {
    succeeded: new Setting(kept, {
      about: 'how long jobs that succeeded are kept, or ever',
      fallback: retention.succeededMs,
    }),
    failed: new Setting(kept, {
      about: 'how long jobs that failed are kept, or ever',
      fallback: retention.failedMs,
    }),
    cancelled: new Setting(kept, {
      about: 'how long jobs that were cancelled are kept, or ever',
      fallback: retention.cancelledMs,
    }),
  },
} as const
