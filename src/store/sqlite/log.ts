/**
 * A look at the write-ahead log before SQLite opens it.
 *
 * SQLite takes the first frame with a wrong check sum for the end of the log, as a crash in the middle of a write leaves
 * it, and drops what stands behind it without a word. That is right for the last transaction only: each was on disk
 * before the next was begun. Frames behind a damaged one that go on from a finished transaction had been acknowledged.
 *
 * Format: https://www.sqlite.org/fileformat2.html#walformat. Only reads. A log that was cut off at its end, or whose
 * own header is damaged, cannot be told from one that a crash has left.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { perdureError } from '../../errors.ts'

const HEADER = 32
const FRAME_HEADER = 24
/** Check sums are over words of this order of bytes; all machines that SQLite writes a log on today have it. */
const LITTLE_ENDIAN_MAGIC = 0x377f0682

/**
 * Checks the log of a store that nobody has open.
 *
 * @throws STORE_CORRUPT where transactions that were on disk would be lost.
 */
export function checkLog(path: string): void {
  const file = `${path}-wal`
  if (!existsSync(file)) return
  const handle = openSync(file, 'r')
  try {
    const log = Log.of(handle)
    const damage = log?.firstDamage()
    if (log === undefined || damage === undefined || !log.goesOnBehind(damage)) return
    throw perdureError('STORE_CORRUPT', {
      expected: `'${file}' to be whole`,
      found: `damage in its frame ${damage.frame + 1}, before transactions that had been acknowledged`,
      fix: 'Restore the store from a backup; it was left as it is',
      data: { frame: damage.frame + 1 },
    })
  } finally {
    closeSync(handle)
  }
}

type Sums = readonly [number, number]

/** A frame that does not go on from the sums of the one before it. */
interface Damage {
  readonly frame: number
  readonly before: Sums
}

/** The frames of a log, read one by one. */
class Log {
  readonly #handle: number
  readonly #header: Buffer
  readonly #frame: Buffer
  /** The frame as words: its first two, then those of the page, make up its check sum. */
  readonly #words: Uint32Array

  private constructor(handle: number, header: Buffer) {
    this.#handle = handle
    this.#header = header
    const memory = new ArrayBuffer(FRAME_HEADER + header.readUInt32BE(8))
    this.#frame = Buffer.from(memory)
    this.#words = new Uint32Array(memory)
  }

  /** The log of an open file; undefined where it is empty, or not one whose frames can be judged. */
  static of(handle: number): Log | undefined {
    const header = Buffer.alloc(HEADER)
    if (readSync(handle, header, 0, HEADER, 0) < HEADER) return undefined
    const words = new Uint32Array(header.buffer, header.byteOffset, HEADER / 4)
    const sums = addUp([0, 0], words, 0, 6)
    const isWhole = sums[0] === header.readUInt32BE(24) && sums[1] === header.readUInt32BE(28)
    return isWhole && header.readUInt32BE(0) === LITTLE_ENDIAN_MAGIC ? new Log(handle, header) : undefined
  }

  /** The first frame that does not go on from the one before; undefined where all do. */
  firstDamage(): Damage | undefined {
    let before: Sums = [this.#header.readUInt32BE(24), this.#header.readUInt32BE(28)]
    for (let frame = 0; this.#read(frame); frame++) {
      if (!this.#goesOnFrom(before)) return { frame, before }
      before = this.#stored()
    }
    return undefined
  }

  /** Whether a transaction was begun behind the damage after another, there or later, had been finished. */
  goesOnBehind({ frame, before }: Damage): boolean {
    let finished: Sums | undefined
    for (let index = frame; this.#read(index); index++) {
      if (finished !== undefined && this.#goesOnFrom(finished)) return true
      const isLast = this.#frame.readUInt32BE(4) !== 0 && !(index === frame && this.#endsByDamage(before))
      finished = isLast && this.#isOfThisLog() ? this.#stored() : undefined
    }
    return false
  }

  /** Whether the frame is whole but for the word that says that it ends a transaction: then it ends none. */
  #endsByDamage(before: Sums): boolean {
    this.#words[1] = 0
    return this.#goesOnFrom(before)
  }

  #read(index: number): boolean {
    const size = this.#frame.length
    return readSync(this.#handle, this.#frame, 0, size, HEADER + index * size) === size
  }

  /** Frames of an earlier use of the file have other salts. */
  #isOfThisLog(): boolean {
    return this.#frame.compare(this.#header, 16, 24, 8, 16) === 0
  }

  #stored(): Sums {
    return [this.#frame.readUInt32BE(16), this.#frame.readUInt32BE(20)]
  }

  #goesOnFrom(before: Sums): boolean {
    if (!this.#isOfThisLog()) return false
    const head = addUp(before, this.#words, 0, 2)
    const sums = addUp(head, this.#words, FRAME_HEADER / 4, this.#words.length)
    const [first, second] = this.#stored()
    return sums[0] === first && sums[1] === second
  }
}

function addUp([first, second]: Sums, words: Uint32Array, from: number, to: number): Sums {
  let a = first | 0
  let b = second | 0
  for (let i = from; i < to; i += 2) {
    a = (a + (words[i] as number) + b) | 0
    b = (b + (words[i + 1] as number) + a) | 0
  }
  return [a >>> 0, b >>> 0]
}
