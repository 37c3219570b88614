/**
 * What a peer is told of an error.
 */
import { type ErrorRecord, errorRecord, PerdureError } from '../errors.ts'
import { type Logger, SILENT } from '../runtime/logger/logger.ts'

/**
 * The plain form of an error for the peer: no stack, which would tell it nothing. A bug is told to the node's own log,
 * with its stack.
 */
export function wireError(thrown: unknown, logger: Logger = SILENT): ErrorRecord {
  const record = errorRecord(thrown, 'INTERNAL')
  if (thrown instanceof PerdureError) return record
  logger.error(`A bug in Perdure: ${record.message}`, { stack: record.stack })
  return {
    code: record.code,
    message: `A bug in Perdure: expected a typed error; found ${record.message}. Please report this.`,
  }
}
