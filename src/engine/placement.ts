/**
 * Placement: what one worker can take, judged once per requirement class.
 *
 * Owns: the verdicts, and what the worker has said of paths. A path that nobody has asked it about is asked for
 * through `onAsk`, and until the answer the class is none of the worker's.
 */
import type { Mount, RequirementClass, Share, WorkerAttributes } from '../core/model/requirements.ts'
import { type Candidate, lackOf } from '../core/policy/placement.ts'
import { NO_SHARE } from './reservations.ts'

/** Paths that one worker is asked about; jobs that need further ones it does not get. */
const MOST_PATHS = 1_000

export class Placement implements Candidate {
  #attributes: WorkerAttributes | undefined
  /** The attributes as text: workers repeat them. */
  #said = ''
  /** By class and not by its number: one that never became durable leaves its number to another. */
  #verdicts = new WeakMap<RequirementClass, boolean>()
  readonly #paths = new Map<string, boolean | undefined>()
  readonly #onAsk: (paths: readonly string[]) => void

  /** @param onAsk gets all paths that the worker is to look for, each time there is a new one. */
  constructor(onAsk: (paths: readonly string[]) => void) {
    this.#onAsk = onAsk
  }

  /** What the worker said of itself; until it has, it takes only jobs that need nothing. */
  get attributes(): WorkerAttributes | undefined {
    return this.#attributes
  }

  /** What the worker's jobs may reserve together. */
  get capacity(): Share {
    return this.#attributes ?? NO_SHARE
  }

  get mounts(): readonly Mount[] {
    return this.#attributes?.mounts ?? NO_MOUNTS
  }

  hasPath(path: string): boolean | undefined {
    return this.#paths.get(path)
  }

  /** Whether the worker can take jobs of a class: now, or when what it has reserved is given back. */
  takes(wanted: RequirementClass): boolean {
    const known = this.#verdicts.get(wanted)
    if (known !== undefined) return known
    const { requires } = wanted
    const lack = lackOf(requires, this)
    if (lack === 'paths') this.#ask(requires.paths ?? [])
    this.#verdicts.set(wanted, lack === undefined)
    return lack === undefined
  }

  /** The worker has said what it is, and which paths it found. Answers whether that may change what it can take. */
  learn(attributes: WorkerAttributes | undefined, found: Readonly<Record<string, boolean>>): boolean {
    const said = JSON.stringify(attributes) ?? ''
    let isChanged = said !== this.#said
    this.#said = said
    this.#attributes = attributes
    for (const path of this.#paths.keys()) {
      if (!Object.hasOwn(found, path)) continue
      const exists = found[path] === true
      isChanged ||= this.#paths.get(path) !== exists
      this.#paths.set(path, exists)
    }
    if (isChanged) this.#verdicts = new WeakMap()
    return isChanged
  }

  /** A worker whose other attributes do not fit is not asked: it would look for nothing. */
  #ask(paths: readonly string[]): void {
    const before = this.#paths.size
    for (const path of paths) {
      if (this.#paths.size < MOST_PATHS && !this.#paths.has(path)) this.#paths.set(path, undefined)
    }
    if (this.#paths.size > before) this.#onAsk([...this.#paths.keys()])
  }
}

const NO_MOUNTS: readonly Mount[] = []
