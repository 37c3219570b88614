/**
 * Order: places sorted by `(rank, turn, id)`, cheap to change and sorted only when somebody reads.
 *
 * What was added since the last read waits aside; what was removed stays in the sorted array until it is
 * most of it. Never does: knowing what the places are of.
 */

/** A place in an order. */
export interface Place {
  readonly rank: number
  readonly turn: number
  readonly id: number
}

/** Places beside the living ones that are kept before a clean-up. */
const SLACK = 1_000

export class Order {
  readonly #living = new Map<number, Place>()
  #sorted: Place[] = []
  #fresh: Place[] = []

  get size(): number {
    return this.#living.size
  }

  /** Puts an id at a place; moves it if it has another. */
  put(place: Place): void {
    const old = this.#living.get(place.id)
    if (old !== undefined && compare(old, place) === 0) return
    this.#living.set(place.id, place)
    this.#fresh.push(place)
    if (this.#fresh.length > 2 * this.#living.size + SLACK) this.#fresh = this.#fresh.filter(this.#isLiving)
  }

  remove(id: number): void {
    this.#living.delete(id)
  }

  /** Ids in order, those behind a place only; in reverse order those before it. */
  *from(after: Place | undefined, isReverse = false): Generator<number> {
    this.#sort()
    const sorted = this.#sorted
    const step = isReverse ? -1 : 1
    for (let at = this.#start(after, isReverse); at >= 0 && at < sorted.length; at += step) {
      const place = sorted[at] as Place
      if (this.#isLiving(place)) yield place.id
    }
  }

  #start(after: Place | undefined, isReverse: boolean): number {
    if (after === undefined) return isReverse ? this.#sorted.length - 1 : 0
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = compare(this.#sorted[middle] as Place, after)
      if (order < 0 || (order === 0 && !isReverse)) low = middle + 1
      else high = middle
    }
    return isReverse ? low - 1 : low
  }

  readonly #isLiving = (place: Place): boolean => this.#living.get(place.id) === place

  #sort(): void {
    if (this.#sorted.length > 2 * this.#living.size + SLACK)
      this.#sorted = this.#sorted.filter(this.#isLiving)
    if (this.#fresh.length === 0) return
    const fresh = this.#fresh.filter(this.#isLiving).sort(compare)
    this.#fresh = []
    const last = this.#sorted.at(-1)
    const first = fresh[0]
    // Mostly what is new stands behind what is there.
    if (last === undefined || first === undefined || compare(last, first) < 0) {
      for (const place of fresh) this.#sorted.push(place)
    } else {
      this.#sorted = merge(this.#sorted.filter(this.#isLiving), fresh)
    }
  }
}

/** Compares places; parts may be infinite, hence no subtraction. */
export function compare(a: Place, b: Place): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1
  if (a.turn !== b.turn) return a.turn < b.turn ? -1 : 1
  if (a.id !== b.id) return a.id < b.id ? -1 : 1
  return 0
}

function merge(a: readonly Place[], b: readonly Place[]): Place[] {
  const merged: Place[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    merged.push((compare(a[i] as Place, b[j] as Place) < 0 ? a[i++] : b[j++]) as Place)
  }
  while (i < a.length) merged.push(a[i++] as Place)
  while (j < b.length) merged.push(b[j++] as Place)
  return merged
}
