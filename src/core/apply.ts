/**
 * apply: the one door of the core. Given a view, a command and the time, it decides what changes.
 *
 * Pure and synchronous: no clock, no randomness, no I/O, no promises. Changes are what the view has staged
 * when it returns; the reply is the return value. A reply that is a PerdureError is a refusal: the engine
 * throws away whatever was staged.
 */
import { unreachable } from '../std/assert.ts'
import { type ControlCommand, control } from './commands/control.ts'
import { type EnqueueCommand, enqueue } from './commands/enqueue.ts'
import { type ForgetCommand, forget } from './commands/forget.ts'
import { type ImportCommand, importJobs } from './commands/import.ts'
import { type LeaseCommand, lease } from './commands/lease.ts'
import { type LogCommand, log, type ProgressCommand, progress } from './commands/output.ts'
import { type PauseCommand, pause } from './commands/queue.ts'
import { type RecordCommand, record } from './commands/record.ts'
import { type ReportCommand, report } from './commands/report.ts'
import { type SettleCommand, settle } from './commands/settle.ts'
import { type SignalCommand, signal } from './commands/signal.ts'
import { type DueCommand, due, type ExpireCommand, expire, type LoseCommand, lose } from './commands/time.ts'
import type { View } from './view.ts'

/** Everything that can change a shard. */
export type Command =
  | EnqueueCommand
  | LeaseCommand
  | ReportCommand
  | ControlCommand
  | LoseCommand
  | DueCommand
  | ExpireCommand
  | SettleCommand
  | ForgetCommand
  | PauseCommand
  | LogCommand
  | ProgressCommand
  | ImportCommand
  | RecordCommand
  | SignalCommand

/** What each command answers. */
export interface Replies {
  enqueue: ReturnType<typeof enqueue>
  lease: ReturnType<typeof lease>
  report: ReturnType<typeof report>
  control: ReturnType<typeof control>
  lose: ReturnType<typeof lose>
  due: ReturnType<typeof due>
  expire: ReturnType<typeof expire>
  settle: ReturnType<typeof settle>
  forget: ReturnType<typeof forget>
  pause: ReturnType<typeof pause>
  log: ReturnType<typeof log>
  progress: ReturnType<typeof progress>
  import: ReturnType<typeof importJobs>
  record: ReturnType<typeof record>
  signal: ReturnType<typeof signal>
}

/** Any reply. */
export type Reply = Replies[keyof Replies]

/**
 * Applies one command.
 *
 * @param now Shard time, epoch ms; never goes back.
 * @throws Absent when something it reads is not in memory; nothing has changed then.
 */
export function apply(view: View, command: Command, now: number): Reply {
  switch (command.type) {
    case 'enqueue':
      return enqueue(view, command, now)
    case 'lease':
      return lease(view, command, now)
    case 'report':
      return report(view, command, now)
    case 'control':
      return control(view, command, now)
    case 'lose':
      return lose(view, command, now)
    case 'due':
      return due(view, command, now)
    case 'expire':
      return expire(view, command, now)
    case 'settle':
      return settle(view, command, now)
    case 'forget':
      return forget(view, command, now)
    case 'pause':
      return pause(view, command)
    case 'log':
      return log(view, command, now)
    case 'progress':
      return progress(view, command, now)
    case 'import':
      return importJobs(view, command, now)
    case 'record':
      return record(view, command, now)
    case 'signal':
      return signal(view, command, now)
    default:
      return unreachable(command)
  }
}
