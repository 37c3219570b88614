/**
 * InternedTable: a table of rows that are written once and looked up by their text and by their number.
 */
import { Absent, type AbsentTable } from '../core/view.ts'
import { Table, type TableOptions } from './table.ts'

/** Most rows to find by number; older ones are read again on use. */
const CAPACITY = 20_000

export class InternedTable<R extends { readonly id: number }> extends Table<string, R> {
  readonly #byIdName: AbsentTable
  readonly #byId = new Map<number, R>()
  #fresh: number[] = []

  constructor(options: TableOptions<string, R>, byIdName: AbsentTable) {
    super(options)
    this.#byIdName = byIdName
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
    if (this.#byId.size >= CAPACITY) {
      let excess = CAPACITY / 2
      for (const id of this.#byId.keys()) {
        if (excess-- <= 0) break
        this.#byId.delete(id)
      }
    }
    this.#byId.set(row.id, row)
  }
}
