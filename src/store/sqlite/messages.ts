/**
 * What the two sides of a store thread say to each other.
 */
import type { Grant } from '../../core/commands/lease.ts'
import type { ErrorRecord } from '../../errors.ts'
import type { Batch, Loaded, LoadRequest } from '../store.ts'
import type { PackedRows } from './job-columns.ts'

/** Job changes of one shape: the same columns, inserted or updated. */
export interface JobGroup {
  readonly isInsert: boolean
  /** The columns that are written, and those of them that differ from row to row. */
  readonly mask: number
  readonly varying: number
  readonly count: number
  /** Per row: the id, then the number columns that vary. */
  readonly numbers: Float64Array
  /** Per row: the text columns that vary. */
  readonly texts: readonly (string | null)[]
  /** The values of the columns that do not vary: numbers, then texts. */
  readonly constants: readonly (number | string | null)[]
}

/** Ready jobs that were leased by one command. */
export interface LeaseGroup extends Grant {
  readonly jobs: readonly number[]
}

/** A batch as it crosses: jobs as groups, everything else as it is. */
export interface PackedBatch extends Omit<Batch, 'jobs'> {
  readonly groups: readonly JobGroup[]
  readonly leases: readonly LeaseGroup[]
  readonly deleted: readonly number[]
}

/** What was read, as it crosses. */
export interface PackedLoaded extends Omit<Loaded, 'jobs' | 'windows'> {
  readonly jobs: PackedRows
  readonly windows: readonly { readonly rows: PackedRows; readonly exhausted: boolean }[]
}

/** A request to the thread. `read` names a function of StoreReads. */
export type Request =
  | { readonly id: number; readonly op: 'open' }
  | { readonly id: number; readonly op: 'commit'; readonly batch: PackedBatch }
  | { readonly id: number; readonly op: 'load'; readonly request: LoadRequest }
  | { readonly id: number; readonly op: 'read'; readonly name: string; readonly args: readonly unknown[] }
  | { readonly id: number; readonly op: 'checkpoint' }
  | { readonly id: number; readonly op: 'close' }

/** Its answer. */
export interface Response {
  readonly id: number
  readonly value?: unknown
  readonly error?: ErrorRecord
}

/** How a thread is started. */
export interface ThreadOptions {
  readonly path: string
  /** A reader opens the file read-only and never owns it; a checkpointer only moves the log into the file. */
  readonly role: 'owner' | 'reader' | 'checkpointer'
  /** Told to others who find the store owned. */
  readonly socket: string | null
}
