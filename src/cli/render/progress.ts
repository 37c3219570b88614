/**
 * The one line that tells a waiting person how far it is: on standard error, and only on a terminal.
 */
import { cutText, shortSpan } from './text.ts'

/** What is known at a moment. */
export interface ProgressState {
  readonly done: number
  readonly failed: number
  /** How many there are; undefined while more keep coming. */
  readonly total: number | undefined
  readonly elapsedMs: number
}

const BAR = 24

/** The line for a state, at most `width` columns. */
export function renderProgress({ done, failed, total, elapsedMs }: ProgressState, width: number): string {
  const perSecond = elapsedMs > 0 ? done / (elapsedMs / 1_000) : 0
  const rate = perSecond >= 10 ? `${Math.round(perSecond)}/s` : `${perSecond.toFixed(1)}/s`
  const failures = failed > 0 ? `, ${failed} failed` : ''
  if (total === undefined) return cutText(`${done} done${failures}, ${rate}`, width)
  const share = total === 0 ? 1 : done / total
  const filled = Math.floor(share * BAR)
  const left = done > 0 && done < total ? `, ${shortSpan((elapsedMs / done) * (total - done))} left` : ''
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`
  return cutText(`${bar} ${Math.floor(share * 100)}% ${done}/${total}${failures}, ${rate}${left}`, width)
}

interface ProgressStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** A line that redraws itself in place. */
export class ProgressLine {
  readonly #stream: ProgressStream
  readonly #state: () => Omit<ProgressState, 'elapsedMs'>
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout | undefined
  #isDrawn = false

  /** Draws a few times a second when the stream is a terminal and `enabled`; else does nothing at all. */
  constructor(stream: ProgressStream, enabled: boolean, state: () => Omit<ProgressState, 'elapsedMs'>) {
    this.#stream = stream
    this.#state = state
    if (!enabled || !stream.isTTY) return
    this.#timer = setInterval(() => this.#draw(), 125)
    this.#timer.unref()
  }

  /** Takes the line away, so that other text can be written. It comes back with the next draw. */
  clear(): void {
    if (this.#isDrawn) this.#stream.write('\r\x1b[K')
    this.#isDrawn = false
  }

  /** Takes the line away for good. */
  stop(): void {
    clearInterval(this.#timer)
    this.clear()
  }

  #draw(): void {
    const line = renderProgress(
      { ...this.#state(), elapsedMs: performance.now() - this.#startedAt },
      (this.#stream.columns ?? 80) - 1,
    )
    this.#stream.write(`\r${line}\x1b[K`)
    this.#isDrawn = true
  }
}
