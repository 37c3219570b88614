/**
 * The output of one attempt on its way to the log.
 *
 * Owns: the bound. The beginning goes to the log as it comes, then output is read and dropped except for its last
 * part, which follows at the end. A command never waits for the log, and never costs more memory than that part.
 */
import type { Readable } from 'node:stream'
import type { AttemptControl } from '../executor.ts'

/** How much of an attempt's output is kept, in characters (UTF-16 units). */
export interface OutputLimits {
  readonly first: number
  readonly last: number
}

/** Together with the marker just what is kept of an attempt by default; errors stand at the end, so that is kept too. */
export const OUTPUT_LIMITS: OutputLimits = { first: 900_000, last: 100_000 }

/** After so many dropped characters the reader rests, or a command that only prints would take a core of ours. */
const REST_EVERY = 1_048_576
const REST_MS = 5

type Stream = 'stdout' | 'stderr'

/** Takes what a command prints. */
export class Output {
  readonly #control: Pick<AttemptControl, 'log'>
  readonly #limits: OutputLimits
  readonly #last: { stream: Stream; text: string }[] = []
  #lastLength = 0
  #written = 0
  #dropped = 0
  #sinceRest = 0

  constructor(control: Pick<AttemptControl, 'log'>, limits: OutputLimits) {
    this.#control = control
    this.#limits = limits
  }

  /**
   * Reads a stream to its end.
   *
   * @returns settled when it has ended, in whatever way.
   */
  follow(stream: Stream, source: Readable): Promise<void> {
    // decodes UTF-8 across chunks
    source.setEncoding('utf8')
    source.on('data', (text: string) => {
      if (!this.#take(stream, text)) return
      source.pause()
      setTimeout(() => source.resume(), REST_MS)
    })
    return new Promise((resolve) => {
      source.once('close', resolve)
      source.once('error', () => resolve())
    })
  }

  /** Writes what was kept of the end. */
  finish(): void {
    const left = this.#dropped - this.#lastLength
    if (this.#dropped === 0) return
    if (left > 0) this.#note(`${left} characters of output were left out here`)
    for (const { stream, text } of this.#last) this.#control.log(stream, text)
    this.#last.length = 0
  }

  /** True when the reader should rest. */
  #take(stream: Stream, text: string): boolean {
    const room = this.#limits.first - this.#written
    if (text.length <= room) {
      this.#written += text.length
      this.#control.log(stream, text)
      return false
    }
    if (room > 0) {
      const end = splitAt(text, room)
      if (end > 0) this.#control.log(stream, text.slice(0, end))
      this.#note(
        `The first ${this.#limits.first} characters of output end here; its last part follows when the command ends`,
      )
      this.#written = this.#limits.first
      return this.#keepLast(stream, text.slice(end))
    }
    return this.#keepLast(stream, text)
  }

  #keepLast(stream: Stream, text: string): boolean {
    const { last } = this.#limits
    this.#dropped += text.length
    this.#sinceRest += text.length
    const kept = text.length > last ? text.slice(splitAt(text, text.length - last)) : text
    this.#last.push({ stream, text: kept })
    this.#lastLength += kept.length
    while (this.#lastLength > last) this.#shortenFirst(this.#lastLength - last)
    if (this.#sinceRest < REST_EVERY) return false
    this.#sinceRest = 0
    return true
  }

  #shortenFirst(excess: number): void {
    const first = this.#last[0]!
    if (first.text.length <= excess) {
      this.#last.shift()
      this.#lastLength -= first.text.length
      return
    }
    const start = splitAt(first.text, excess, 1)
    first.text = first.text.slice(start)
    this.#lastLength -= start
  }

  #note(text: string): void {
    this.#control.log('log', `\n[${text}]\n`)
  }
}

/** The nearest place that does not cut a character in two: before it by default, after it with `step` 1. */
function splitAt(text: string, at: number, step: -1 | 1 = -1): number {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at + step : at
}
