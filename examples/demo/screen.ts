/**
 * What the demo shows: sentences on standard output, progress on standard error.
 */

const BAR = 30
/** Without a terminal there is a line per this share of the work. */
const PLAIN_STEP = 0.1

/** How many bytes, for people: `417 MB`. */
export function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
}

/** A number with thousands set apart: `6,867`. */
export function count(value: number): string {
  return value.toLocaleString('en')
}

/** Writes one line of the story. */
export function say(text = ''): void {
  progress.clear()
  process.stdout.write(`${text}\n`)
}

/** The bar, which redraws itself on a terminal; plain lines elsewhere. */
class Progress {
  #said = 0
  #isDrawn = false

  show(done: number, total: number, running: number): void {
    const share = total === 0 ? 1 : done / total
    const { stderr } = process
    if (!stderr.isTTY) {
      if (share < this.#said + PLAIN_STEP && (share < 1 || this.#said >= 1)) return
      this.#said = Math.floor(share / PLAIN_STEP) * PLAIN_STEP
      stderr.write(`  ${count(done)} of ${count(total)} jobs\n`)
      return
    }
    const filled = Math.floor(share * BAR)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`
    stderr.write(`\r  ${bar} ${count(done)} of ${count(total)} jobs, ${running} running\x1b[K`)
    this.#isDrawn = true
  }

  clear(): void {
    if (this.#isDrawn) process.stderr.write('\r\x1b[K')
    this.#isDrawn = false
  }
}

/** The one bar there is. */
export const progress = new Progress()
