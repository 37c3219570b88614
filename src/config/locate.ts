/**
 * Where a configuration may be found. Small, for every command looks here, and most find nothing.
 */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/** Where to look. */
export interface ConfigPlaces {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The file that was named; undefined looks for the user's own. */
  readonly file?: string | undefined
}

/**
 * The file that counts: the one that was named, PERDURE_CONFIG, or `$XDG_CONFIG_HOME/perdure/perdure.yaml` (below
 * `~/.config` by default) if there is one. Never a file of the folder in which a command happens to be called.
 */
export function locateConfig({ env, file }: ConfigPlaces): string | undefined {
  const named = file ?? (env.PERDURE_CONFIG || undefined)
  if (named !== undefined) return resolve(named)
  const home = env.XDG_CONFIG_HOME
  const base = home !== undefined && isAbsolute(home) ? home : join(env.HOME || homedir(), '.config')
  const own = join(base, 'perdure', 'perdure.yaml')
  return existsSync(own) ? own : undefined
}

/**
 * Whether anything is configured at all: a file, or a variable with the name of a setting (`PERDURE_WORKER_DRAIN`).
 * What marks the processes of a job, and PERDURE_URL, have one underscore only.
 */
export function isConfigured(places: ConfigPlaces): boolean {
  if (locateConfig(places) !== undefined) return true
  return Object.keys(places.env).some((name) => /^PERDURE_[A-Z]+_/.test(name))
}
