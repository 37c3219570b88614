/**
 * What a call is charged for: the jobs that it brings, and the namespaces that it is about.
 *
 * Owns: reading this off the arguments of a call, whatever they hold: they are judged later. Looks nothing up.
 */
import { isName } from '../../core/policy/names.ts'
import type { MethodName } from '../../protocol/methods.ts'

type Values = readonly unknown[]

/** The jobs that a call brings in; none for calls that bring none. */
export function jobsOf(method: MethodName, [first]: Values): Values {
  if (method === 'import') return listOf(first)
  return method === 'enqueue' ? listOf((first as { readonly jobs?: unknown } | undefined)?.jobs) : NONE
}

/** How many jobs go to each namespace. `usual` is that of jobs which name none. */
export function jobsByNamespace(jobs: Values, usual: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const job of jobs) {
    const { namespace = usual } = (job ?? {}) as { readonly namespace?: unknown }
    // whatever is no name is refused in a moment, and is kept by nobody
    if (isName(namespace)) counts.set(namespace, (counts.get(namespace) ?? 0) + 1)
  }
  return counts
}

/** The namespace that a list, a count or a watch is about; undefined where it names none. */
export function namespaceAsked(method: MethodName, [filter]: Values): string | undefined {
  if (method !== 'list' && method !== 'counts' && method !== 'watch') return undefined
  const asked = (filter as { readonly namespace?: unknown } | undefined | null)?.namespace
  return isName(asked) ? asked : undefined
}

const NONE: Values = []

function listOf(value: unknown): Values {
  return Array.isArray(value) ? value : NONE
}
