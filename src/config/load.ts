/**
 * Loading: all layers of one process together.
 */
import { readEnvironment } from './environment.ts'
import type { FileContents } from './file.ts'
import type { Given } from './layers.ts'
import { type ConfigPlaces, locateConfig } from './locate.ts'
import { configError } from './problem.ts'
import { type Resolution, resolve } from './resolve.ts'
import { SCHEMA } from './schema.ts'

/** What a configuration is made of. */
export interface ConfigSources extends ConfigPlaces {
  /** Values of flags. */
  readonly flags?: readonly Given[]
}

/** A configuration, and the file that was read for it. */
export interface LoadedConfig extends Resolution {
  readonly file: string | undefined
}

/**
 * Reads everything; answers what is wrong with it instead of throwing.
 *
 * @throws NOT_FOUND when the file that was named cannot be read.
 */
export async function inspectConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const file = locateConfig(sources)
  const fromFile = file === undefined ? NOTHING : await readFile(file)
  const fromEnvironment = readEnvironment(sources.env, SCHEMA)
  const resolution = resolve(SCHEMA, {
    file: fromFile.given,
    environment: fromEnvironment.given,
    flag: sources.flags ?? [],
  })
  const problems = [...fromFile.problems, ...fromEnvironment.problems, ...resolution.problems]
  return { ...resolution, problems, file }
}

const NOTHING: FileContents = { given: [], problems: [] }

/** The YAML library is loaded only where there is a file to read: it takes longer than most commands do. */
async function readFile(path: string): Promise<FileContents> {
  const { readConfigFile } = await import('./file.ts')
  return readConfigFile(path, SCHEMA)
}

/**
 * Reads everything.
 *
 * @throws INVALID_CONFIG for the first problem, with the number of others; NOT_FOUND as {@link inspectConfig}.
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const loaded = await inspectConfig(sources)
  if (loaded.problems.length > 0) throw configError(loaded.problems)
  return loaded
}
