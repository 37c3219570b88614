/**
 * The manifest: one line per file, in the order of their paths, so that two of them can be compared as text.
 */
import { createHash } from 'node:crypto'

/** What is measured of a file. */
export interface Measures {
  readonly bytes: number
  /** Of text only. */
  readonly lines?: number
  /** Whether a `.json` file holds JSON. */
  readonly json?: boolean
}

/** One file. */
export interface Entry extends Measures {
  readonly path: string
  readonly sha256: string
}

/** The manifest of some files, in any order. */
export function manifestText(entries: readonly Entry[]): string {
  const lines = [...entries]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, sha256: sum, bytes, lines: count, json }) =>
      [sum, bytes, count ?? '-', json === undefined ? '-' : json ? 'json' : 'not-json', path].join(' '),
    )
  return `${lines.join('\n')}\n`
}

/** The SHA-256 of text or bytes, in hex. */
export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
