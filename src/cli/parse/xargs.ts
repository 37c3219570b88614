/**
 * Splits input into items as xargs does, piece by piece.
 *
 * Owns: blanks, quotes, backslashes, lines and delimiters. How items become commands is in `batches.ts`.
 */
import { perdureError } from '../../errors.ts'

/** How input is cut into items. */
export type SplitMode =
  /** Blanks and newlines separate; quotes and backslashes protect. */
  | { readonly type: 'words' }
  /** One item per line, without its leading blanks; quotes and backslashes protect (`-I`). */
  | { readonly type: 'lines' }
  /** One character separates, and nothing is special (`-0`, `-d`). */
  | { readonly type: 'delimiter'; readonly delimiter: string }

/** What a splitter passes on: an item, or the end of a line right behind one. */
export interface SplitSink {
  item(text: string): void
  line(): void
}

const BLANK = /[ \t\v\f\r]/

/** Takes text in pieces of any size and passes items on as soon as they are complete. */
export class Splitter {
  readonly #mode: SplitMode
  readonly #sink: SplitSink
  #item = ''
  /** True once an item has begun, be it with an empty pair of quotes. */
  #begun = false
  #quote = ''
  #escaped = false

  constructor(mode: SplitMode, sink: SplitSink) {
    this.#mode = mode
    this.#sink = sink
  }

  /** Takes the next piece. Throws INVALID_INPUT on a quote that its line does not close, and on zero bytes. */
  push(text: string): void {
    if (this.#mode.type === 'delimiter') this.#cut(text, this.#mode.delimiter)
    else for (const character of text) this.#take(character)
  }

  /** Takes the end of the input. A backslash at the very end protects nothing. */
  finish(): void {
    if (this.#quote !== '') throw unmatched(this.#quote)
    if (this.#begun) this.#end()
  }

  #cut(text: string, delimiter: string): void {
    const pieces = text.split(delimiter)
    const rest = pieces.pop() ?? ''
    for (const piece of pieces) {
      this.#item += piece
      this.#end()
      this.#sink.line()
    }
    this.#item += rest
    this.#begun = this.#item !== ''
  }

  #take(character: string): void {
    if (this.#escaped) {
      this.#escaped = false
      this.#append(character)
    } else if (this.#quote !== '') {
      if (character === '\n') throw unmatched(this.#quote)
      if (character === this.#quote) this.#quote = ''
      else this.#append(character)
    } else if (character === '\\') {
      this.#escaped = true
    } else if (character === '"' || character === "'") {
      this.#quote = character
      this.#begun = true
    } else if (character === '\n') {
      // Only a newline right behind an item ends a line: a line that ends in a blank goes on in the next one.
      if (!this.#begun) return
      this.#end()
      this.#sink.line()
    } else if (!BLANK.test(character)) {
      this.#append(character)
    } else if (this.#begun) {
      if (this.#mode.type === 'lines') this.#append(character)
      else this.#end()
    }
  }

  #append(character: string): void {
    this.#item += character
    this.#begun = true
  }

  #end(): void {
    const item = this.#item
    this.#item = ''
    this.#begun = false
    if (item.includes('\0')) throw zeroByte()
    this.#sink.item(item)
  }
}

function zeroByte() {
  return perdureError('INVALID_INPUT', {
    expected: 'items without zero bytes, which no argument of a command can hold',
    found: 'a zero byte',
    fix: 'Use -0 if zero bytes separate the items',
  })
}

function unmatched(quote: string) {
  return perdureError('INVALID_INPUT', {
    expected: 'quotes in the input to be closed on their line',
    found: `an unmatched ${quote === '"' ? 'double' : 'single'} quote`,
    fix: "Quote or escape it, or separate items with -0 or -d '\\n', where quotes are not special",
  })
}

/**
 * Reads the argument of `-d`: one character, or an escape such as `\n`, `\t`, `\0`, `\x2c`, `\054`.
 *
 * @throws PerdureError INVALID_OPTION for anything else.
 */
export function parseDelimiter(text: string): string {
  if ([...text].length === 1 && text !== '\\') return text
  const named: Record<string, string> = {
    '\\n': '\n',
    '\\t': '\t',
    '\\r': '\r',
    '\\f': '\f',
    '\\v': '\v',
    '\\a': '\x07',
    '\\b': '\b',
    '\\\\': '\\',
  }
  const found = Object.hasOwn(named, text) ? named[text] : undefined
  if (found !== undefined) return found
  const hex = /^\\x([0-9a-fA-F]{1,2})$/.exec(text)
  const octal = /^\\([0-7]{1,3})$/.exec(text)
  const code = hex
    ? Number.parseInt(hex[1] ?? '', 16)
    : octal
      ? Number.parseInt(octal[1] ?? '', 8)
      : Number.NaN
  if (code <= 0x7f) return String.fromCharCode(code)
  throw perdureError('INVALID_OPTION', {
    expected: 'one character, or an escape such as \\n, \\t, \\0 or \\x2c, after --delimiter',
    found: JSON.stringify(text.slice(0, 40)),
    fix: "For lines use -d '\\n'; for zero bytes use -0",
  })
}
