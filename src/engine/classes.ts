/**
 * Classes: the requirement classes of a shard, found by queue and kind and by number. Few, and always in memory.
 */
import { type RequirementClass, requirementClass } from '../core/model/requirements.ts'

export class Classes {
  readonly #byId = new Map<number, RequirementClass>()
  readonly #byPlace = new Map<string, RequirementClass[]>()
  #count = 0
  #isReserving = false

  /** How many classes there are, those without requirements included. */
  get count(): number {
    return this.#count
  }

  /** Whether jobs of any class reserve something. */
  get isReserving(): boolean {
    return this.#isReserving
  }

  /** Takes in an interned class. */
  add(id: number, text: string): void {
    this.#count++
    const found = requirementClass(id, text)
    if (found === undefined) return
    this.#byId.set(id, found)
    this.#isReserving ||= found.share.cpus > 0 || found.share.memory > 0
    const place = `${found.queue}:${found.kind}`
    const others = this.#byPlace.get(place)
    if (others === undefined) this.#byPlace.set(place, [found])
    else others.push(found)
  }

  /** The class of a number; undefined for one that needs nothing. */
  get(id: number): RequirementClass | undefined {
    return this.#byId.get(id)
  }

  /** The classes of a queue and kind whose jobs need something. */
  of(queue: number, kind: number): readonly RequirementClass[] {
    return this.#byPlace.size === 0 ? NONE : (this.#byPlace.get(`${queue}:${kind}`) ?? NONE)
  }
}

const NONE: readonly RequirementClass[] = []
