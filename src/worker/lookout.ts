/**
 * Lookout: which of the paths that jobs need exist on this host.
 *
 * Owns: when to look. A file system whose server has gone can hang for ever; its paths count as absent, and are not looked
 * at again until the look before has ended.
 */
import { access } from 'node:fs/promises'
import type { Timer, Timers } from '../runtime/timers.ts'

/** Mounts come and go seldom. Ms. */
const LOOK_EVERY_MS = 30_000
/** A path that has not answered for so long is absent, ms. */
const PATIENCE_MS = 2_000

export class Lookout {
  readonly #timers: Timers
  readonly #onFound: (paths: Readonly<Record<string, boolean>>) => void
  #paths: readonly string[] = []
  #found: Readonly<Record<string, boolean>> = {}
  readonly #asking = new Set<string>()
  #timer: Timer | undefined
  #isClosed = false

  /** @param onFound hears which paths exist, when that is known and whenever it has changed. */
  constructor(timers: Timers, onFound: (paths: Readonly<Record<string, boolean>>) => void) {
    this.#timers = timers
    this.#onFound = onFound
  }

  /** Watches these paths instead of those before. */
  watch(paths: readonly string[]): void {
    this.#paths = paths
    void this.#look()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  async #look(): Promise<void> {
    this.#timer?.cancel()
    const paths = this.#paths
    const answers = await Promise.all(paths.map(async (path) => [path, await this.#exists(path)] as const))
    if (this.#isClosed || paths !== this.#paths) return
    const found = Object.fromEntries(answers)
    this.#timer = this.#timers.after(LOOK_EVERY_MS, () => void this.#look())
    if (answers.every(([path, exists]) => this.#found[path] === exists)) return
    this.#found = found
    this.#onFound(found)
  }

  async #exists(path: string): Promise<boolean> {
    if (this.#asking.has(path)) return false
    this.#asking.add(path)
    const answer = access(path).then(
      () => true,
      () => false,
    )
    void answer.finally(() => this.#asking.delete(path))
    const late = Promise.withResolvers<boolean>()
    const timer = this.#timers.after(PATIENCE_MS, () => late.resolve(false))
    const exists = await Promise.race([answer, late.promise])
    timer.cancel()
    return exists
  }
}
