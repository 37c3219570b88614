/**
 * Settings of the configuration as flags of commands.
 *
 * Owns: which flag stands for which setting. What a setting means, and its default, is the schema's.
 */
import type { Command } from 'commander'
import type { Given } from '../config/layers.ts'
import { SCHEMA, settingsOf } from '../config/schema.ts'

const SETTINGS = new Map([...settingsOf(SCHEMA)].map(({ path, setting }) => [path, setting]))

/** Adds `--config` and the flags of settings to a command. */
export function addSettingOptions(command: Command, ...paths: readonly string[]): Command {
  if (!command.options.some(({ long }) => long === '--config')) {
    command.option(
      '--config <file>',
      'read settings from this file (default: PERDURE_CONFIG, or your own file)',
    )
  }
  for (const path of paths) {
    const setting = SETTINGS.get(path)
    if (setting?.flag === undefined) throw new Error(`no flag for ${path}`)
    // `up` takes those of a node and those of a worker, and both have a log
    if (command.options.some(({ flags }) => flags === setting.flag)) continue
    const { fallback } = setting
    const known = typeof fallback === 'number' && fallback > 0 ? ` (default: ${setting.write(fallback)})` : ''
    command.option(setting.flag, `${setting.about}${known}`)
  }
  return command
}

/** The values of flags that were given. Names are those that commander makes of the flags. */
export function flagsOf(options: Readonly<Record<string, unknown>>): Given[] {
  const given: Given[] = []
  for (const [path, { flag }] of SETTINGS) {
    const long = flag === undefined ? undefined : /--([a-z-]+)/.exec(flag)?.[1]
    if (long === undefined) continue
    const value = options[long.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())]
    if (value === undefined) continue
    given.push({ path, value: String(value), isText: true, where: `--${long}` })
  }
  return given
}
