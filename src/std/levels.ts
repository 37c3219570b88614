/**
 * How important a record of a log is.
 */

/** Levels, the least important first. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** How important a record is. */
export type LogLevel = (typeof LEVELS)[number]

/** Whether `level` is at least as important as `least`. */
export function isAtLeast(level: LogLevel, least: LogLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least)
}
