/**
 * Table: the resident rows of one table, with staged writes, and the changes that the next commit will carry.
 *
 * A row is in one of three layers: `staged` by the command that is being applied, `row` as the shard sees it,
 * `stored` as the last issued commit has it. Dirty rows are pinned; clean ones are evicted (second chance).
 * Never does: I/O, or deciding what a row means.
 */
import { Absent, type AbsentTable, type Rows } from '../core/view.ts'
import { IdMap } from '../std/id-map.ts'

/** One resident key; `row` undefined means "known to be missing". */
interface Entry<K, R> {
  readonly key: K
  row: R | undefined
  stored: R | undefined
  staged: R | undefined
  isStaged: boolean
  isDirty: boolean
  /** Number of the commit that carries its latest change. */
  commit: number
  /** False as long as only the command that is being applied has made it: that is no knowledge of the store. */
  isKnown: boolean
  used: boolean
}

/** One row's way from the last commit to this one. */
export interface RowChange<R> {
  readonly before: R | undefined
  readonly after: R | undefined
}

export interface TableOptions<K, R> {
  readonly name: AbsentTable
  readonly keyOf: (row: R) => K
  /** Keys are numbers of jobs, of which many come and go. */
  readonly isById?: boolean
  /** Most clean rows to keep. */
  readonly capacity: number
  /** Rows that are never evicted, clean or not. */
  readonly isPinned?: (row: R) => boolean
  /** Rows of which nothing more is expected: dropped as soon as they are durable. */
  readonly isDone?: (row: R) => boolean
  /** Called for each row that a command changed, once the command is through. */
  readonly onChange?: (before: R | undefined, after: R | undefined) => void
}

/** Entries that one eviction looks at in addition. */
const EVICTION_LOOKS = 64

export class Table<K extends string | number, R> implements Rows<K, R> {
  readonly #options: TableOptions<K, R>
  #capacity: number
  readonly #entries: Index<K, Entry<K, R>>
  /** The entry found last: what is read is often written next. */
  #found: Entry<K, R> | undefined
  #staged: Entry<K, R>[] = []
  #dirty: Entry<K, R>[] = []
  readonly #taken: { commit: number; entries: Entry<K, R>[] }[] = []

  constructor(options: TableOptions<K, R>) {
    this.#options = options
    this.#entries = (options.isById ? new IdMap<Entry<K, R>>() : new RecencyMap<K, Entry<K, R>>()) as Index<
      K,
      Entry<K, R>
    >
    this.#capacity = options.capacity
  }

