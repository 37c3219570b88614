/**
 * What the jobs of a call name by text and share with others of their namespace: limits and fairness keys. Interned
 * for the whole call at once, so that a call of ten thousand new keys is read for a few times and not once per key.
 */
import { limitLine } from '../model/line.ts'
import { fairId, nameId, ownName, type RouteRow } from '../model/rows.ts'
import { intern, type View } from '../view.ts'
import { type AdmitTables, maxOf } from './admit.ts'

type Tables = AdmitTables & Pick<View, 'names' | 'nextNameId' | 'beginLine' | 'needLines'>

/** The part of a job to make that matters here. */
interface Named {
  readonly limits: readonly { readonly key: string; readonly max: number }[] | null
  readonly fairKey: string | null
}

/**
 * Interns the limits of the new jobs of a call. The bound that the call names last for a key is set before any
 * job takes its place, and limits that are raised are noted in `freed`. Answers per position the ids as JSON.
 */
export function internLimits(
  view: Tables,
  jobs: readonly Named[],
  routes: readonly RouteRow[],
  created: readonly boolean[],
  freed: number[],
): (string | null)[] {
  const bounds = new Map<string, number>()
  const nameOf = (i: number, key: string): string => ownName((routes[i] as RouteRow).namespace, key)
  jobs.forEach(({ limits }, i) => {
    if (created[i] && limits !== null) for (const { key, max } of limits) bounds.set(nameOf(i, key), max)
  })
  if (bounds.size === 0) return new Array<null>(jobs.length).fill(null)
  const ids = setBounds(view, bounds, freed)
  return jobs.map(({ limits }, i) => {
    if (!created[i] || limits === null) return null
    const taken = new Set(limits.map(({ key }) => ids.get(nameOf(i, key)) as number))
    return JSON.stringify([...taken].sort((a, b) => a - b))
  })
}

function setBounds(view: Tables, bounds: ReadonlyMap<string, number>, freed: number[]): Map<string, number> {
  const names = [...bounds.keys()]
  view.names.need(names.map((name) => nameId('limit', name)))
  const known = names.flatMap((name) => view.names.get(nameId('limit', name))?.id ?? [])
  view.limits.need(known)
  view.holders.need(known)
  view.needLines(known.map(limitLine))
  const ids = new Map<string, number>()
  for (const [name, max] of bounds) {
    const isNew = view.names.get(nameId('limit', name)) === undefined
    const id = intern(view, 'limit', name)
    ids.set(name, id)
    if (isNew) {
      view.holders.begin(id)
      view.beginLine(limitLine(id))
    }
    const old = isNew ? 0 : maxOf(view, id)
    if (old !== max) view.limits.put({ id, max })
    if (!isNew && max > old) freed.push(id)
  }
  return ids
}

/** Interns the fairness keys of the new jobs of a call, 0 for the namespace, and asks for the tags of all. */
export function internFairKeys(
  view: Tables,
  jobs: readonly Named[],
  routes: readonly RouteRow[],
  created: readonly boolean[],
): number[] {
  const names = new Set<string>()
  const nameOf = (i: number, key: string): string => ownName((routes[i] as RouteRow).namespace, key)
  jobs.forEach(({ fairKey }, i) => {
    if (created[i] && fairKey !== null) names.add(nameId('fair', nameOf(i, fairKey)))
  })
  if (names.size > 0) view.names.need([...names])
  const tags = new Set<string>()
  const queues = new Set<number>()
  let last: RouteRow | undefined
  const keys = jobs.map(({ fairKey }, i) => {
    const route = routes[i] as RouteRow
    if (!created[i] || (fairKey === null && route === last)) return 0
    if (fairKey === null) last = route
    const key = fairKey === null ? 0 : intern(view, 'fair', nameOf(i, fairKey))
    tags.add(fairId(route.queue, key === 0 ? route.namespace : key))
    queues.add(route.queue)
    return key
  })
  view.queues.need([...queues])
  view.fair.need([...tags])
  return keys
}
