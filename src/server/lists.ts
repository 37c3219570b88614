/**
 * Lists, which are large: some rows at a time, and one list at a time.
 *
 * Owns: that whoever asks for many rows takes neither the event loop nor the reading thread from the others for longer
 * than some rows need; and the turns that callers take.
 */
import type { Client } from '../client/client.ts'
import type { JobPage, JobQuery, JobView } from '../client/types.ts'
import { LIST_ROWS_AT_ONCE } from '../protocol/limits.ts'

/** Most rows of a list; whatever is beyond is the client's to refuse. */
const MOST_ROWS = 1_000

/** A page of a list, read some rows at a time. Jobs may come and go meanwhile, as between two pages. */
export async function listInParts(client: Client, query: JobQuery): Promise<JobPage> {
  const { limit = 0 } = query
  if (!Number.isSafeInteger(limit) || limit <= LIST_ROWS_AT_ONCE || limit > MOST_ROWS)
    return client.list(query)
  const jobs: JobView[] = []
  let { cursor } = query
  do {
    const part = { ...query, limit: Math.min(LIST_ROWS_AT_ONCE, limit - jobs.length) }
    const page = await client.list(cursor === undefined ? part : { ...part, cursor })
    jobs.push(...page.jobs)
    cursor = page.next
  } while (cursor !== undefined && jobs.length < limit)
  return cursor === undefined ? { jobs } : { jobs, next: cursor }
}

/** Carries out one thing at a time; callers who want more than one take turns. */
export class Turns {
  /** Who waits, by caller: the one whose turn is next comes first. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #isTaken = false

  /** Waits for a turn of a caller, and acts. */
  async take<T>(caller: string, act: () => Promise<T>): Promise<T> {
    if (this.#isTaken) await new Promise<void>((begin) => this.#wait(caller, begin))
    this.#isTaken = true
    try {
      return await act()
    } finally {
      this.#pass()
    }
  }

  #wait(caller: string, begin: () => void): void {
    const queue = this.#waiting.get(caller)
    if (queue === undefined) this.#waiting.set(caller, [begin])
    else queue.push(begin)
  }

  /** It stays taken for whoever comes next, so that nobody slips in between. */
  #pass(): void {
    const [next] = this.#waiting
    this.#isTaken = next !== undefined
    if (next === undefined) return
    const [caller, queue] = next
    this.#waiting.delete(caller)
    const begin = queue.shift()
    if (queue.length > 0) this.#waiting.set(caller, queue)
    begin?.()
  }
}
