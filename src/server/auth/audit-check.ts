/**
 * Reading an audit log and checking it, all its files in order.
 */
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { perdureError } from '../../errors.ts'
import { baseOf, type Entry, type Head, isNext, readLine, START } from './audit-chain.ts'
import { fullFilesOf } from './audit-files.ts'

/** What a check of the log found. */
export interface Verdict {
  readonly head: Head
  /** The first entry that is still there; those before it were in files that are not kept any more. */
  readonly first: number
  /** The first line that does not follow from those before it, from 1 over all files; undefined when all do. */
  readonly brokenAt: number | undefined
  /** Whether the digest that was asked for is in the chain; undefined when none was. */
  readonly contains: boolean | undefined
}

/** Checks the whole log, as far as it is kept. @throws NOT_FOUND. */
export async function verifyAudit(path: string, digest?: string): Promise<Verdict> {
  let head = START
  let first = 1
  let number = 0
  let contains = digest === undefined ? undefined : digest === START.digest
  for await (const line of linesOf(path)) {
    number += 1
    // the first file of those that are kept says itself what was before it
    const base = number === 1 ? baseOf(line) : undefined
    if (base !== undefined) {
      head = base
      first = base.sequence + 1
      contains = contains === undefined ? undefined : contains || base.digest === digest
    }
    const entry = isNext(head, line)
    if (entry === undefined) return { head, first, brokenAt: number, contains }
    head = { sequence: entry.sequence, digest: entry.digest }
    if (entry.digest === digest) contains = true
  }
  return { head, first, brokenAt: undefined, contains }
}

/** The entries of a log, as they stand there. @throws NOT_FOUND. */
export async function* readAudit(path: string): AsyncGenerator<Entry> {
  for await (const line of linesOf(path)) {
    const entry = readLine(line)
    if (entry !== undefined) yield entry
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const full = existsSync(dirname(path)) ? fullFilesOf(path) : []
  const files = existsSync(path) ? [...full, path] : full
  if (files.length === 0) {
    throw perdureError('NOT_FOUND', {
      expected: `an audit log at ${path}`,
      found: 'no file',
      fix: 'It is written with the first action of an operator; name its store with --url sqlite:FILE',
      data: { path },
    })
  }
  for (const file of files) yield* (await open(file)).readLines()
}
