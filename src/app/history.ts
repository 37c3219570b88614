/**
 * The history of a run, read through a client.
 */
import type { Client } from '../client/client.ts'
import { journalPages, readRound } from '../client/journal-pages.ts'
import { spellRow } from '../core/model/journal.ts'
import { FORMAT, type HistoryRow, type RunHistory, VERSION } from '../workflow/history.ts'

/**
 * Reads a run with everything that it recorded since it began, or began anew.
 *
 * @throws NOT_FOUND.
 */
export async function readHistory(client: Client, run: number): Promise<RunHistory> {
  const { rows, job } = await readRound(client, run)
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
    journal: rows.map(spellRow),
  }
}

/**
 * Reads what a run recorded since it began, or began anew.
 *
 * @throws NOT_FOUND.
 */
export async function readJournal(client: Client, run: number): Promise<HistoryRow[]> {
  const rows: HistoryRow[] = []
  for await (const page of journalPages((from) => client.workflows.journal(run, from)))
    rows.push(...page.rows.map(spellRow))
  return rows
}
