/**
 * Waits until a tree of processes stands: however slow the machine is, what a test ends or looks for is there.
 */
import { readFileSync } from 'node:fs'

/**
 * The processes that `find` finds, once a `sleep N` of each of these numbers is among them. Whatever else belongs to the
 * tree must have been started before the last of them.
 */
export async function standing(find: () => Promise<number[]>, sleeps: readonly number[]): Promise<number[]> {
  for (;;) {
    const pids = await find()
    const lines = new Set(pids.map(commandLine))
    if (sleeps.every((seconds) => lines.has(`sleep\0${seconds}\0`))) return pids
  }
}

/** Empty for a process that has ended meanwhile. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}
