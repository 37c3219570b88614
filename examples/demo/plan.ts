/**
 * The plan of the demo: which files there are, and the graph of jobs over them.
 *
 * Owns: how files are put into folders and batches. Never reads a file's content.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Draft, draft, group } from '../../src/index.ts'
import { defineJobs, type Place } from './jobs.ts'

/** A batch is one shell job: large enough that starting a process is little of its work. */
const MOST_FILES = 32
const MOST_BYTES = 8 * 1024 * 1024

/** One file below the root. */
export interface PlannedFile {
  readonly path: string
  readonly bytes: number
}

/** Files of one package that one shell job packs. */
export interface Batch {
  /** Name of what it writes, without ending. */
  readonly name: string
  readonly files: readonly PlannedFile[]
}

/** A package: a folder of `node_modules`, or of a scope in it. */
export interface Folder {
  readonly name: string
  readonly batches: readonly Batch[]
}

/** All files below `root`, by package. Links and what tools keep in hidden folders of their own are left out. */
export function planFolders(root: string, mostFiles: number): Folder[] {
  const folders: Folder[] = []
  let left = mostFiles
  for (const name of packagesIn(root)) {
    const files = filesIn(root, name).slice(0, left)
    if (files.length === 0) continue
    left -= files.length
    folders.push({ name, batches: batchesOf(folders.length, files) })
  }
  return folders
}

/** The files of folders, in the order of their paths. */
export function filesOf(folders: readonly Folder[]): PlannedFile[] {
  return folders.flatMap(({ batches }) => batches.flatMap(({ files }) => files))
}

/**
 * The graph: a job per file and one per batch, a group per folder that joins them, and the manifest behind all
 * groups. The manifest is the last draft.
 */
export function draftGraph(folders: readonly Folder[], place: Place): Draft[] {
  const { pack, measure, manifest } = defineJobs(place)
  const drafts: Draft[] = []
  const groups: Draft[] = []
  for (const { name, batches } of folders) {
    const own: Draft[] = []
    for (const batch of batches) {
      const paths = batch.files.map(({ path }) => path)
      const argv = ['/bin/sh', place.packScript, join(place.out, batch.name), ...paths]
      own.push(draft(pack, { argv }, { metadata: { folder: name } }))
      for (const path of paths) own.push(draft(measure, path, { metadata: { folder: name } }))
    }
    const joined = group(own, { metadata: { folder: name } })
    groups.push(joined)
    drafts.push(...own, joined)
  }
  return [...drafts, draft(manifest, undefined, { after: groups })]
}

function packagesIn(root: string): string[] {
  const names: string[] = []
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue
    if (!entry.name.startsWith('@')) names.push(entry.name)
    else for (const inner of readdirSync(join(root, entry.name))) names.push(join(entry.name, inner))
  }
  return names.sort()
}

function filesIn(root: string, folder: string): PlannedFile[] {
  const files: PlannedFile[] = []
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const full = join(entry.parentPath, entry.name)
    files.push({ path: full.slice(root.length + 1), bytes: statSync(full).size })
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function batchesOf(folder: number, files: readonly PlannedFile[]): Batch[] {
  const batches: { name: string; files: PlannedFile[] }[] = []
  let bytes = 0
  for (const file of files) {
    let batch = batches.at(-1)
    if (batch === undefined || batch.files.length === MOST_FILES || bytes + file.bytes > MOST_BYTES) {
      batch = { name: `${folder}-${batches.length}`, files: [] }
      batches.push(batch)
      bytes = 0
    }
    batch.files.push(file)
    bytes += file.bytes
  }
  return batches
}
