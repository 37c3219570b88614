/**
 * The proof: what the jobs made is held against what plain Node makes of the same files, without Perdure.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { measureFile } from './jobs.ts'
import { type Entry, manifestText, sha256 } from './manifest.ts'
import { type Folder, filesOf } from './plan.ts'

/** The manifest as it has to be, and the checksums by path. */
export interface Expected {
  readonly text: string
  readonly checksums: ReadonlyMap<string, string>
}

/** Computes the manifest in this process. */
export function computeDirectly(root: string, folders: readonly Folder[]): Expected {
  const entries: Entry[] = filesOf(folders).map(({ path }) => ({
    path,
    sha256: sha256(readFileSync(join(root, path))),
    ...measureFile(root, path),
  }))
  const checksums = new Map(entries.map((entry) => [entry.path, entry.sha256]))
  return { text: manifestText(entries), checksums }
}

/** Unpacks every archive; answers the files that are not in it as they are in the tree. */
export function wrongInArchives(out: string, folders: readonly Folder[], { checksums }: Expected): string[] {
  const wrong: string[] = []
  for (const { batches } of folders) {
    for (const { name, files } of batches) {
      let content: Buffer
      try {
        content = gunzipSync(readFileSync(join(out, `${name}.gz`)))
      } catch (error) {
        wrong.push(`${name}.gz: ${(error as Error).message}`)
        continue
      }
      let at = 0
      for (const { path, bytes } of files) {
        if (sha256(content.subarray(at, at + bytes)) !== checksums.get(path)) wrong.push(path)
        at += bytes
      }
      if (at !== content.length) wrong.push(`${name}.gz: ${content.length - at} bytes too many`)
    }
  }
  return wrong
}

/** What the ledger witnessed. */
export interface Witnessed {
  /** Runs that were begun. */
  readonly runs: number
  /** Runs that the kill cut off. */
  readonly cutOff: number
  /** Jobs of which two runs overlapped, or of which one attempt ran twice. */
  readonly overlaps: readonly string[]
}

/** The line that the demo itself writes to the ledger, once the killed process is gone. */
export const KILL_LINE = 'kill'

/**
 * Reads the ledger. Lines stand in the order of events, for each was appended in one write. A run lasts from its
 * `begin` to its `end`; one that never ended lasts to the kill.
 */
export function readLedger(text: string): Witnessed {
  const open = new Map<string, string>()
  const seen = new Set<string>()
  const cutOff = new Set<string>()
  const overlaps: string[] = []
  let runs = 0
  for (const line of text.trimEnd().split('\n')) {
    const [word, job = '', attempt = ''] = line.split(' ')
    if (word === KILL_LINE) {
      for (const [other, number] of open) cutOff.add(`${other} ${number}`)
      open.clear()
    } else if (word === 'begin') {
      runs++
      if (open.has(job) || seen.has(`${job} ${attempt}`)) overlaps.push(`job ${job} attempt ${attempt}`)
      seen.add(`${job} ${attempt}`)
      open.set(job, attempt)
    } else {
      // a command that survived its worker, and went on while a later attempt ran
      if (open.has(job) && open.get(job) !== attempt) overlaps.push(`job ${job} attempt ${attempt}`)
      else open.delete(job)
      cutOff.delete(`${job} ${attempt}`)
    }
  }
  return { runs, cutOff: cutOff.size, overlaps }
}
