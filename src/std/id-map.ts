/**
 * IdMap: a map from whole numbers, for collections through which many entries pass and few are in at a time.
 *
 * A `Map` grows and shrinks as a batch comes and goes. Each time it leaves its old table behind, and once tables are old,
 * whatever such a table still names survives until the next full collection of garbage: in a busy engine that was half of
 * all rows. This one grows and never shrinks, and a deleted entry is gone from it at once.
 *
 * Open addressing with linear probing, and deletion that moves later entries up (Knuth, The Art of Computer Programming,
 * vol. 3, section 6.4, algorithm R). Keys are whole numbers of at least 0 and at most 2^53 - 1; values are not undefined.
 */

const LEAST_CAPACITY = 16
const EMPTY = -1

export class IdMap<V> {
  #keys: Float64Array
  #values: (V | undefined)[]
  #mask: number
  #size = 0
  /** Where the next sweep begins. */
  #hand = 0

  constructor() {
    this.#mask = LEAST_CAPACITY - 1
    this.#keys = new Float64Array(LEAST_CAPACITY).fill(EMPTY)
    this.#values = new Array<V | undefined>(LEAST_CAPACITY).fill(undefined)
  }

  get size(): number {
    return this.#size
  }

  get(key: number): V | undefined {
    return this.#values[this.#find(key)]
  }

  has(key: number): boolean {
    return this.#keys[this.#find(key)] === key
  }

  set(key: number, value: V): void {
    let slot = this.#find(key)
    if (this.#keys[slot] !== key) {
      // at most half full, so that a search that finds nothing is short
      if (2 * (this.#size + 1) > this.#mask) {
        this.#grow()
        slot = this.#find(key)
      }
      this.#keys[slot] = key
      this.#size++
    }
    this.#values[slot] = value
  }

  delete(key: number): boolean {
    let hole = this.#find(key)
    if (this.#keys[hole] !== key) return false
    const mask = this.#mask
    for (let slot = (hole + 1) & mask; this.#keys[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const home = slotOf(this.#keys[slot] as number, mask)
      // it may move up unless its home lies behind the hole
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      this.#keys[hole] = this.#keys[slot] as number
      this.#values[hole] = this.#values[slot]
      hole = slot
    }
    this.#keys[hole] = EMPTY
    this.#values[hole] = undefined
    this.#size--
    return true
  }

  clear(): void {
    this.#keys.fill(EMPTY)
    this.#values.fill(undefined)
    this.#size = 0
  }

  /** All values, in no order that means anything; entries must not change meanwhile. */
  *values(): Generator<V> {
    for (const value of this.#values) if (value !== undefined) yield value
  }

  /**
   * Values one after another, from where the last sweep stopped, each about once. What was yielded may be deleted; an
   * entry may then be passed over until the next sweep.
   */
  *sweep(): Generator<V> {
    for (let looks = 0; looks <= this.#mask; looks++) {
      this.#hand = (this.#hand + 1) & this.#mask
      const value = this.#values[this.#hand]
      if (value !== undefined) yield value
    }
  }

  /** The slot of a key, or the empty one in which it would be put. */
  #find(key: number): number {
    const keys = this.#keys
    const mask = this.#mask
    let slot = slotOf(key, mask)
    while (keys[slot] !== key && keys[slot] !== EMPTY) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const keys = this.#keys
    const values = this.#values
    const capacity = 2 * (this.#mask + 1)
    this.#mask = capacity - 1
    this.#keys = new Float64Array(capacity).fill(EMPTY)
    this.#values = new Array<V | undefined>(capacity).fill(undefined)
    keys.forEach((key, old) => {
      if (key === EMPTY) return
      const slot = this.#find(key)
      this.#keys[slot] = key
      this.#values[slot] = values[old]
    })
    // nothing of the old table may keep a value alive
    values.length = 0
  }
}

/** Multiplicative hashing (Knuth, vol. 3, section 6.4): without it, the ids of one call would stand in one long run. */
function slotOf(key: number, mask: number): number {
  const hash = Math.imul(key ^ (key / 0x1_0000_0000), 0x9e3779b1)
  return (hash ^ (hash >>> 15)) & mask
}
