/**
 * From layers to a configuration: flags win over the environment, that over the file, that over the defaults.
 *
 * Owns: the precedence, and where each value came from.
 */
import type { Given, Origin } from './layers.ts'
import { type Problem, problemOf, unknownName } from './problem.ts'
import { type Config, type Group, type Placed, settingsOf } from './schema.ts'

/** A setting with the value that counts. */
export interface Resolved extends Placed {
  readonly value: unknown
  readonly origin: Origin
  /** The exact place; empty for a default. */
  readonly where: string
  /** Places whose values were given, and did not count. */
  readonly hidden: readonly string[]
}

/** The values that were given, by where. */
export interface Layers {
  readonly file?: readonly Given[]
  readonly environment?: readonly Given[]
  readonly flag?: readonly Given[]
}

/** What layers come to. With problems, `config` holds defaults where a value could not be read. */
export interface Resolution {
  readonly config: Config
  readonly settings: readonly Resolved[]
  readonly problems: readonly Problem[]
}

/** Reads every value, also those that do not count: a mistake in a file is one even where a flag hides it. */
export function resolve(schema: Group, layers: Layers): Resolution {
  const problems: Problem[] = []
  const settings = new Map<string, Resolved>()
  for (const placed of settingsOf(schema)) {
    const { path, setting } = placed
    settings.set(path, { ...placed, value: setting.fallback, origin: 'default', where: '', hidden: [] })
  }
  for (const origin of ['file', 'environment', 'flag'] as const) {
    for (const { path, value, isText, where } of layers[origin] ?? []) {
      const before = settings.get(path)
      if (before === undefined) {
        problems.push(unknownName(where, path, [...settings.keys()]))
        continue
      }
      const { kind } = before.setting
      try {
        const read = kind.read(
          origin === 'flag' ? where : path,
          isText ? kind.fromText(value as string) : value,
        )
        const hidden = before.where === '' ? before.hidden : [...before.hidden, before.where]
        settings.set(path, { ...before, value: read, origin, where, hidden })
      } catch (thrown) {
        problems.push(problemOf(where, thrown))
      }
    }
  }
  const all = [...settings.values()]
  return { config: configOf(all), settings: all, problems }
}

/** The tree of values. */
export function configOf(settings: readonly Resolved[]): Config {
  const root: Record<string, unknown> = {}
  for (const { path, value } of settings) {
    const names = path.split('.')
    const last = names.pop() as string
    let group = root
    for (const name of names) {
      group[name] ??= {}
      group = group[name] as Record<string, unknown>
    }
    group[last] = value
  }
  return root as Config
}
