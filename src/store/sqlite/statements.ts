/**
 * Statements: prepared once per connection and text.
 */
import type Database from 'better-sqlite3'

/** Most statements to keep; job writes of rare shapes come and go. */
const CAPACITY = 500

export class Statements {
  readonly #db: Database.Database
  readonly #byText = new Map<string, Database.Statement<(number | string | null)[]>>()

  constructor(db: Database.Database) {
    this.#db = db
  }

  get(sql: string): Database.Statement<(number | string | null)[]> {
    let statement = this.#byText.get(sql)
    if (statement === undefined) {
      if (this.#byText.size >= CAPACITY) this.#byText.clear()
      statement = this.#db.prepare<(number | string | null)[]>(sql)
      this.#byText.set(sql, statement)
    }
    return statement
  }

  rollBack(): void {
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK')
  }
}
