/**
 * Blobs of a SQLite store: each text once, with the number of rows that refer to it.
 *
 * A number changes in the very commit that adds or removes the rows, so no crash leaves one too many or too few. Texts lie
 * in a table of their own: a row whose number changes would have to be written with all of its text.
 */
import { assert } from '../../std/assert.ts'
import { digestOf } from '../blobs.ts'
import type { Statements } from './statements.ts'

/** Which value a row has, in SQL: its own, or the text that it refers to. */
export function resolved(column: string): string {
  return `iif(blob IS NULL, ${column}, (SELECT text FROM blob_texts WHERE id = blob))`
}

/** Counts the references of one connection's commits. */
export class Blobs {
  readonly #statements: Statements
  /** By how much the number of each blob has changed in this commit. */
  readonly #changes = new Map<number, number>()

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /** Forgets what a commit that failed has counted. */
  forget(): void {
    this.#changes.clear()
  }

  /** The blob of a text, for one more row that refers to it. */
  refer(text: string): number {
    const digest = digestOf(text)
    const found = this.#statements.get('SELECT id FROM blobs WHERE digest = ?').get(digest)
    if (found === undefined) return this.#add(digest, text)
    const { id } = found as { id: number }
    this.count(id, 1)
    return id
  }

  #add(digest: string, text: string): number {
    const { lastInsertRowid } = this.#statements
      .get('INSERT INTO blobs (digest, uses) VALUES (?, 1)')
      .run(digest)
    const id = Number(lastInsertRowid)
    this.#statements.get('INSERT INTO blob_texts VALUES (?, ?)').run(id, text)
    return id
  }

  /** Notes that so many more rows, or fewer, refer to a blob. */
  count(id: number, delta: number): void {
    this.#changes.set(id, (this.#changes.get(id) ?? 0) + delta)
  }

  /**
   * Deletes the rows of which a condition holds, and lets go of what they referred to. They are looked for first: few rows
   * refer to anything, and having all of them returned would take several times as long as deleting them.
   */
  delete(table: 'journal' | 'payloads', condition: string, ...args: (number | string)[]): void {
    const referring = `SELECT blob FROM ${table} WHERE ${condition} AND blob IS NOT NULL`
    for (const { blob } of this.#statements.get(referring).all(...args) as { blob: number }[])
      this.count(blob, -1)
    this.#statements.get(`DELETE FROM ${table} WHERE ${condition}`).run(...args)
  }

  /** Writes what was counted, and takes out what nothing refers to any more: behind all else of a commit. */
  settle(): void {
    for (const [id, delta] of this.#changes) {
      const uses = this.#statements.get('UPDATE blobs SET uses = uses + ? WHERE id = ? RETURNING uses')
      const row = uses.get(delta, id) as { uses: number } | undefined
      assert(row !== undefined && row.uses >= 0, `blob ${id} is referred to as often as it counts`)
      if (row.uses === 0) {
        this.#statements.get('DELETE FROM blobs WHERE id = ?').run(id)
        this.#statements.get('DELETE FROM blob_texts WHERE id = ?').run(id)
      }
    }
    this.#changes.clear()
  }
}
