/**
 * Names of queues, kinds, namespaces, workers and signals: what they may look like.
 */
import { MOST_NAME } from './sizes.ts'

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.:/@-]*$/u

/** The rule, for messages. */
export const NAME_RULE = `1 to ${MOST_NAME} letters, digits or _.:/@- and to begin with a letter, digit or _`

/** Whether a value can be a name. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MOST_NAME && NAME.test(value)
}
