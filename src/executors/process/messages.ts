/**
 * What a worker and the processes that run its attempts say to each other.
 */
import type { LogStream, Outcome, StopReason } from '../../core/model/outcome.ts'
import type { ErrorRecord } from '../../errors.ts'
import type { Attempt } from '../executor.ts'

/** To the process. Attempts are told apart by a number that is never used again. */
export type ToProcess =
  | { readonly type: 'run'; readonly id: number; readonly attempt: Attempt; readonly graceMs: number }
  | {
      readonly type: 'stop'
      readonly id: number
      readonly reason: StopReason
      readonly graceMs: number
      readonly signal: string | undefined
    }
  /** There is a slot again, or there always was. */
  | { readonly type: 'goOn'; readonly id: number }
  /** End what runs, by force, and then yourself. */
  | { readonly type: 'close' }

/** From the process. */
export type FromProcess =
  | { readonly type: 'ready' }
  /** It cannot be made ready; it ends by itself. */
  | { readonly type: 'broken'; readonly error: ErrorRecord }
  | { readonly type: 'log'; readonly id: number; readonly stream: LogStream; readonly text: string }
  | {
      readonly type: 'progress'
      readonly id: number
      readonly fraction: number
      readonly message: string | undefined
    }
  | { readonly type: 'giveWay'; readonly id: number }
  | {
      readonly type: 'end'
      readonly id: number
      readonly outcome: Outcome
      /** A handler was left behind that did not heed its stop: the process is to be replaced. */
      readonly isWorn: boolean
    }
