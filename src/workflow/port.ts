/**
 * What a workflow run needs of whoever works on it: a place to write its journal, and one to read it from.
 */
import type { NewEntry } from '../core/commands/record.ts'
import type { JournalPage, JournalRow } from '../core/model/journal.ts'

/** A job that a run asks for, in the words of whoever enqueues it. */
export type ChildSpec = object

/** What a run did, or asks for. */
export type FlowEntry =
  | Exclude<NewEntry, { readonly type: 'child' }>
  | (Omit<Extract<NewEntry, { readonly type: 'child' }>, 'job'> & { readonly spec: ChildSpec })

/** One attempt of a run, as its code needs it. */
export interface RunPort {
  /** Answers the rows once they are durable; undefined where the lease was lost. Rejects with what a child is refused with, or with UNKNOWN_OUTCOME. */
  record(seen: number, entries: readonly FlowEntry[]): Promise<readonly JournalRow[] | undefined>
  /** A page of the journal from a sequence number on; undefined where the lease was lost. */
  read(from: number): Promise<JournalPage | undefined>
  /** The spec of a child, from what the code gave. */
  child(definition: Callable, input: unknown, options: object | undefined): ChildSpec | Promise<ChildSpec>
  /** Calls `act` after a time, ms; the answer calls it off. */
  after(ms: number, act: () => void): () => void
  now(): number
  /** Tells how far the run is. */
  progress(fraction: number, message: string | undefined): void
  /** Which attempt of the run it is. */
  readonly attempt: number
  /** The run can be kept no more, or goes on. */
  readonly signal: AbortSignal
}

/** What can be called from a workflow: a definition of a job or of a workflow. */
export interface Callable<Input = unknown, Output = unknown> {
  readonly kind: string
  readonly '~types'?: { readonly input: Input; readonly output: Output }
}

/** How an attempt of a run ended. */
export type RunEnd =
  | { readonly type: 'succeeded'; readonly result: unknown }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'cancelled' }
  | { readonly type: 'suspended'; readonly seen: number }
  | { readonly type: 'continued'; readonly input: unknown }
  /** The code does not fit the journal. */
  | { readonly type: 'paused'; readonly error: unknown }
  /** Stopped on demand; what was recorded stands. */
  | { readonly type: 'stopped' }
  | { readonly type: 'lost' }
