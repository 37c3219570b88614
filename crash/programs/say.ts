/**
 * A line on standard output, which is in the pipe when the call returns: a kill that follows cannot take it back.
 */
import { writeSync } from 'node:fs'

const asleep = new Int32Array(new SharedArrayBuffer(4))

/** Says one line. */
export function say(...words: (string | number)[]): void {
  let rest = Buffer.from(`${words.join(' ')}\n`)
  while (rest.length > 0) rest = rest.subarray(write(rest))
}

/** Answers how much went into the pipe, which may be full, and does not block where another process said so. */
function write(bytes: Buffer): number {
  try {
    return writeSync(1, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    Atomics.wait(asleep, 0, 0, 1)
    return 0
  }
}
