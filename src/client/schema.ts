/**
 * Checks of values by Standard Schema, whichever library made the schema.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type ErrorCode, type PerdureError, perdureError } from '../errors.ts'

/** More issues than these are counted, not shown. */
const MOST_ISSUES = 5

/**
 * The value that the schema makes of a value; a promise of it where the schema is asynchronous.
 *
 * @param code what to throw when the value does not match: INVALID_INPUT or INVALID_OUTPUT.
 * @param name of the value, for the message: `'the input of job("resize")'`.
 */
export function checkValue<Output>(
  schema: StandardSchemaV1<unknown, Output>,
  value: unknown,
  code: ErrorCode,
  name: string,
): Output | Promise<Output> {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) return result.then((settled) => unwrap(settled, code, name))
  return unwrap(result, code, name)
}

function unwrap<Output>(result: StandardSchemaV1.Result<Output>, code: ErrorCode, name: string): Output {
  if (result.issues === undefined) return result.value
  throw mismatch(result.issues, code, name)
}

function mismatch(issues: readonly StandardSchemaV1.Issue[], code: ErrorCode, name: string): PerdureError {
  const shown = issues.slice(0, MOST_ISSUES).map((issue) => `${pathOf(issue)}${issue.message}`)
  const rest = issues.length - shown.length
  return perdureError(code, {
    expected: `${name} to match its schema`,
    found: `${shown.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`,
    fix: code === 'INVALID_INPUT' ? 'Mend the input, or the schema' : 'Mend the handler, or the schema',
  })
}

function pathOf({ path }: StandardSchemaV1.Issue): string {
  if (path === undefined || path.length === 0) return ''
  return `${path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')}: `
}
