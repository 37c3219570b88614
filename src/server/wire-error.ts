/**
 * What a peer is told of an error.
 */
import { randomBytes } from 'node:crypto'
import { type ErrorRecord, errorRecord, PerdureError, perdureError } from '../errors.ts'
import { type Logger, SILENT } from '../runtime/logger/logger.ts'

/**
 * The plain form of an error for the peer. A bug is told to the node's own log, with its stack; the peer gets the number
 * under which it stands there, since what went wrong may hold what is not the peer's business.
 */
export function wireError(thrown: unknown, logger: Logger = SILENT): ErrorRecord {
  const record = errorRecord(thrown, 'INTERNAL')
  if (thrown instanceof PerdureError) return record
  // the caller gave up; the error is that of its own signal
  if (thrown instanceof Error && thrown.name === 'AbortError') return errorRecord(cancelled())
  const bug = randomBytes(4).toString('hex')
  logger.error(`A bug in Perdure: ${record.message}`, { bug, stack: record.stack })
  return {
    code: record.code,
    message: `A bug in Perdure: expected a typed error; found another one. Look for ${bug} in the log of the node, and report what stands there.`,
    data: { bug },
  }
}

function cancelled(): PerdureError {
  return perdureError('CANCELLED', {
    expected: 'the call to be answered',
    found: 'that its caller gave it up',
    fix: 'Call again',
  })
}
