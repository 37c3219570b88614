/**
 * Workers as text: a table of them, and below it what they run.
 */
import type { WorkerView } from '../../client/types.ts'
import { renderTable, shortSpan } from './text.ts'

/** Jobs that are shown for all workers together; those that have run longest. */
const MOST_SHOWN = 20

/** The workers of a store, and what they run. */
export function renderWorkers(workers: readonly WorkerView[], now: number, width: number): string {
  if (workers.length === 0) return 'No workers.\n'
  const rows = workers.map(({ name, status, running }) => {
    const { succeeded = 0, ...others } = status?.ended ?? {}
    const failed = (others.failed ?? 0) + (others.lost ?? 0)
    return [
      name,
      status?.state ?? 'away',
      `${running.length}/${status?.slots ?? '?'}`,
      status === null ? '' : String(succeeded),
      status === null ? '' : String(failed),
      status === null ? '' : shortSpan(Math.max(0, now - status.startedAt)),
      status?.queues.join(' ') ?? '',
      status?.lastError ?? '',
    ]
  })
  const table = renderTable(
    [
      { title: 'WORKER' },
      { title: 'STATE' },
      { title: 'BUSY', align: 'right' },
      { title: 'OK', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'UP', align: 'right' },
      { title: 'QUEUES' },
      { title: 'LAST ERROR', flexible: true },
    ],
    rows,
    width,
  )
  const claims = workers.flatMap(({ name, running }) => running.map((claim) => ({ ...claim, name })))
  if (claims.length === 0) return table
  claims.sort((a, b) => a.startedAt - b.startedAt)
  const shown = claims
    .slice(0, MOST_SHOWN)
    .map(({ job, kind, queue, attempt, startedAt, name }) => [
      ...[String(job), kind, queue, String(attempt), shortSpan(Math.max(0, now - startedAt)), name],
    ])
  const jobs = renderTable(
    [
      { title: 'JOB', align: 'right' },
      { title: 'KIND' },
      { title: 'QUEUE' },
      { title: 'ATTEMPT', align: 'right' },
      { title: 'FOR', align: 'right' },
      { title: 'WORKER', flexible: true },
    ],
    shown,
    width,
  )
  const more = claims.length > MOST_SHOWN ? `... and ${claims.length - MOST_SHOWN} more\n` : ''
  return `${table}\n${jobs}${more}`
}
