/**
 * Journals page by page, from wherever they are read.
 */
import type { JournalPage, JournalRow } from '../core/model/journal.ts'
import type { Client } from './client.ts'
import type { JobDetails } from './types.ts'
import type { WorkflowClient } from './workflows.ts'

/** The pages of a journal from its beginning to its end, or to the first that there is not. */
export async function* journalPages<Page extends JournalPage | undefined>(
  read: (from: number) => Promise<Page>,
): AsyncGenerator<Page> {
  for (let from = 0; ; ) {
    const page = await read(from)
    yield page
    if (page === undefined || page.isEnd) return
    from = page.next
  }
}

/** What reading a run takes of a client. */
export type RunReader = Pick<Client, 'get'> & { readonly workflows: Pick<WorkflowClient, 'journal'> }

/**
 * The journal and the job of one round of a run: both are read again where it began anew meanwhile.
 *
 * @throws NOT_FOUND.
 */
export async function readRound(
  client: RunReader,
  run: number,
): Promise<{ readonly rows: JournalRow[]; readonly job: JobDetails }> {
  for (;;) {
    const pages: JournalPage[] = []
    for await (const page of journalPages((from) => client.workflows.journal(run, from))) pages.push(page)
    const job = await client.get(run)
    const behind = await client.workflows.journal(run, pages.at(-1)?.next ?? 0)
    if (pages.every(({ origin }) => origin === behind.origin))
      return { rows: pages.flatMap(({ rows }) => rows), job }
  }
}
