/**
 * The files of an audit log: the one that is written, and the full ones before it, each named after its last entry.
 *
 * Owns: which there are, in what order, putting the present one aside, and where the chain stands at the end of a file.
 * What is done to them is done under the lock.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type PerdureError, perdureError } from '../../errors.ts'
import { type Entry, readLine } from './audit-chain.ts'

/** Where the audit log of a store's file lies. */
export function auditFileOf(store: string): string {
  return `${store}.audit`
}

/** The full files of a log, oldest first: `FILE.audit.1200` ends with the entry 1200. */
export function fullFilesOf(path: string): string[] {
  const start = `${basename(path)}.`
  const numbers = readdirSync(dirname(path))
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(start.length))
    .filter((ending) => /^[1-9]\d*$/.test(ending))
    .map(Number)
  return numbers.sort((a, b) => a - b).map((number) => join(dirname(path), `${start}${number}`))
}

/** Opens the present file to be read and appended to, and makes it where there is none. @throws STORE_FAILED. */
export function openFile(path: string): number {
  try {
    return openSync(path, 'a+', 0o600)
  } catch (cause) {
    throw cannotWrite(path, cause)
  }
}

/** Puts the present file aside, which ends with `last`, and drops full ones until `keeps` of them are left. */
export function putAside(path: string, last: Entry, keeps: number): void {
  renameSync(path, `${path}.${last.sequence}`)
  const full = fullFilesOf(path)
  for (const file of full.slice(0, Math.max(0, full.length - keeps))) unlinkSync(file)
  syncFolder(dirname(path))
}

/** A name in a folder outlives a power cut only once the folder is on disk. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** How much of a file's end is read at first; nearly always enough. */
const FIRST_READ = 16 * 1024

/**
 * The last entry of an open file; undefined for an empty one. What a crash left of a line behind it is not taken for one,
 * and is ended here, so that the next entry begins a line: the check will say so.
 */
export function lastEntryOf(path: string, descriptor: number): Entry | undefined {
  const { size } = fstatSync(descriptor)
  if (size === 0) return undefined
  for (let length = Math.min(size, FIRST_READ); ; length = Math.min(size, 4 * length)) {
    const buffer = Buffer.alloc(length)
    readSync(descriptor, buffer, 0, length, size - length)
    const lines = buffer.toString('utf8').split('\n')
    const last = lines
      .toReversed()
      .map(readLine)
      .find((entry) => entry !== undefined)
    if (last === undefined && length < size) continue
    if (last === undefined) throw cannotWrite(path, new Error('a file that is no audit log'))
    if (lines.at(-1) !== '') writeSync(descriptor, '\n')
    return last
  }
}

/** The error for a log to which nothing can be added. */
export function cannotWrite(path: string, cause: unknown): PerdureError {
  return perdureError('STORE_FAILED', {
    expected: `to append to the audit log at ${path}`,
    found: (cause as NodeJS.ErrnoException).code ?? (cause as Error).message,
    fix: 'Make room or correct its permissions; nothing that operators do is carried out until it can be written',
    cause,
    data: { path },
  })
}
