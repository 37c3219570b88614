/**
 * What commander says of a command line that it does not understand, as an error like any other: with a code, and as JSON
 * where that was asked for.
 */
import type { CommanderError } from 'commander'
import { type PerdureError, perdureError } from '../errors.ts'

/**
 * @param name of the command: `perdure run`.
 * @param usage what stands behind it: `[options] <file>`.
 */
export function usageError({ message }: CommanderError, name: string, usage: string): PerdureError {
  const [found = '', meant] = message.replace(/^error: /, '').split('\n')
  const suggestion = /\(Did you mean (.+)\?\)/.exec(meant ?? '')?.[1]
  return perdureError('INVALID_OPTION', {
    expected: `\`${name} ${usage}\``,
    found: found.replace(/\.$/, ''),
    fix: `${suggestion === undefined ? '' : `Did you mean ${suggestion}? `}See \`${name} --help\``,
  })
}
