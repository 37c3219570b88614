/**
 * Pipes for the output of commands.
 *
 * Owns: a pool of FIFOs without names. Node connects a child by sockets, and a socket cannot be opened by its path:
 * `echo oops > /dev/stderr`, `tee /dev/stdout` and the like would fail in every script ("No such device or
 * address"). A FIFO can. It costs the same (measured: 1.2 ms per command either way).
 *
 * The FIFOs are made by one `mkfifo` per batch and unlinked at once; an O_PATH descriptor keeps each without being
 * a reader or a writer of it. Where any of that does not work, commands get sockets.
 */
import { execFile } from 'node:child_process'
import { chownSync, closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Not among Node's constants; the same on every architecture that Node runs on. */
const O_PATH = 0o10000000
/** Two per command. */
const BATCH = 16
/** More idle ones than this are let go. */
const MOST_IDLE = 256

/** A FIFO that is in use: its number is an O_PATH descriptor. */
export type Fifo = number

/** The pool. */
export class Fifos {
  readonly #idle: Fifo[] = []
  #growing: Promise<void> | undefined
  #isUsable = process.platform === 'linux'
  #isClosed = false

  /** Two FIFOs, or undefined where there can be none; a promise only when some have to be made. */
  take(): [Fifo, Fifo] | undefined | Promise<[Fifo, Fifo] | undefined> {
    const [first, second] = [this.#idle.pop(), this.#idle.pop()]
    if (first !== undefined && second !== undefined) return [first, second]
    if (first !== undefined) this.#idle.push(first)
    if (!this.#isUsable || this.#isClosed) return undefined
    this.#growing ??= this.#grow()
    return this.#growing.then(() => this.take())
  }

  /** Gives one back. Only if all its writers and readers are gone, or the next command would share it. */
  giveBack(fifo: Fifo): void {
    if (this.#isClosed || this.#idle.length >= MOST_IDLE) closeSync(fifo)
    else this.#idle.push(fifo)
  }

  close(): void {
    this.#isClosed = true
    for (const fifo of this.#idle.splice(0)) closeSync(fifo)
  }

  async #grow(): Promise<void> {
    try {
      const folder = mkdtempSync(join(tmpdir(), 'perdure-'))
      try {
        const paths = Array.from({ length: BATCH }, (_, index) => join(folder, String(index)))
        await new Promise<void>((resolve, reject) => {
          execFile('mkfifo', ['-m', '600', '--', ...paths], (error) => (error ? reject(error) : resolve()))
        })
        for (const path of paths) this.#idle.push(openSync(path, O_PATH))
        // shows now rather than later whether /proc leads back to them
        const [read, write] = openFifo(this.#idle.at(-1)!)
        closeSync(read)
        closeSync(write)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    } catch {
      this.#isUsable = false
      for (const fifo of this.#idle.splice(0)) closeSync(fifo)
    }
    this.#growing = undefined
  }
}

/**
 * Opens both ends.
 *
 * @param owner who may open it by its path besides root: the user that the command runs as.
 * @returns descriptors to read, without blocking, and to write.
 */
export function openFifo(
  fifo: Fifo,
  owner?: { readonly uid: number; readonly gid: number },
): [number, number] {
  const path = `/proc/self/fd/${fifo}`
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return [read, openSync(path, constants.O_WRONLY)]
  } catch (error) {
    closeSync(read)
    throw error
  }
}
