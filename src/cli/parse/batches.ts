/**
 * Makes commands out of items: so many items, so many lines, so many characters, or one in place of a word.
 */
import { perdureError } from '../../errors.ts'
import type { SplitSink } from './xargs.ts'

/** How items become commands. */
export interface BatchRule {
  /** The command and its first arguments. */
  readonly command: readonly string[]
  /** Most items in one command (`-n`). */
  readonly maxItems?: number
  /** Lines in one command (`-L`). */
  readonly lines?: number
  /** Text in the command to replace by the item; one item per command (`-I`). */
  readonly replace?: string
  /** Most bytes of one command, each argument with the zero that ends it (`-s`). */
  readonly maxBytes: number
}

/** Collects items into commands. */
export class Batcher implements SplitSink {
  readonly #rule: BatchRule
  readonly #emit: (argv: string[]) => void
  readonly #ownBytes: number
  #items: string[] = []
  #bytes: number
  #lines = 0

  constructor(rule: BatchRule, emit: (argv: string[]) => void) {
    this.#rule = rule
    this.#emit = emit
    this.#ownBytes = rule.command.reduce((sum, word) => sum + size(word), 0)
    this.#bytes = this.#ownBytes
  }

  /** Throws TOO_LARGE for an item that fits into no command. */
  item(text: string): void {
    const { replace, command, maxItems, maxBytes, lines } = this.#rule
    if (replace !== undefined) {
      const argv = command.map((word) => word.replaceAll(replace, () => text))
      assertFits(
        argv.reduce((sum, word) => sum + size(word), 0),
        maxBytes,
        text,
      )
      this.#emit(argv)
      return
    }
    const bytes = size(text)
    if (this.#bytes + bytes > maxBytes && this.#items.length > 0) {
      // Lines that were asked to stay together cannot.
      assertFits(lines === undefined ? 0 : this.#bytes + bytes, maxBytes, text)
      this.flush()
    }
    assertFits(this.#ownBytes + bytes, maxBytes, text)
    this.#items.push(text)
    this.#bytes += bytes
    if (maxItems !== undefined && this.#items.length >= maxItems) this.flush()
  }

  line(): void {
    this.#lines += 1
    if (this.#rule.lines !== undefined && this.#lines >= this.#rule.lines) this.flush()
  }

  /** Passes on what has gathered; nothing when there is nothing. */
  flush(): void {
    this.#lines = 0
    if (this.#items.length === 0) return
    const argv = [...this.#rule.command, ...this.#items]
    this.#items = []
    this.#bytes = this.#ownBytes
    this.#emit(argv)
  }
}

function size(word: string): number {
  return Buffer.byteLength(word) + 1
}

function assertFits(bytes: number, maxBytes: number, item: string): void {
  if (bytes <= maxBytes) return
  throw perdureError('TOO_LARGE', {
    expected: `commands of at most ${maxBytes} bytes`,
    found: `${bytes} bytes with the item ${JSON.stringify(item.length > 40 ? `${item.slice(0, 40)}...` : item)}`,
    fix: 'Raise --max-chars, or put fewer items into one command with -n',
  })
}
