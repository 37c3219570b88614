/**
 * The jobs of the demo: what a worker does with one file, with a batch of files, and at the end.
 *
 * Every run is noted in the ledger, a plain file beside the store: a witness that knows nothing of Perdure.
 */
import { appendFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { type HandlerContext, type JobView, job, open, type ShellInput } from '../../src/index.ts'
import { type Entry, type Measures, manifestText, sha256 } from './manifest.ts'

/** Where everything lies. */
export interface Place {
  /** The tree of files. */
  readonly root: string
  /** Folder of the demo's own. */
  readonly home: string
  readonly out: string
  readonly store: string
  /** Where the owner of the store answers: beside its file. */
  readonly socket: string
  readonly ledger: string
  readonly packScript: string
}

/** Where everything lies, for a folder of the demo's own. */
export function placeIn(home: string, root: string): Place {
  return {
    root,
    home,
    out: join(home, 'out'),
    store: join(home, 'db'),
    socket: join(home, 'db.sock'),
    ledger: join(home, 'ledger'),
    packScript: join(import.meta.dirname, 'pack.sh'),
  }
}

/** What the manifest job answers. */
export interface ManifestResult {
  readonly files: number
  readonly sha256: string
}

/** The definitions: the same ones for who enqueues and for who works. */
export function defineJobs(place: Place) {
  /** Checksums and compresses a batch of files. Has no `run`: it is a command, and an executor runs it. */
  const pack = job<ShellInput>('shell', {
    retry: { attempts: 5, min: '100ms' },
    // stored once, whatever the number of jobs
    command: { cwd: place.root, env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LEDGER: place.ledger } },
  })

  /** Parses and measures one file. */
  const measure = job('measure', {
    run: (path: string, ctx) => noted(place, ctx, () => measureFile(place.root, path)),
  })

  /** Puts all results together. A handler is a client like any other: it asks the store what the jobs answered. */
  const manifest = job('manifest', {
    run: async (_: undefined, ctx): Promise<ManifestResult> => {
      begin(place, ctx)
      const checksums = readChecksums(place.out)
      const entries: Entry[] = []
      for await (const { input, result } of listAll(place, 'measure')) {
        const path = input as string
        entries.push({ path, sha256: checksums.get(path) ?? 'missing', ...(result as Measures) })
      }
      const text = manifestText(entries)
      const draft = join(place.out, `manifest.${ctx.attempt}`)
      writeFileSync(draft, text)
      renameSync(draft, join(place.out, 'manifest'))
      end(place, ctx)
      return { files: entries.length, sha256: sha256(text) }
    },
  })
  return { pack, measure, manifest }
}

/** What is told about one file. Text is read and counted; of other files only the size. */
export function measureFile(root: string, path: string): Measures {
  const content = readFileSync(join(root, path))
  if (!TEXT.has(extname(path))) return { bytes: content.length }
  const text = content.toString('utf8')
  const lines = text.split('\n').length
  return extname(path) === '.json'
    ? { bytes: content.length, lines, json: isJson(text) }
    : { bytes: content.length, lines }
}

/** All jobs of a kind, page after page, or all jobs. */
export async function* listAll(place: Place, kind?: string): AsyncGenerator<JobView> {
  await using app = await open(`unix:${place.socket}`)
  let cursor: string | undefined
  do {
    const page = await app.list({
      order: 'oldest',
      limit: 1_000,
      ...(kind === undefined ? {} : { kind }),
      ...(cursor === undefined ? {} : { cursor }),
    })
    yield* page.jobs
    cursor = page.next
  } while (cursor !== undefined)
}

const TEXT = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.json', '.md', '.map', '.css', '.txt'])

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function noted<T>(place: Place, ctx: HandlerContext, work: () => T): T {
  begin(place, ctx)
  const result = work()
  end(place, ctx)
  return result
}

function begin(place: Place, { job: id, attempt }: HandlerContext): void {
  appendFileSync(place.ledger, `begin ${id} ${attempt}\n`)
}

function end(place: Place, { job: id, attempt }: HandlerContext): void {
  appendFileSync(place.ledger, `end ${id} ${attempt}\n`)
}

/** The checksums that the shell jobs wrote, by path. */
function readChecksums(out: string): Map<string, string> {
  const checksums = new Map<string, string>()
  for (const name of readdirSync(out)) {
    if (!name.endsWith('.sha256')) continue
    for (const line of readFileSync(join(out, name), 'utf8').trimEnd().split('\n')) {
      checksums.set(line.slice(66), line.slice(0, 64))
    }
  }
  return checksums
}
