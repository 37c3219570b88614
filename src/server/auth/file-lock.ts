/**
 * A lock between processes that change one file: a file beside it that only one of them can make.
 *
 * Owns: waiting for it, and taking it from a process that died with it. What is done under it takes milliseconds.
 */
import { closeSync, openSync, statSync, unlinkSync } from 'node:fs'
import { perdureError } from '../../errors.ts'
import { formatDuration } from '../../std/duration.ts'

const WAIT_MS = 5_000
const PAUSE_MS = 5
/** Nobody holds it that long: its holder is dead. */
const STALE_MS = 2_000

/** Runs `act` while no other process does so for the same file. @throws STORE_BUSY after five seconds. */
export async function withFileLock<T>(file: string, act: () => T): Promise<T> {
  const lock = `${file}.lock`
  const deadline = performance.now() + WAIT_MS
  while (!take(lock)) {
    if (performance.now() > deadline) throw busy(lock)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  try {
    return act()
  } finally {
    unlinkSync(lock)
  }
}

function take(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o600))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const stat = statSync(lock, { throwIfNoEntry: false })
    if (stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS) unlinkSync(lock)
    return false
  }
}

function busy(lock: string) {
  return perdureError('STORE_BUSY', {
    expected: `to be alone with ${lock.slice(0, -'.lock'.length)} within ${formatDuration(WAIT_MS)}`,
    found: 'other processes that change it',
    fix: `Try again; if it goes on, see who made ${lock}`,
    data: { path: lock },
  })
}
