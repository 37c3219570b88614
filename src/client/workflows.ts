/**
 * What can be asked about workflow runs, beside what can be asked about any job. A connection that cannot carry it has
 * no such part.
 */
import type { NewEntry } from '../core/commands/record.ts'
import type { JournalPage, JournalRow } from '../core/model/journal.ts'
import { type PerdureError, perdureError } from '../errors.ts'
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
  /** What a run recorded, from a sequence number on. */
  journal(run: number, from?: number): Promise<JournalPage>
}

/** Runs as the worker sees that holds their leases. */
export interface WorkflowSession {
  /**
   * Writes what a run did. Answers, once it is durable, the rows; undefined where the lease was lost. Rejects with what
   * the enqueue of a child is refused with; nothing was written then.
   */
  record(
    token: string,
    seen: number,
    entries: readonly RunEntry[],
  ): Promise<readonly JournalRow[] | undefined>
  journal(run: number, from: number): Promise<JournalPage>
  /** Calls back with the token of each leased run in whose journal something settled that its worker did not write. */
  onNews(listener: (token: string) => void): void
}

/** What a connection without workflows is to whoever needs them: UNSUPPORTED. */
export function noWorkflows(what: string): PerdureError {
  return perdureError('UNSUPPORTED', {
    expected: `a connection that carries ${what}`,
    found: 'one that does not yet',
    fix: 'Do it in the process that owns the store',
  })
}
