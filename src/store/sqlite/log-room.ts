/**
 * Room for the log: zeros behind what is written of it, so that commits write over them.
 *
 * A sync of a file that grew also waits for the file system to record its new size; one of a file that was written
 * over does not. On ext4 that is half of a small commit (0.27 ms instead of 0.45). SQLite writes its log over from
 * the start whenever all of it has been moved into the file, and takes zeros for its end, as it does with what a crash
 * leaves behind (https://www.sqlite.org/fileformat2.html#walformat).
 *
 * Never does: touch a byte that SQLite has written. It runs in the thread that writes, between two commits.
 */
import { closeSync, fstatSync, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs'

/** As much as a quiet store writes from one checkpoint to the next; a busy one makes its log longer by itself. */
const ROOM = 16 << 20
/** Whoever opens a store for a few commits does not pay for the room. */
const COMMITS_BEFORE = 32
/** Zeros that are written with one call. */
const PIECE = 1 << 20

/** The room of one log. */
export class LogRoom {
  readonly #path: string
  #commits = 0

  /** @param path the file of the store. */
  constructor(path: string) {
    this.#path = path
  }

  /** Told after each commit that has been answered. */
  noteCommit(): void {
    this.#commits++
    if (this.#commits === COMMITS_BEFORE) this.#make()
  }

  /** A disk that has no room to spare keeps what it has: commits are slower then, and nothing else. */
  #make(): void {
    const { bavail, bsize } = statfsSync(this.#path)
    if (bavail * bsize < 16 * ROOM) return
    const file = openSync(`${this.#path}-wal`, 'r+')
    try {
      const zeros = Buffer.alloc(PIECE)
      for (let at = fstatSync(file).size; at < ROOM; at += PIECE) writeSync(file, zeros, 0, PIECE, at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }
}
