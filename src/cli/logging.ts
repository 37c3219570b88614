/**
 * The logger of commands that run for long: nodes, workers and their supervisors.
 *
 * Owns: which lines go to standard error, and in what form. What such a command answers (with --json, on standard output)
 * is data and no matter of a log.
 */
import { hostname } from 'node:os'
import { createLogger, type Logger, type LogSink } from '../runtime/logger/logger.ts'
import type { LogSource } from '../runtime/logger/record.ts'
import { writeTo } from '../runtime/logger/writer.ts'
import { isAtLeast } from '../std/levels.ts'
import type { Context } from './context.ts'

/** The settings that these commands take as flags. */
export const LOG_SETTINGS = ['log.level', 'log.format'] as const

/** A logger by the configuration. Its level follows the configuration for as long as the process runs. */
export async function makeLogger(
  context: Context,
  source: LogSource,
  more: readonly LogSink[] = [],
): Promise<Logger> {
  const settings = await context.settings()
  const { level } = settings.current.log
  const { logger, control } = createLogger({ level, source, sinks: [await standardError(context), ...more] })
  settings.onChange(() => {
    control.level = settings.current.log.level
  })
  return source === 'node' ? logger.part({ node: nodeName() }) : logger
}

/** The name under which a node's records are found. */
export function nodeName(): string {
  return hostname()
}

/** With --quiet only errors are written; those who follow the node hear everything all the same. */
async function standardError(context: Context): Promise<LogSink> {
  const { out } = context
  const { format } = (await context.settings()).current.log
  const isText = format === 'text' || (format === 'auto' && out.stderr.isTTY === true && !out.json)
  const write = writeTo(out.stderr, isText ? 'text' : 'json')
  if (!out.quiet) return write
  return (record) => {
    if (isAtLeast(record.level, 'error')) write(record)
  }
}
