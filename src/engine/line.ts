/**
 * OrderedIndex: one waiting line, whose head is in memory and whose tail is in the store.
 *
 * Invariant: every entry of the line whose place is at or before `horizon` is in `head`; whatever lies
 * beyond is in the store only. A push beyond the horizon therefore touches no memory. While a window of the
 * tail is being read, changes beyond the horizon are kept aside and merged when the read arrives.
 *
 * Never does: I/O, or looking at what the entries stand for.
 */

import { type HeadSizes, RESIDENCY } from './residency.ts'

/** A place in a line. Lines are ordered by rank, then turn, then id. */
export interface Place {
  readonly rank: number
  readonly turn: number
  readonly id: number
}

/** Negative, zero or positive, as `a` stands before, at or behind `b`. */
function comparePlaces(a: Place, b: Place): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1
  if (a.turn !== b.turn) return a.turn < b.turn ? -1 : 1
  return a.id - b.id
}

/** How far the front of the array may be empty before it is cut off. */
const SLACK = 1_024

export class OrderedIndex {
  readonly #sizes: HeadSizes
  #head: Place[] = []
  #start = 0
  /** Undefined: nothing lies beyond the head (the index is complete). */
  #horizon: Place | undefined
  #loading = false
  /** Changes beyond the horizon since the read was issued: the place, or a removal. */
  readonly #aside = new Map<number, Place | null>()

  /**
   * @param complete True when the line is known to be empty in the store; false makes it begin with
   *   nothing known.
   */
  constructor(complete: boolean, sizes = RESIDENCY.head) {
    this.#sizes = sizes
    this.#horizon = complete ? undefined : BEFORE_ALL
  }

  /** How many entries are in memory. */
  get size(): number {
    return this.#head.length - this.#start
  }

  /** True when nothing lies beyond the head. */
  get complete(): boolean {
    return this.#horizon === undefined
  }

  /** True when neither memory nor store has an entry. */
  get empty(): boolean {
    return this.size === 0 && this.complete
  }

  /** True when nothing is in memory, but the store may have entries. */
  get isUnknown(): boolean {
    return this.size === 0 && !this.complete
  }

  get isLoading(): boolean {
    return this.#loading
  }

  /** True when it would be well to read the next window. */
  get hungry(): boolean {
    return !this.complete && !this.#loading && this.size < this.#sizes.low
  }

  /** Whether an entry at this place would be in memory. */
  covers(place: Place): boolean {
    return !this.#isBeyond(place)
  }

  /** The entry at a position of the head; undefined beyond what is in memory. */
  at(position: number): Place | undefined {
    return this.#head[this.#start + position]
  }

  push(place: Place): void {
    if (this.#isBeyond(place)) {
      if (this.#loading) this.#aside.set(place.id, place)
      return
    }
    const head = this.#head
    const last = head[head.length - 1]
    if (last === undefined || comparePlaces(last, place) < 0) head.push(place)
    else head.splice(this.#find(place), 0, place)
    if (this.size > this.#sizes.most) this.#shed()
  }

  /** Takes out an entry; the place must be the one that it was pushed with. */
  remove(place: Place): void {
    if (this.#isBeyond(place)) {
      if (this.#loading) this.#aside.set(place.id, null)
      return
    }
    const head = this.#head
    if (head[this.#start]?.id === place.id) {
      head[this.#start++] = BEFORE_ALL
      if (this.#start > SLACK && this.#start * 2 > head.length) {
        this.#head = head.slice(this.#start)
        this.#start = 0
      }
      return
    }
    const index = this.#find(place)
    if (head[index]?.id === place.id) head.splice(index, 1)
  }

  /** Says that a read of the tail was issued; answers the place behind which it has to begin. */
  beginLoad(): Place {
    this.#loading = true
    this.#aside.clear()
    return this.#horizon ?? BEFORE_ALL
  }

  /**
   * Takes in what was read: the entries behind the horizon, in order.
   *
   * @param exhausted True when the store has nothing beyond the last of them.
   */
  endLoad(window: readonly Place[], exhausted: boolean): void {
    this.#loading = false
    const merged = window.filter((place) => !this.#aside.has(place.id))
    const last = window[window.length - 1]
    const horizon = exhausted ? undefined : (last ?? this.#horizon)
    for (const place of this.#aside.values()) {
      if (place !== null && (horizon === undefined || comparePlaces(place, horizon) <= 0)) merged.push(place)
    }
    if (this.#aside.size > 0) merged.sort(comparePlaces)
    this.#aside.clear()
    this.#horizon = horizon
    this.#head = this.#head.slice(this.#start)
    this.#start = 0
    for (const place of merged) this.#head.push(place)
  }

  #isBeyond(place: Place): boolean {
    return this.#horizon !== undefined && comparePlaces(place, this.#horizon) > 0
  }

  /** Forgets the rear half: it is in the store, or about to be. */
  #shed(): void {
    if (this.#loading) return
    this.#head = this.#head.slice(this.#start, this.#start + this.#sizes.most / 2)
    this.#start = 0
    this.#horizon = this.#head[this.#head.length - 1]
  }

  #find(place: Place): number {
    let low = this.#start
    let high = this.#head.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (comparePlaces(this.#head[middle] as Place, place) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

const BEFORE_ALL: Place = { rank: -Infinity, turn: -Infinity, id: -Infinity }
