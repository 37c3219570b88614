/**
 * What the words of a command tell of its files: where they are, and how long reading them takes.
 *
 * Owns: which words are taken for paths, and the bounds of looking. Looks where the command was submitted; that the worker
 * sees the same files under the same names is likely where it matters, and does no harm where not.
 */
import { type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { JobHint } from '../client/types.ts'

/** Words of one command that are looked at: thousands of files tell no more than the first of them. */
const MOST_WORDS = 64
/** What a disk reads in a millisecond: sizes become times that can be compared with those that people give. */
const BYTES_PER_MS = 100_000
/** Longer paths are cut off at a folder. */
const MOST_PATH = 512

/** The hint of a command; undefined when none of its words names anything that exists. */
export function hintOf(words: readonly string[], cwd: string): JobHint | undefined {
  let bytes = 0
  let longest = ''
  for (const word of words.slice(0, MOST_WORDS)) {
    const path = pathIn(word)
    if (path === undefined) continue
    const { existing, size } = look(resolve(cwd, path))
    bytes += size
    if (existing.length > longest.length) longest = existing
  }
  while (longest.length > MOST_PATH) longest = dirname(longest)
  if (longest.length <= 1) return undefined
  return { path: longest, ...(bytes === 0 ? {} : { durationMs: Math.ceil(bytes / BYTES_PER_MS) }) }
}

/** What looks like a path: a word with a slash or a dot in it that is no option, or the value of one (`--in=a/b`). */
function pathIn(word: string): string | undefined {
  const text = word.startsWith('-') ? word.slice(word.indexOf('=') + 1) : word
  if (text.startsWith('-') || text.includes('\0') || text.includes('://')) return undefined
  return /[/.]/.test(text) && /[^/.]/.test(text) ? text : undefined
}

/** The longest part of a path that exists, and the size of what it names, if that is a file. */
function look(path: string): { readonly existing: string; readonly size: number } {
  const whole = statOf(path)
  if (whole !== undefined) return { existing: path, size: whole.isFile() ? whole.size : 0 }
  let folder = dirname(path)
  while (folder !== dirname(folder) && statOf(folder) === undefined) folder = dirname(folder)
  return { existing: folder, size: 0 }
}

/** What this user may not see is not there. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}
