/**
 * Pending: a position that the code of a run waits for, and how a row of the journal settles it.
 */
import { BROKEN, type JournalRow, type Retry, SIGNAL } from '../core/model/journal.ts'
import { recordedError } from './errors.ts'
import type { Undo } from './undo.ts'

export interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly undo: Undo | undefined
  /** The name, where it waits for a signal. */
  readonly signal?: string
  /** What the code gets to know when it has opened. */
  readonly opened?: ((row: JournalRow) => void) | undefined
  /** Tries a step again that has failed before. */
  readonly again?: ((position: number, retry: Retry) => void) | undefined
}

/** Settles what the code waits for as the journal says. */
export function settle({ resolve, reject }: Pending, { state, kind, value }: JournalRow): void {
  if (state === BROKEN) reject(recordedError(value))
  // Nothing in it: the signal did not come in time.
  else if (kind === SIGNAL) resolve((parse(value) as unknown[])[0])
  else resolve(parse(value))
}

/** A value out of the journal. */
export function parse(value: string | null): unknown {
  return value === null ? undefined : JSON.parse(value)
}

/** What nobody awaits must not end the process. */
export function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error)
  promise.catch(() => {})
  return promise
}

/** For code whose run goes on without it. */
export const NEVER: Promise<never> = new Promise(() => {})
