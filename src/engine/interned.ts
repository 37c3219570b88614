/**
 * InternedTable: a table of rows that are written once and looked up by their text and by their number.
 */
import { Absent, type AbsentTable } from '../core/view.ts'
import { RESIDENCY } from './residency.ts'
import { Table, type TableOptions } from './table.ts'

export class InternedTable<R extends { readonly id: number }> extends Table<string, R> {
  readonly #byIdName: AbsentTable
  readonly #byId = new Map<number, R>()
  #fresh: number[] = []
  /** Most rows to find by number; older ones are read again on use. */
  #mostById = RESIDENCY.others

  constructor(options: TableOptions<string, R>, byIdName: AbsentTable) {
    super(options)
    this.#byIdName = byIdName
  }

  override keepAtMost(capacity: number): void {
    super.keepAtMost(capacity)
    this.#mostById = capacity
  }

  byId(id: number): R {
    const row = this.#byId.get(id)
    if (row === undefined) throw new Absent(this.#byIdName, [id])
    return row
  }

  /** The row if it is in memory; never Absent. */
  peekById(id: number): R | undefined {
    return this.#byId.get(id)
  }

  override put(row: R): void {
    super.put(row)
    this.#fresh.push(row.id)
    this.#byId.set(row.id, row)
  }

  override settle(): boolean {
    this.#fresh = []
    return super.settle()
  }

  override discard(): void {
    for (const id of this.#fresh) this.#byId.delete(id)
    this.#fresh = []
    super.discard()
  }

  override load(key: string, row: R | undefined): void {
    super.load(key, row)
    if (row !== undefined) this.#byId.set(row.id, row)
  }

  /** Evicts here and not where rows come in: a command that needs many finds them together in the end. */
  override durable(commit: number): void {
    super.durable(commit)
    if (this.#byId.size <= this.#mostById) return
    let excess = this.#byId.size - this.#mostById / 2
    for (const id of this.#byId.keys()) {
      if (excess-- <= 0) break
      this.#byId.delete(id)
    }
  }
}
