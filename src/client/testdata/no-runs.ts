/**
 * The workflow part of clients and sessions that stand in for real ones in tests of other things: there are no runs.
 */
import type { WorkflowClient, WorkflowSession } from '../workflows.ts'

export const NO_RUNS: WorkflowClient = {
  signal: async () => ({ isAwaited: false }),
  journal: async (_, from = 0) => ({ rows: [], next: from, isEnd: true, origin: 0 }),
  query: async () => null,
  update: async () => null,
  fork: async () => 0,
  follow: async function* () {},
}

export const NO_LEASED_RUNS: WorkflowSession = {
  record: async () => undefined,
  journal: async () => undefined,
  onNews: () => {},
  onQuestion: () => {},
  answer: async () => {},
}
