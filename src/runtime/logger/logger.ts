/**
 * The logger of nodes, workers and whatever runs for long: the one interface through which they say what happens.
 *
 * Owns: the level below which nothing is made, what all records of a part have in common, and where they go. Secrets are
 * gone before any place sees a record. Never on the path of a job: at the default level no job makes a record.
 */

import { isAtLeast, type LogLevel } from '../../std/levels.ts'
import { cutText, type LogAttributes, type LogRecord, type LogSource } from './record.ts'
import { redact, redactText } from './redact.ts'

/** A place for records. It must not block and must not throw. */
export type LogSink = (record: LogRecord) => void

/** Facts of one record: attributes by their names, everything else under its own. */
export type LogFields = LogAttributes & Readonly<Record<string, unknown>>

/** Says what happens. */
export interface Logger {
  /** Whether a record of this level is made at all; asked before something costly is put together. */
  isOn(level: LogLevel): boolean
  debug(text: string, fields?: LogFields): void
  info(text: string, fields?: LogFields): void
  warn(text: string, fields?: LogFields): void
  error(text: string, fields?: LogFields): void
  /** A logger for a part: its records have more in common, and go to one more place. */
  part(common: LogAttributes & { readonly source?: LogSource }, sink?: LogSink): Logger
}

/** What a logger is made with. */
export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  readonly source: LogSource
  readonly sinks: readonly LogSink[]
  readonly common?: LogAttributes
  /** Epoch ms. Default: the clock of this machine. */
  readonly now?: () => number
}

/** The level of a logger and all of its parts. */
export interface LogControl {
  level: LogLevel
}

type Common = LogAttributes & { readonly source: LogSource }

/** A logger, and the control of its level. */
export function createLogger(options: LoggerOptions): {
  readonly logger: Logger
  readonly control: LogControl
} {
  const { level = 'info', source, sinks, common = {}, now = Date.now } = options
  const control: LogControl = { level }
  return { logger: new PartLogger(control, now, { ...common, source }, sinks), control }
}

class PartLogger implements Logger {
  readonly #control: LogControl
  readonly #now: () => number
  readonly #common: Common
  readonly #sinks: readonly LogSink[]

  constructor(control: LogControl, now: () => number, common: Common, sinks: readonly LogSink[]) {
    this.#control = control
    this.#now = now
    this.#common = common
    this.#sinks = sinks
  }

  isOn(level: LogLevel): boolean {
    return isAtLeast(level, this.#control.level)
  }

  debug(text: string, fields?: LogFields): void {
    this.#write('debug', text, fields)
  }

  info(text: string, fields?: LogFields): void {
    this.#write('info', text, fields)
  }

  warn(text: string, fields?: LogFields): void {
    this.#write('warn', text, fields)
  }

  error(text: string, fields?: LogFields): void {
    this.#write('error', text, fields)
  }

  part(common: LogAttributes & { readonly source?: LogSource }, sink?: LogSink): Logger {
    const sinks = sink === undefined ? this.#sinks : [...this.#sinks, sink]
    return new PartLogger(this.#control, this.#now, { ...this.#common, ...common }, sinks)
  }

  #write(level: LogLevel, text: string, fields: LogFields = {}): void {
    if (!this.isOn(level)) return
    const { node, worker, namespace, queue, kind, job, attempt, ...rest } = fields
    const own = { node, worker, namespace, queue, kind, job, attempt }
    const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
    const record: LogRecord = {
      ...this.#common,
      ...given,
      ...{ at: this.#now(), level, text: cutText(redactText(text)) },
      ...(Object.keys(rest).length === 0 ? {} : { data: redact(rest) }),
    }
    for (const sink of this.#sinks) sink(record)
  }
}

/** Says nothing. */
export const SILENT: Logger = createLogger({ level: 'error', source: 'node', sinks: [] }).logger
