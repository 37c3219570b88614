/** A commit that only moves the position: what tests of commits begin with. */
import type { Batch } from '../store.ts'

/** A batch that changes nothing, but for the position. */
export const NO_CHANGES: Omit<Batch, 'epoch' | 'sequence'> = {
  nextJobId: 1,
  nextNameId: 1,
  time: 0,
  jobs: [],
  names: [],
  profiles: [],
  routes: [],
  queues: [],
  limits: [],
  fair: [],
  fairGone: [],
  keys: [],
  keysGone: [],
  holders: [],
  dependents: [],
  attempts: [],
  payloads: [],
  logs: [],
  progress: [],
  metadata: [],
  runs: [],
  journal: [],
  journalCuts: [],
  counts: [],
  purged: [],
}
