/**
 * The history of a run, read through a client.
 */
import type { Client } from '../client/client.ts'
import type { JournalRow } from '../core/model/journal.ts'
import { FORMAT, type RunHistory, VERSION, writeRows } from '../workflow/history.ts'

/**
 * Reads a run with everything that it recorded since it began, or began anew.
 *
 * @throws NOT_FOUND.
 */
export async function readHistory(client: Client, run: number): Promise<RunHistory> {
  const job = await client.get(run)
  const rows: JournalRow[] = []
  for (let from = 0, isEnd = false; !isEnd; ) {
    const page = await client.workflows.journal(run, from)
    rows.push(...page.rows)
    from = page.next
    isEnd = page.isEnd
  }
  return {
    format: FORMAT,
    version: VERSION,
    run,
    kind: job.kind ?? '',
    state: job.state,
    input: job.input,
    result: job.result,
    error: job.error,
    createdAt: job.createdAt,
    finishedAt: job.finishedAt,
    metadata: job.metadata,
    attempts: job.history,
    journal: writeRows(rows),
  }
}
