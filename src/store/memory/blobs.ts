/**
 * Blobs of a memory store: texts that many rows share, each kept once, with the number of rows that refer to it.
 */
import { digestOf, isBlob } from '../blobs.ts'

interface Blob {
  readonly text: string
  uses: number
}

export class Blobs {
  readonly #byDigest = new Map<string, Blob>()

  /** How many there are. */
  get size(): number {
    return this.#byDigest.size
  }

  /** The text as it is kept, for one more row that has it. */
  refer<T extends string | null>(text: T): T {
    if (!isBlob(text)) return text
    const digest = digestOf(text)
    const known = this.#byDigest.get(digest)
    if (known === undefined) this.#byDigest.set(digest, { text, uses: 1 })
    else known.uses++
    return (known?.text ?? text) as T
  }

  /** One row less has the text. */
  drop(text: string | null): void {
    if (!isBlob(text)) return
    const digest = digestOf(text)
    const known = this.#byDigest.get(digest)
    if (known !== undefined && --known.uses === 0) this.#byDigest.delete(digest)
  }

  /** What does not hold of the texts that rows refer to, each as often as there are rows; as sentences. */
  *check(referred: Iterable<string | null>): Generator<string> {
    const counted = new Map<string, number>()
    for (const text of referred) {
      if (!isBlob(text)) continue
      const digest = digestOf(text)
      counted.set(digest, (counted.get(digest) ?? 0) + 1)
    }
    for (const digest of new Set([...counted.keys(), ...this.#byDigest.keys()])) {
      const [said, there] = [this.#byDigest.get(digest)?.uses ?? 0, counted.get(digest) ?? 0]
      if (said !== there) yield `Blob ${digest} counts ${said} rows, but ${there} refer to it.`
    }
  }
}
