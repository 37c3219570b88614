/**
 * A configuration that can change while a process runs.
 *
 * Owns: reading it again, and which changes are taken over: those of settings that the schema calls live. A file with
 * a mistake changes nothing, and what needs a restart is told, not half done.
 */
import { statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { type ConfigSources, inspectConfig, type LoadedConfig } from './load.ts'
import { configError } from './problem.ts'
import { configOf, type Resolved } from './resolve.ts'
import type { Config } from './schema.ts'

/** A setting whose value in the sources is another one now. */
export interface Change {
  readonly path: string
  readonly from: unknown
  readonly to: unknown
}

/** What became of reading again. */
export interface Reload {
  /** In effect from now on. */
  readonly applied: readonly Change[]
  /** Need a restart. */
  readonly waiting: readonly Change[]
}

/** How often a file is looked at, ms. Looking at it by name finds files that are replaced and links that move. */
const LOOK_MS = 1_000

/** The configuration of a running process. */
export class LiveConfig {
  readonly #sources: ConfigSources
  readonly #file: string | undefined
  readonly #listeners = new Set<(reload: Reload) => void>()
  #settings: readonly Resolved[]
  #config: Config

  /** @param loaded what {@link loadConfig} gave for the same sources. */
  constructor(sources: ConfigSources, loaded: LoadedConfig) {
    this.#sources = sources
    this.#file = loaded.file
    this.#settings = loaded.settings
    this.#config = loaded.config
  }

  /** The values in effect. Never changed in place. */
  get current(): Config {
    return this.#config
  }

  /** Calls back after every reading that changed something; the answer removes the listener. */
  onChange(listener: (reload: Reload) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Reads everything again.
   *
   * @throws INVALID_CONFIG or NOT_FOUND; the values in effect stay as they are.
   */
  async reload(): Promise<Reload> {
    const loaded = await inspectConfig(
      this.#file === undefined ? this.#sources : { ...this.#sources, file: this.#file },
    )
    if (loaded.problems.length > 0) throw configError(loaded.problems)
    const applied: Change[] = []
    const waiting: Change[] = []
    this.#settings = loaded.settings.map((now, index) => {
      const before = this.#settings[index] as Resolved
      if (isDeepStrictEqual(now.value, before.value)) return now
      const change = { path: now.path, from: before.value, to: now.value }
      if (!now.setting.isLive) {
        waiting.push(change)
        return before
      }
      applied.push(change)
      return now
    })
    this.#config = configOf(this.#settings)
    const reload = { applied, waiting }
    if (applied.length + waiting.length > 0) for (const listener of [...this.#listeners]) listener(reload)
    return reload
  }

  /**
   * Reads again whenever the file has changed; without a file there is nothing to watch. Does not keep the process
   * alive. The answer ends it.
   *
   * @param onError told of a file that has a mistake, once per change of it.
   */
  watch(onError: (error: unknown) => void): () => void {
    const file = this.#file
    if (file === undefined) return () => {}
    // the first look reads in any case: the file may have changed since it was loaded
    let seen: string | undefined
    const timer = setInterval(() => {
      const now = signatureOf(file)
      if (now === seen) return
      seen = now
      this.reload().catch(onError)
    }, LOOK_MS)
    timer.unref()
    return () => clearInterval(timer)
  }
}

/** What tells one state of a file from the next: of a replaced one, at least the number of its inode. */
function signatureOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? 'none' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
}
