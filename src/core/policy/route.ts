/**
 * Routes: the interned sum of what many jobs share.
 */
import { readyLine } from '../model/line.ts'
import type { Profile } from '../model/profile.ts'
import { classText, requirementsText } from '../model/requirements.ts'
import { nameId, type RouteRow, routeKey } from '../model/rows.ts'
import { intern, type View } from '../view.ts'

/** A route by name. One object may serve many jobs; handlers look it up once per object. */
export interface RouteSpec {
  readonly namespace: string
  readonly queue: string
  /** Empty for a group, which has no handler. */
  readonly kind: string
  /** Canonical JSON of the Profile. */
  readonly profile: string
  /** Canonical text of the profile's requirements; empty for none. */
  readonly requires: string
}

export type RouteTables = Pick<View, 'names' | 'profiles' | 'routes' | 'nextNameId' | 'beginLine'>

/** The route of a spec, made where it is new. */
export function internRoute(view: RouteTables, spec: RouteSpec): RouteRow {
  needNames(view, spec)
  return internRouteIn(view, intern(view, 'namespace', spec.namespace), spec)
}

/** The route of a spec in a namespace that is known by its number. */
export function internRouteIn(
  view: RouteTables,
  namespace: number,
  spec: Omit<RouteSpec, 'namespace'>,
): RouteRow {
  const queue = intern(view, 'queue', spec.queue)
  const kind = spec.kind === '' ? 0 : intern(view, 'kind', spec.kind)
  return internAt(view, { namespace, queue, kind }, spec)
}

/** The route of the same place with other options. */
export function internProfiled(view: RouteTables, place: Place, profile: Profile): RouteRow {
  const requires = requirementsText(profile.requires ?? {})
  return internAt(view, place, { profile: JSON.stringify(profile), requires })
}

/** Where jobs of a route belong, by number. */
type Place = Pick<RouteRow, 'namespace' | 'queue' | 'kind'>

function internAt(
  view: RouteTables,
  { namespace, queue, kind }: Place,
  spec: Pick<RouteSpec, 'profile' | 'requires'>,
): RouteRow {
  const profile = internProfile(view, spec.profile)
  const found = view.routes.get(routeKey({ namespace, queue, kind, profile }))
  if (found !== undefined) return found
  const route: RouteRow = {
    ...{ id: view.nextNameId(), namespace, queue, kind },
    class: internClass(view, queue, kind, spec.requires),
    profile,
  }
  view.routes.put(route)
  return route
}

/** Asks at once for what the routes of a call need, where there are several. */
export function needRoutes(view: RouteTables, specs: ReadonlySet<RouteSpec>): void {
  if (specs.size < 2) return
  const names = new Set<string>()
  const profiles = new Set<string>()
  for (const { namespace, queue, kind, profile } of specs) {
    names.add(nameId('namespace', namespace)).add(nameId('queue', queue))
    if (kind !== '') names.add(nameId('kind', kind))
    profiles.add(profile)
  }
  view.names.need([...names])
  view.profiles.need([...profiles])
  const routes = new Set<string>()
  const classes = new Set<string>()
  for (const spec of specs) {
    const namespace = intern(view, 'namespace', spec.namespace)
    const queue = intern(view, 'queue', spec.queue)
    const kind = spec.kind === '' ? 0 : intern(view, 'kind', spec.kind)
    const profile = internProfile(view, spec.profile)
    routes.add(routeKey({ namespace, queue, kind, profile }))
    classes.add(nameId('class', classText(queue, kind, spec.requires)))
  }
  view.routes.need([...routes])
  view.names.need([...classes])
}

function needNames(view: RouteTables, spec: RouteSpec): void {
  const names = [nameId('namespace', spec.namespace), nameId('queue', spec.queue)]
  if (spec.kind !== '') names.push(nameId('kind', spec.kind))
  view.names.need(names)
  view.profiles.need([spec.profile])
}

function internProfile(view: RouteTables, text: string): number {
  const found = view.profiles.get(text)
  if (found !== undefined) return found.id
  const id = view.nextNameId()
  view.profiles.put({ id, text })
  return id
}

/** The class of a queue, kind and requirements; a new one has an empty line. */
function internClass(view: RouteTables, queue: number, kind: number, requires: string): number {
  const text = classText(queue, kind, requires)
  const isNew = view.names.get(nameId('class', text)) === undefined
  const id = intern(view, 'class', text)
  if (isNew) view.beginLine(readyLine(id))
  return id
}
