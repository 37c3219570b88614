/**
 * Whatever the bench leaves on the machine while it runs - processes, directories - is named here at the moment it
 * begins, and taken away at the end, on an error, and on SIGINT or SIGTERM. Synchronous, so that it also works on exit.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const TMPFS = 0x01021994
const processes = new Set<ChildProcess>()
const directories = new Set<string>()

/**
 * Starts a server that the kernel kills when the bench dies, even of SIGKILL, where `setpriv` can arrange that.
 * @param program absolute path
 */
export function spawnServer(program: string, options: string[], spawnOptions: SpawnOptions): ChildProcess {
  const setpriv = '/usr/bin/setpriv'
  if (!existsSync(setpriv)) return trackProcess(spawn(program, options, spawnOptions))
  return trackProcess(spawn(setpriv, ['--pdeathsig', 'KILL', program, ...options], spawnOptions))
}

/** Ends the child with the bench, unless it ends before. */
export function trackProcess(child: ChildProcess): ChildProcess {
  processes.add(child)
  child.once('exit', () => processes.delete(child))
  return child
}

/** Ends a tracked child and resolves when it is gone; after `graceMs` it is killed. */
export function stopProcess(child: ChildProcess, signal: NodeJS.Signals, graceMs = 5000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill(signal)
  })
}

/** The directory that stores are made in: `PERDURE_BENCH_DIR`, or the system's, unless that is only memory. */
function root(): string {
  const chosen = process.env.PERDURE_BENCH_DIR
  if (chosen) {
    mkdirSync(chosen, { recursive: true })
    return chosen
  }
  return statfsSync(tmpdir()).type === TMPFS ? '/var/tmp' : tmpdir()
}

/** A fresh directory on a disk, removed with the bench. */
export function makeDirectory(): string {
  const directory = mkdtempSync(join(root(), 'perdure-bench-'))
  directories.add(directory)
  return directory
}

/** Removes a directory of `makeDirectory` early. */
export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  directories.delete(directory)
}

function removeEverything(): void {
  for (const child of processes) child.kill('SIGKILL')
  for (const directory of directories) {
    try {
      removeDirectory(directory)
    } catch {
      // A killed server may still be writing; one more try, and a directory is all that could stay behind.
      rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    }
  }
}

/** Makes sure that nothing outlives the bench. Called once, before anything is started. */
export function cleanUpAtExit(): void {
  process.on('exit', removeEverything)
  process.on('SIGINT', () => process.exit(130))
  process.on('SIGTERM', () => process.exit(143))
}
