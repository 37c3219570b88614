/**
 * Settings in the environment: one variable each.
 *
 * Owns: which variables are settings. One that begins as those of a section do and is none is refused, for it is a
 * setting that somebody believes to have made. Others that begin with PERDURE_ (marks of a job's processes) are not looked at.
 */
import type { Given } from './layers.ts'
import { type Problem, unknownName } from './problem.ts'
import { type Group, settingsOf, variableOf, variablePrefixes } from './schema.ts'

/** What the environment holds. An empty variable counts as none. */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  schema: Group,
): { readonly given: readonly Given[]; readonly problems: readonly Problem[] } {
  const given: Given[] = []
  const known = new Set<string>()
  for (const placed of settingsOf(schema)) {
    const variable = variableOf(placed)
    known.add(variable)
    const value = env[variable]
    if (value !== undefined && value !== '')
      given.push({ path: placed.path, value, isText: true, where: variable })
  }
  const prefixes = variablePrefixes(schema)
  const problems = Object.keys(env)
    .filter((name) => !known.has(name) && prefixes.some((prefix) => name.startsWith(prefix)))
    .map((name) => {
      const prefix = prefixes.find((start) => name.startsWith(start)) as string
      return unknownName(
        name,
        name,
        [...known].filter((other) => other.startsWith(prefix)),
      )
    })
  return { given, problems }
}
