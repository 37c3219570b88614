/**
 * The audit log beside a store: what operators did.
 *
 * Owns: appending under the lock, since the command line writes there as well as the node; and beginning a new file when
 * one is full. An action that was answered is in the file, on disk; while it cannot be written, no action begins.
 */
import { closeSync, fstatSync, fsync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { PerdureError } from '../../errors.ts'
import { type Action, continued, type Entry, follow, type Head, lineOf, START } from './audit-chain.ts'
import { cannotWrite, fullFilesOf, lastEntryOf, openFile, putAside } from './audit-files.ts'
import { withFileLock } from './file-lock.ts'

/** Where an audit log lies, and how large it may become. */
export interface AuditOptions {
  readonly path: string
  /** The size beyond which a new file is begun, bytes. Default 16 MiB. */
  readonly mostBytes?: number
  /** How many full files are kept. Default 50. */
  readonly keeps?: number
}

/** How large an audit log may become. */
export type AuditBounds = Omit<AuditOptions, 'path'>

const MOST_BYTES = 16 * 1024 * 1024
const KEEPS = 50

/** Appends actions to a file, many at once where they come so. */
export class AuditLog {
  readonly #options: AuditOptions
  #waiting: { readonly action: Action; resolve(): void; reject(error: unknown): void }[] = []
  #isWriting = false
  /** Whether the last action could be written. Until there was one nobody knows. */
  #isWritable = false

  constructor(options: AuditOptions) {
    this.#options = options
  }

  /** Makes the file where there is none. Fails while actions cannot be written: nothing may be done that would leave no trace. @throws STORE_FAILED. */
  async assertWritable(): Promise<void> {
    if (this.#isWritable) return
    closeSync(openFile(this.#options.path))
    this.#isWritable = true
  }

  /** Resolves when the action is on disk. @throws STORE_FAILED. */
  append(action: Action): Promise<void> {
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ action, resolve, reject }))
    if (!this.#isWriting) void this.#write()
    return written
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    // those of this turn go together
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        const actions = batch.map(({ action }) => action)
        await appendAll(this.#options, actions)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        this.#isWritable = false
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isWriting = false
  }
}

/** Written under the lock, which takes no time, and then synced without holding up anybody: the order is settled by then. */
async function appendAll(options: AuditOptions, actions: readonly Action[]): Promise<void> {
  const { path } = options
  try {
    const descriptor = await withFileLock(path, () => writeAll(options, actions))
    try {
      await promisify(fsync)(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    throw cause instanceof PerdureError ? cause : cannotWrite(path, cause)
  }
}

/** Answers the open file that they went to. */
function writeAll(options: AuditOptions, actions: readonly Action[]): number {
  const { path } = options
  // opened under the lock as well: another process may have begun a new file
  const present = openFile(path)
  const last = lastEntryOf(path, present)
  const isFull = last !== undefined && fstatSync(present).size >= (options.mostBytes ?? MOST_BYTES)
  if (isFull) {
    closeSync(present)
    putAside(path, last, options.keeps ?? KEEPS)
  }
  const descriptor = isFull ? openFile(path) : present
  const first = last === undefined || isFull ? continuationOf(path, actions) : undefined
  let head: Head = first ?? last ?? START
  const lines = actions.map((action) => {
    const entry = follow(head, action)
    head = entry
    return lineOf(entry)
  })
  writeSync(descriptor, `${first === undefined ? '' : lineOf(first)}${lines.join('')}`)
  return descriptor
}

/** The first entry of a file behind full ones; undefined for the first file of all. */
function continuationOf(path: string, [action]: readonly Action[]): Entry | undefined {
  const before = fullFilesOf(path).at(-1)
  if (before === undefined) return undefined
  const descriptor = openFile(before)
  try {
    const last = lastEntryOf(before, descriptor)
    return last && continued(last, action?.at ?? 0)
  } finally {
    closeSync(descriptor)
  }
}
