/**
 * log, progress: what a running attempt tells about itself. A stale token changes nothing (L2).
 */
import { HAS_LOGS, HAS_PROGRESS } from '../model/job.ts'
import type { View } from '../view.ts'
import { holdsLease } from './report.ts'

/** Most characters of output that are kept of one attempt; a marker tells what came after. */
const LOG_LIMIT = 4 * 1024 * 1024

export interface LogCommand {
  readonly type: 'log'
  readonly job: number
  readonly attempt: number
  readonly nonce: string
  readonly entries: readonly { readonly stream: string; readonly text: string }[]
}

type Tables = Pick<View, 'jobs' | 'append'>

/** Answers whether the lease is still valid. Beyond the limit nothing more is kept. */
export function log(view: Tables, command: LogCommand, now: number): boolean {
  const job = view.jobs.get(command.job)
  if (!holdsLease(job, command.attempt, command.nonce)) return false
  let size = job.logSize
  for (const { stream, text } of command.entries) {
    if (size >= LOG_LIMIT) break
    // Nothing has no place of its own: whoever reads on behind it would miss what comes there.
    if (text === '') continue
    const kept = text.slice(0, LOG_LIMIT - size)
    const piece = { job: job.id, attempt: job.attempt, at: now, stream }
    view.append.log({ ...piece, offset: size, text: kept })
    size += kept.length
    if (size >= LOG_LIMIT) view.append.log({ ...piece, stream: 'log', offset: size, text: CUT })
  }
  if (size !== job.logSize) view.jobs.put({ ...job, logSize: size, flags: job.flags | HAS_LOGS })
  return true
}

const CUT = `\n[output cut: the limit of ${LOG_LIMIT} characters of one attempt is reached]\n`

export interface ProgressCommand {
  readonly type: 'progress'
  readonly job: number
  readonly attempt: number
  readonly nonce: string
  readonly fraction: number
  readonly message: string | null
}

export function progress(view: Tables, command: ProgressCommand, now: number): boolean {
  const job = view.jobs.get(command.job)
  if (!holdsLease(job, command.attempt, command.nonce)) return false
  view.append.progress({ job: job.id, fraction: command.fraction, message: command.message, at: now })
  if ((job.flags & HAS_PROGRESS) === 0) view.jobs.put({ ...job, flags: job.flags | HAS_PROGRESS })
  return true
}
