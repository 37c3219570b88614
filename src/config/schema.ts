/**
 * The schema: every setting there is, by its place in the file.
 *
 * Owns: the tree, its types, and the names that follow from a place. Each section stands in a file of its own.
 */
import { ENGINE } from './sections/engine.ts'
import { JOBS } from './sections/jobs.ts'
import { LOG } from './sections/log.ts'
import { NODE } from './sections/node.ts'
import { STORE } from './sections/store.ts'
import { WORKER } from './sections/worker.ts'
import { Setting } from './setting.ts'

/** Settings under names; groups may hold groups. */
export interface Group {
  readonly [name: string]: Group | Setting<unknown>
}

/** All settings. */
export const SCHEMA = {
  store: STORE,
  jobs: JOBS,
  worker: WORKER,
  engine: ENGINE,
  node: NODE,
  log: LOG,
} as const

/** The values of a group, with the types that its settings have. */
export type ValuesOf<G> = {
  readonly [Name in keyof G]: G[Name] extends Setting<infer T> ? T : ValuesOf<G[Name]>
}

/** A whole configuration: a value for every setting. */
export type Config = ValuesOf<typeof SCHEMA>

/** A setting and its place: `worker.maxResult`. */
export interface Placed {
  readonly path: string
  readonly setting: Setting<unknown>
}

/** Every setting of a group, in the order of the schema. */
export function* settingsOf(group: Group, prefix = ''): Generator<Placed> {
  for (const [name, part] of Object.entries(group)) {
    const path = prefix === '' ? name : `${prefix}.${name}`
    if (part instanceof Setting) yield { path, setting: part }
    else yield* settingsOf(part, path)
  }
}

/** The variable of a setting: `worker.maxResult` is PERDURE_WORKER_MAX_RESULT, unless the setting names another. */
export function variableOf({ path, setting }: Placed): string {
  return setting.variable ?? `PERDURE_${upperSnake(path)}`
}

/** What the variables of each section begin with. */
export function variablePrefixes(group: Group): string[] {
  return Object.keys(group).map((section) => `PERDURE_${upperSnake(section)}_`)
}

function upperSnake(path: string): string {
  return path
    .replaceAll('.', '_')
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()
}
