/**
 * What a peer is told of an error.
 */
import { type ErrorRecord, errorRecord, PerdureError } from '../errors.ts'

/** The plain form of an error for the peer: no stack, which would tell it nothing. */
export function wireError(thrown: unknown): ErrorRecord {
  const record = errorRecord(thrown, 'INTERNAL')
  if (thrown instanceof PerdureError) return record
  return {
    code: record.code,
    message: `A bug in Perdure: expected a typed error; found ${record.message}. Please report this.`,
  }
}
