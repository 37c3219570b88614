/**
 * Problems: everything that is wrong with a configuration, gathered, so that one look mends all of them.
 */
import { ERROR_KINDS, PerdureError } from '../errors.ts'
import { nearestName } from '../std/options.ts'

/** One mistake. */
export interface Problem {
  /** Where it stands: `perdure.yaml:3:5`, a variable, or a flag. */
  readonly where: string
  /** What was expected, what was found, what to do; in whole sentences. */
  readonly message: string
}

/** A problem from what a reader threw. What is not one of our errors is a bug, and stays one. */
export function problemOf(where: string, thrown: unknown): Problem {
  if (!(thrown instanceof PerdureError)) throw thrown
  // the title says only that some option is malformed; the place says more
  return { where, message: thrown.message.replace(/^[^:]*: /, '') }
}

/**
 * The problem of a name that the schema does not have.
 *
 * @param known the names that could stand there.
 * @param elsewhere a place where the same name would be right.
 */
export function unknownName(
  where: string,
  name: string,
  known: readonly string[],
  elsewhere?: string | undefined,
): Problem {
  const nearest = nearestName(name, known)
  const fix =
    elsewhere !== undefined
      ? `It is known as ${elsewhere}`
      : nearest === undefined
        ? 'Leave it out'
        : `Did you mean ${nearest}? Otherwise leave it out`
  const message = `expected one of ${known.join(', ')}; found ${JSON.stringify(name.slice(0, 80))}. ${fix}.`
  return { where, message }
}

/** All problems as one error: the first in words, the others as a number. */
export function configError(problems: readonly Problem[]): PerdureError {
  const [first = { where: 'the configuration', message: '' }] = problems
  const others = problems.length - 1
  const rest = others > 0 ? ` Run \`perdure config check\` for the other ${others}.` : ''
  // a flag is named by the message itself, and is wrong as any other option is
  if (first.where.startsWith('-'))
    return new PerdureError('INVALID_OPTION', `${ERROR_KINDS.INVALID_OPTION.title}: ${first.message}`)
  const { title } = ERROR_KINDS.INVALID_CONFIG
  const message = first.message.replace(/^expected /, `expected at ${first.where} `)
  return new PerdureError('INVALID_CONFIG', `${title}: ${message}${rest}`, {
    data: { where: first.where, problems: problems.length },
  })
}
