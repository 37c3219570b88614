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
  signal(
    run: number,
    name: string,
    value: unknown,
    options?: SignalCall,
  ): Promise<{ readonly isAwaited: boolean }>
  /** A page of what a run recorded, from a sequence number on. Default 0. */
  journal(run: number, from?: number): Promise<JournalPage>
  /**
   * What a handler of the run answers, from what the run knows: live, waiting or ended. Changes nothing. Rejects with NOT_FOUND,
   * NO_HANDLER, NO_WORKER, TIMEOUT, NON_DETERMINISM, and as the handler failed.
   */
  query(run: number, name: string, input: unknown, options?: AskOptions): Promise<unknown>
  /**
   * Has a live run change: its handler's answer, once that is on record. Rejects with NOT_FOUND, NO_HANDLER, REFUSED, NO_WORKER,
   * WRONG_STATE where it has ended, TIMEOUT where it is on record and not answered yet, and as the handler failed.
   */
  update(run: number, name: string, input: unknown, options?: UpdateCall): Promise<unknown>
  /**
   * Makes a run that begins with what another one had done before a position, and goes on by itself; answers its id. The other one is
   * left as it is. Queue, priority, options and metadata are those of the run; its key and its limits are its own. Rejects with NOT_FOUND,
   * and as an enqueue is refused.
   */
  fork(run: number, options?: ForkOptions): Promise<number>
  /** Values of a stream of the run, those on record and those to come; ends with the run. */
  follow(run: number, name: string, options?: FollowOptions): AsyncIterable<StreamItem>
}

/** How to signal. */
export interface SignalCall {
  /** The same again, of this name for this run, is the same signal for a day. Default: it is like no other. */
  readonly id?: string
}

/** How to ask. */
export interface AskOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** How to update. */
export interface UpdateCall extends AskOptions {
  /** The same again is the same update, for as long as the run has its journal. Default: one of its own. */
  readonly id?: string
  /** True only in the first sending of an id that was made up for this call: it spares looking for it. */
  readonly isNew?: boolean
}

/** How to fork. */
export interface ForkOptions {
  /** The position of the first thing that is done anew, as a journal numbers them. Default: the first that failed. */
  readonly from?: number
  /** Another input. Default: that of the run. */
  readonly input?: unknown
  /** The version of the workflow that takes it up. Default: any, whatever that of the run was. */
  readonly version?: string
}

/** What of a stream to read. */
export interface FollowOptions {
  /** The offset to go on from. Default 0: from its beginning. */
  readonly from?: number
  readonly signal?: AbortSignal
}

/** A value of a stream. */
export interface StreamItem {
  /** Where to go on behind it. */
  readonly offset: number
  /** JSON text; null for none. */
  readonly value: string | null
}

/** A run is asked something; any worker that has its code can answer, from its journal. */
export interface RunQuestion {
  /** Stands for it in the answer, and for a lease where its journal is read. */
  readonly token: string
  readonly ask: 'query' | 'validate'
  readonly job: number
  readonly kind: string
  readonly namespace: string
  /** JSON text of the input of the run. */
  readonly runInput: string | null
  readonly name: string
  /** JSON text of the input of the question. */
  readonly input: string | null
}

/** An answer as JSON text; of one that is broken, an ErrorRecord. */
export interface RunAnswer {
  readonly isBroken: boolean
  readonly value: string | null
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
  /** Calls back with questions about runs of the worker's kinds. Each wants an answer. */
  onQuestion(listener: (question: RunQuestion) => void): void
  /** Answers a question; undefined where it cannot. */
  answer(token: string, answer: RunAnswer | undefined): Promise<void>
}
