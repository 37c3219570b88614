/**
 * RangeTable: the resident sets of members by owner (holders of a limit, dependents of a job).
 *
 * A range is resident as a whole or not at all. Writes take effect at once and are undone when the command
 * is discarded. A write to a range that is not resident goes to the store alone, and is kept aside while the
 * range is being read, so that a lookup never misses what is applied but not stored.
 */
import { Absent, type AbsentTable, type Ranges } from '../core/view.ts'

interface Range {
  readonly members: Map<number, number>
  /** The members in order, those of them included that have gone since; made on use. */
  order: readonly number[] | undefined
  commit: number
}

/** One member's way: a value, or REMOVED. */
export interface RangeChange {
  readonly owner: number
  readonly member: number
  readonly value: number
}

/** Stands for "no longer a member" in a change. */
const REMOVED = -1

const NOBODY: readonly (readonly [number, number])[] = []

export class RangeTable implements Ranges {
  readonly #name: AbsentTable
  #capacity: number
  readonly #ranges = new Map<number, Range>()
  #undo: (() => void)[] = []
  #staged: RangeChange[] = []
  #dirty = new Map<number, Map<number, number>>()
  readonly #aside = new Map<number, Map<number, number>>()
  #commit = 1

  constructor(name: AbsentTable, capacity: number) {
    this.#name = name
    this.#capacity = capacity
  }

  /** Keeps another number of clean ranges than was said at first. */
  keepAtMost(capacity: number): void {
    this.#capacity = capacity
  }

  size(owner: number): number {
    return this.#get(owner).members.size
  }

  has(owner: number, member: number): boolean {
    return this.#get(owner).members.has(member)
  }

  members(owner: number, most = Infinity): readonly (readonly [number, number])[] {
    const range = this.#get(owner)
    if (range.members.size === 0) return NOBODY
    // Sorted, since undoing and reading anew do not keep the order of arrival, and what follows must not depend on them.
    range.order ??= [...range.members.keys()].sort((a, b) => a - b)
    const first: [number, number][] = []
    for (const member of range.order) {
      if (first.length >= most) break
      const value = range.members.get(member)
      if (value !== undefined) first.push([member, value])
    }
    return first
  }

  need(owners: readonly number[]): void {
    const missing = owners.filter((owner) => !this.#ranges.has(owner))
    if (missing.length > 0) throw new Absent(this.#name, missing)
  }

  begin(owner: number): void {
    if (this.#ranges.has(owner)) return
    this.#ranges.set(owner, { members: new Map(), order: undefined, commit: this.#commit })
    this.#undo.push(() => this.#ranges.delete(owner))
  }

  add(owner: number, member: number, value: number): void {
    this.#write(owner, member, value)
  }

  remove(owner: number, member: number): void {
    this.#write(owner, member, REMOVED)
  }

  #get(owner: number): Range {
    const range = this.#ranges.get(owner)
    if (range === undefined) throw new Absent(this.#name, [owner])
    return range
  }

  #write(owner: number, member: number, value: number): void {
    const range = this.#ranges.get(owner)
    if (range !== undefined) {
      const { members } = range
      const before = members.get(member)
      if (value === REMOVED) members.delete(member)
      else {
        members.set(member, value)
        if (before === undefined) range.order = undefined
      }
      this.#undo.push(() => {
        if (before === undefined) members.delete(member)
        else members.set(member, before)
        range.order = undefined
      })
    }
    this.#staged.push({ owner, member, value })
  }

  /** Makes the writes of a command final. Answers whether there were any. */
  settle(): boolean {
    this.#undo = []
    if (this.#staged.length === 0) return false
    for (const change of this.#staged) {
      note(this.#dirty, change)
      const range = this.#ranges.get(change.owner)
      if (range !== undefined) range.commit = this.#commit
      const aside = this.#aside.get(change.owner)
      if (aside !== undefined) aside.set(change.member, change.value)
    }
    this.#staged = []
    return true
  }

  discard(): void {
    for (const undo of this.#undo.reverse()) undo()
    this.#undo = []
    this.#staged = []
  }

  /** Hands over the changes since the last call; they belong to the given commit. */
  take(commit: number): RangeChange[] {
    const changes: RangeChange[] = []
    for (const [owner, members] of this.#dirty) {
      for (const [member, value] of members) changes.push({ owner, member, value })
    }
    this.#dirty = new Map()
    this.#commit = commit + 1
    return changes
  }

  /** Says that commits up to this one are durable; evicts clean ranges beyond the capacity, oldest first. */
  durable(commit: number): void {
    if (this.#ranges.size <= this.#capacity) return
    const target = Math.floor(this.#capacity * 0.75)
    for (const [owner, range] of this.#ranges) {
      if (this.#ranges.size <= target) return
      if (range.commit <= commit) this.#ranges.delete(owner)
    }
  }

  /** Forgets a range whose owner is gone. */
  drop(owner: number): void {
    this.#ranges.delete(owner)
  }

  beginLoad(owner: number): void {
    this.#aside.set(owner, new Map())
  }

  endLoad(owner: number, read: readonly (readonly [number, number])[]): void {
    const aside = this.#aside.get(owner)
    this.#aside.delete(owner)
    if (this.#ranges.has(owner)) return
    const members = new Map(read)
    for (const [member, value] of aside ?? []) {
      if (value === REMOVED) members.delete(member)
      else members.set(member, value)
    }
    this.#ranges.set(owner, { members, order: undefined, commit: this.#commit })
  }
}

function note(dirty: Map<number, Map<number, number>>, { owner, member, value }: RangeChange): void {
  let members = dirty.get(owner)
  if (members === undefined) {
    members = new Map()
    dirty.set(owner, members)
  }
  members.set(member, value)
}
