/**
 * Random numbers of the simulator: everything that is drawn comes from the seed, by named streams, so that
 * drawing more of one thing leaves the others as they were.
 */

/** A stream of numbers. */
export class Random {
  readonly #seed: string
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: string) {
    this.#seed = seed
    const hash = hasher(seed)
    this.#a = hash()
    this.#b = hash()
    this.#c = hash()
    for (let i = 0; i < 12; i++) this.#next()
  }

  /** A stream of its own, which depends on the seed and the name only. */
  fork(name: string): Random {
    return new Random(`${this.#seed}/${name}`)
  }

  /** sfc32. */
  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** In [0, 1). */
  unit(): number {
    return this.#next() / 0x1_0000_0000
  }

  /** Whole, both ends included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1))
  }

  chance(probability: number): boolean {
    return probability > 0 && this.unit() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)] as T
  }

  /** One of the names, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][]
    let left = this.unit() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [name, weight] of entries) {
      left -= weight
      if (left < 0) return name
    }
    return (entries[0] as [K, number])[0]
  }

  /** Around a mean, seldom much longer. */
  about(mean: number): number {
    return -Math.log(1 - this.unit()) * mean
  }

  /** Between two bounds, small ones as likely as large ones by order of magnitude. */
  magnitude(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.unit())
  }

  /** 128 bits as text. */
  nonce(): string {
    let text = ''
    for (let i = 0; i < 4; i++) text += this.#next().toString(16).padStart(8, '0')
    return text
  }
}

function hasher(text: string): () => number {
  let h = 1779033703 ^ text.length
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 3432918353)
    h = (h << 13) | (h >>> 19)
  }
  return () => {
    h = Math.imul(h ^ (h >>> 16), 2246822507)
    h = Math.imul(h ^ (h >>> 13), 3266489909)
    h ^= h >>> 16
    return h >>> 0
  }
}
