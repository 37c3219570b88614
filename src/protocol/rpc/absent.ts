/**
 * What plain data has where a message has nothing: null in the fields named here, otherwise no property at all.
 */

/** Names of messages, and of those of their fields that are null where there is nothing. */
export const NULLS: Readonly<Record<string, readonly string[]>> = {
  WorkerView: ['host', 'pid', 'status'],
  Job: ['kind', 'parent', 'key', 'startedAt', 'finishedAt', 'worker', 'unplaced', 'progress', 'error'],
  Progress: ['message'],
  Attempt: ['endedAt', 'error'],
  WaitResponse: ['error'],
  ControlResponse: ['state'],
  WatchResponse: ['previous'],
}

/** Messages whose empty lists and maps mean that nothing was said. */
export const SPARSE: ReadonlySet<string> = new Set([
  'JobSpec',
  'ListRequest',
  'WatchRequest',
  'CommandContext',
  'Requirements',
])
