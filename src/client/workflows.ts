/**
 * What can be asked about workflow runs, beside what can be asked about any job.
 */
import type { NewEntry } from '../core/commands/record.ts'
import type { JournalPage, JournalRow } from '../core/model/journal.ts'
import type { JobSpec } from './types.ts'

/** What a run did, or asks for, as its worker writes it down. */
export type RunEntry =
  | Exclude<NewEntry, { readonly type: 'child' }>
  | (Omit<Extract<NewEntry, { readonly type: 'child' }>, 'job'> & { readonly spec: JobSpec })

/** Runs as everybody sees them. */
export interface WorkflowClient {
  /**
   * Tells a live run something; kept until it waits for it. Durable when it resolves, with whether somebody waited.
   * Rejects with NOT_FOUND, WRONG_STATE, TOO_LARGE.
   */
  signal(run: number, name: string, value: unknown): Promise<{ readonly isAwaited: boolean }>
  /** A page of what a run recorded, from a sequence number on. Default 0. */
  journal(run: number, from?: number): Promise<JournalPage>
}

/** Runs as the worker sees that holds their leases. */
export interface WorkflowSession {
  /**
   * Writes what a run did. Answers, once it is durable, the rows; undefined where the lease was lost. Rejects with what
   * the enqueue of a child is refused with; nothing was written then. After UNKNOWN_OUTCOME the journal tells.
   */
  record(
    token: string,
    seen: number,
    entries: readonly RunEntry[],
  ): Promise<readonly JournalRow[] | undefined>
  /** A page of the journal of a leased run; undefined where the lease was lost. */
  journal(token: string, from: number): Promise<JournalPage | undefined>
  /** Calls back with the token of each leased run in whose journal something settled, or may have, that its worker did not write. */
  onNews(listener: (token: string) => void): void
}
