/**
 * The audit log beside a store: what operators did.
 *
 * Owns: appending under the lock, since the command line writes there as well as the node; and checking the whole. An
 * action that was answered is in the file, on disk; while it cannot be written, no action begins.
 */
import { closeSync, fstatSync, fsync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { PerdureError, perdureError } from '../../errors.ts'
import { type Action, type Entry, follow, type Head, isNext, lineOf, readLine, START } from './audit-chain.ts'
import { withFileLock } from './file-lock.ts'

/** Where the audit log of a store's file lies. */
export function auditFileOf(store: string): string {
  return `${store}.audit`
}

/** Longest line: names and arguments are bounded well below. */
const LONGEST_LINE = 64 * 1024

/** Appends actions to a file, many at once where they come so. */
export class AuditLog {
  readonly #path: string
  #waiting: { readonly action: Action; resolve(): void; reject(error: unknown): void }[] = []
  #isWriting = false
  #broken: unknown

  /** @throws STORE_FAILED where the file cannot be written. */
  constructor(path: string) {
    this.#path = path
    // found out now rather than with the first action
    closeSync(openFor(path))
  }

  /** Fails while actions cannot be written: nothing may be done that would leave no trace. */
  async assertWritable(): Promise<void> {
    if (this.#broken === undefined) return
    closeSync(openFor(this.#path))
    this.#broken = undefined
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
        await appendAll(this.#path, actions)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        this.#broken = error
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isWriting = false
  }
}

/** Written under the lock, which takes no time, and then synced without holding up anybody: the order is settled by then. */
async function appendAll(path: string, actions: readonly Action[]): Promise<void> {
  const descriptor = openFor(path)
  try {
    await withFileLock(path, () => writeAll(path, descriptor, actions))
    await promisify(fsync)(descriptor)
  } catch (cause) {
    throw cause instanceof PerdureError ? cause : failed(path, cause)
  } finally {
    closeSync(descriptor)
  }
}

function writeAll(path: string, descriptor: number, actions: readonly Action[]): void {
  let head = headOf(path, descriptor)
  const lines = actions.map((action) => {
    const entry = follow(head, action)
    head = entry
    return lineOf(entry)
  })
  writeSync(descriptor, lines.join(''))
}

/** The last entry of a file; what a crash left of a line behind it is not taken for one. */
function headOf(path: string, descriptor: number): Head {
  const { size } = fstatSync(descriptor)
  if (size === 0) return START
  const length = Math.min(size, LONGEST_LINE)
  const buffer = Buffer.alloc(length)
  readSync(descriptor, buffer, 0, length, size - length)
  const lines = buffer.toString('utf8').split('\n')
  // a file that ends in the middle of a line is ended here, and the check will say so
  if (lines.at(-1) !== '') writeSync(descriptor, '\n')
  const last = lines
    .reverse()
    .map(readLine)
    .find((entry) => entry !== undefined)
  if (last === undefined) throw failed(path, new Error('a file that is no audit log'))
  return last
}

function openFor(path: string): number {
  try {
    return openSync(path, 'a+', 0o600)
  } catch (cause) {
    throw failed(path, cause)
  }
}

function failed(path: string, cause: unknown): PerdureError {
  return perdureError('STORE_FAILED', {
    expected: `to append to the audit log at ${path}`,
    found: (cause as NodeJS.ErrnoException).code ?? (cause as Error).message,
    fix: 'Make room or correct its permissions; nothing that operators do is carried out until it can be written',
    cause,
    data: { path },
  })
}

/** What a check of the log found. */
export interface Verdict {
  readonly head: Head
  /** The first line that does not follow from those before it, from 1; undefined when all do. */
  readonly brokenAt: number | undefined
  /** Whether the digest that was asked for is in the chain; undefined when none was. */
  readonly contains: boolean | undefined
}

/** Checks the whole log. @throws NOT_FOUND. */
export async function verifyAudit(path: string, digest?: string): Promise<Verdict> {
  let head = START
  let number = 0
  let contains = digest === undefined ? undefined : digest === START.digest
  for await (const line of linesOf(path)) {
    number += 1
    const entry = isNext(head, line)
    if (entry === undefined) return { head, brokenAt: number, contains }
    head = { sequence: entry.sequence, digest: entry.digest }
    if (entry.digest === digest) contains = true
  }
  return { head, brokenAt: undefined, contains }
}

/** The entries of a log, as they stand there. @throws NOT_FOUND. */
export async function* readAudit(path: string): AsyncGenerator<Entry> {
  for await (const line of linesOf(path)) {
    const entry = readLine(line)
    if (entry !== undefined) yield entry
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw perdureError('NOT_FOUND', {
      expected: `an audit log at ${path}`,
      found: 'no file',
      fix: 'A node writes it with the first action of an operator; name its store with --url sqlite:FILE',
      data: { path },
    })
  }
  const file = await open(path)
  yield* file.readLines()
}
