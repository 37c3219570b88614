/**
 * The options that end a worker by itself.
 */
import { type Command, Option } from 'commander'
import type { Until } from './work.ts'

/** As commander gives them. */
export interface UntilOptions {
  readonly untilEmpty?: boolean
  readonly untilIdle?: boolean
}

/** Adds `--until-empty` and `--until-idle`. */
export function addUntilOptions(command: Command): Command {
  return command
    .option('--until-empty', 'end when nothing is left to do in these queues')
    .addOption(
      new Option(
        '--until-idle',
        'end when nothing is left but what waits for its time, for other jobs or for a signal',
      ).conflicts('untilEmpty'),
    )
}

/** When the worker ends by itself, if ever. */
export function readUntil({ untilEmpty, untilIdle }: UntilOptions): Until | undefined {
  return untilEmpty ? 'empty' : untilIdle ? 'idle' : undefined
}
