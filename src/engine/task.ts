/**
 * Task: a command on its way through the engine, and who waits for its reply.
 */
import type { Command, Reply } from '../core/apply.ts'
import type { PerdureError } from '../errors.ts'
import type { Change } from './announcer.ts'

/** A command and its callback. `done` is called exactly once, when the reply may leave; it must not throw. */
export interface Task {
  readonly command: Command
  readonly done: (reply: Reply | PerdureError) => void
  /** Called in the moment the command is applied, before it is durable: for the engine's own books only. */
  readonly applied?: (reply: Reply) => void
  /** Called instead of trying again, when the shard is opened anew: whoever waits begins from the start. */
  readonly restart?: () => void
}

/** A task that was applied; its reply leaves with the commit that makes it durable. */
export interface Answered {
  readonly task: Task
  readonly reply: Reply | PerdureError
}

/** Everything that leaves when one commit is durable. */
export interface Departure {
  readonly answered: readonly Answered[]
  readonly changes: readonly Change[]
}

/** About how many rows a command changes: bounds how much one commit gathers. */
export function weightOf(command: Command): number {
  switch (command.type) {
    case 'enqueue':
    case 'import':
      return command.jobs.length
    case 'lease':
      return command.slots
    case 'due':
      return command.most
    case 'forget':
      return command.keys.length
    case 'record':
      return command.entries.length + 1
    case 'settle':
      return command.jobs.length + command.ahead.length
    default:
      return 1
  }
}
