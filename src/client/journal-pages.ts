/**
 * Journals page by page, from wherever they are read.
 */
import type { JournalPage } from '../core/model/journal.ts'

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