  /** Keeps another number of clean rows than was said at first. */
  keepAtMost(capacity: number): void {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): R | undefined {
    const entry = this.#find(key)
    if (entry === undefined) throw new Absent(this.#options.name, [key])
    entry.used = true
    return entry.isStaged ? entry.staged : entry.row
  }

  need(keys: readonly K[]): void {
    const missing = keys.filter((key) => !this.#entries.has(key))
    if (missing.length > 0) throw new Absent(this.#options.name, missing)
  }

  /** The row if it is resident; never Absent, never marks it as used. */
  peek(key: K): R | undefined {
    const entry = this.#entries.get(key)
    return entry === undefined ? undefined : entry.isStaged ? entry.staged : entry.row
  }

  isResident(key: K): boolean {
    return this.#entries.has(key)
  }

  /** Says that there is no row of this key yet. */
  begin(key: K): void {
    if (!this.#entries.has(key)) this.#entries.set(key, newEntry<K, R>(key, undefined, true))
  }

  put(row: R): void {
    this.#stage(this.#options.keyOf(row), row)
  }

  remove(key: K): void {
    this.#stage(key, undefined)
  }

  #find(key: K): Entry<K, R> | undefined {
    const found = this.#found
    if (found !== undefined && found.key === key) return found
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.#found = entry
    return entry
  }

  #stage(key: K, row: R | undefined): void {
    let entry = this.#find(key)
    if (entry === undefined) {
      entry = newEntry<K, R>(key, undefined, false)
      this.#entries.set(key, entry)
    }
    if (!entry.isStaged) {
      entry.isStaged = true
      this.#staged.push(entry)
    }
    entry.staged = row
  }

  /** Makes the staged writes of a command take effect. Answers whether there were any. */
  settle(): boolean {
    const staged = this.#staged
    if (staged.length === 0) return false
    const { onChange } = this.#options
    for (const entry of staged) {
      const before = entry.row
      entry.row = entry.staged
      entry.isStaged = false
      entry.isKnown = true
      entry.staged = undefined
      if (!entry.isDirty) {
        entry.isDirty = true
        this.#dirty.push(entry)
      }
      onChange?.(before, entry.row)
    }
    this.#staged = []
    return true
  }

  /** Throws away the staged writes of a command. */
  discard(): void {
    for (const entry of this.#staged) {
      entry.isStaged = false
      entry.staged = undefined
      if (!entry.isKnown) this.#entries.delete(entry.key)
    }
    this.#found = undefined
    this.#staged = []
  }

  /** Hands over the changes since the last call; they belong to the given commit. */
  take(commit: number): RowChange<R>[] {
    const changes: RowChange<R>[] = []
    for (const entry of this.#dirty) {
      entry.isDirty = false
      entry.commit = commit
      if (entry.row !== entry.stored) changes.push({ before: entry.stored, after: entry.row })
      entry.stored = entry.row
    }
    this.#taken.push({ commit, entries: this.#dirty })
    this.#dirty = []
    return changes
  }

  /** Says that all commits up to this one are durable: done rows go, and clean ones beyond the capacity. */
  durable(commit: number): void {
    const { isDone } = this.#options
    this.#found = undefined
    while (this.#taken.length > 0 && (this.#taken[0]?.commit ?? 0) <= commit) {
      const { entries } = this.#taken.shift() as { entries: Entry<K, R>[] }
      if (isDone === undefined) continue
      for (const entry of entries) {
        if (this.#isClean(entry, commit) && entry.row !== undefined && isDone(entry.row))
          this.#entries.delete(entry.key)
      }
    }
    if (this.#entries.size > this.#capacity) this.#evict(commit)
  }

  /** Takes in rows that were read. A row that is resident already is newer and stays. */
  load(key: K, row: R | undefined): void {
    if (this.#entries.has(key)) return
    this.#entries.set(key, newEntry(key, row, true))
  }

  #isClean(entry: Entry<K, R>, durable: number): boolean {
    return !entry.isDirty && !entry.isStaged && entry.commit <= durable
  }

  /** Second chance (clock): looks at a few more entries than there are too many, each time at others. */
  #evict(durable: number): void {
    const { isPinned } = this.#options
    let excess = this.#entries.size - this.#capacity
    let looks = 2 * excess + EVICTION_LOOKS
    for (const entry of this.#entries.sweep()) {
      if (looks-- <= 0 || excess <= 0) return
      const isKept =
        entry.used || !this.#isClean(entry, durable) || (entry.row !== undefined && isPinned?.(entry.row))
      entry.used = false
      if (isKept) continue
      this.#entries.delete(entry.key)
      excess--
    }
  }
}

/** What a table needs of a map. */
interface Index<K, V> {
  readonly size: number
  get(key: K): V | undefined
  has(key: K): boolean
  set(key: K, value: V): void
  delete(key: K): boolean
  /** Values one after another, from where the last sweep stopped. */
  sweep(): Iterable<V>
}

/** A map in which what was looked at goes to the back, so that the next sweep begins with others. */
class RecencyMap<K, V> extends Map<K, V> {
  *sweep(): Generator<V> {
    for (const [key, value] of this) {
      this.delete(key)
      this.set(key, value)
      yield value
    }
  }
}

function newEntry<K, R>(key: K, row: R | undefined, isKnown: boolean): Entry<K, R> {
  return {
    key,
    row,
    stored: row,
    staged: undefined,
    isStaged: false,
    isDirty: false,
    commit: 0,
    isKnown,
    used: true,
  }
}
