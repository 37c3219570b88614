/**
 * Names of queues, kinds, namespaces, workers and signals: what they may look like, and the refusal of others.
 */
import { perdureError } from '../../errors.ts'
import { describeValue } from '../../std/options.ts'
import { MOST_NAME } from './sizes.ts'

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.:/@-]*$/u

/** The rule, for messages. */
const NAME_RULE = `1 to ${MOST_NAME} letters, digits or _.:/@- and to begin with a letter, digit or _`

/**
 * Refuses anything but a name; answers it.
 *
 * @param what is named, for the message: `'job("resize") queue'`.
 * @throws INVALID_NAME.
 */
export function readName(what: string, value: unknown): string {
  if (isName(value)) return value
  throw perdureError('INVALID_NAME', {
    expected: `${what} to be ${NAME_RULE}`,
    found: describeValue(value),
    fix: 'Choose another name',
  })
}

/** Whether a value can be a name. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MOST_NAME && NAME.test(value)
}
