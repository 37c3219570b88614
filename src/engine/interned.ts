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

  override put(row: R): void {
    super.put(row)
    this.#fresh.push(row.id)
    this.#remember(row)
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
    if (row !== undefined) this.#remember(row)
  }

  #remember(row: R): void {
    if (this.#byId.size >= this.#mostById) {
      let excess = this.#mostById / 2
      for (const id of this.#byId.keys()) {
        if (excess-- <= 0) break
        this.#byId.delete(id)
      }
    }
    this.#byId.set(row.id, row)
  }
}
