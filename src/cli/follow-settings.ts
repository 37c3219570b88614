/**
 * The configuration of a command that runs for long: changes of its file are taken over and told.
 */
import type { LiveConfig } from '../config/live.ts'
import { textOf } from '../errors.ts'
import type { Logger } from '../runtime/logger/logger.ts'

/** What follows. */
export interface Follower {
  readonly settings: LiveConfig
  readonly logger: Logger
  /** Called after each change, with the new values in effect. */
  onChange?(): void
}

/** Looks for changes of the file until the answer is called. A file with a mistake changes nothing, and is told of. */
export function followSettings({ settings, logger, onChange }: Follower): () => void {
  const stopListening = settings.onChange(({ applied, waiting }) => {
    onChange?.()
    for (const { path } of applied) logger.info(`${path} has changed.`)
    for (const { path } of waiting) logger.info(`${path} has changed; it counts after a restart.`)
  })
  const stopWatching = settings.watch((error) => logger.error(textOf(error)))
  return () => {
    stopWatching()
    stopListening()
  }
}
