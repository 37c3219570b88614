/**
 * What a command's standard streams are connected to.
 *
 * Owns: opening and closing those descriptors on the side of the worker. Never opens a submission's file for a
 * command that runs as another user (launch.ts).
 */
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type Fifo, type Fifos, openFifo } from './fifos.ts'
import type { CommandPlan, OutputFile, StdinSource } from './input.ts'
import { spawnFailed } from './spawn-errors.ts'
import type { Identity } from './users.ts'

/** The streams of one command. */
export class Stdio {
  /** For `spawn`: descriptors, or `pipe` where Node has to make a socket. */
  readonly list: ('ignore' | 'pipe' | number)[] = []
  /** What the worker reads: by stream, unless that goes to a file or Node makes the socket. */
  readonly sources: { readonly stream: 'stdout' | 'stderr'; readonly source: Readable }[] = []
  readonly #pool: Fifos
  readonly #identity: Identity | undefined
  readonly #childEnds: number[] = []
  readonly #used: { readonly fifo: Fifo; readonly source: Socket }[] = []

  /**
   * @param fifos two, for stdout and stderr; undefined: sockets.
   * @param isDirect false: files are opened by the set-up shell.
   * @throws SPAWN_FAILED when a file cannot be opened. Nothing stays open then.
   */
  constructor(
    plan: CommandPlan,
    pool: Fifos,
    fifos: readonly [Fifo, Fifo] | undefined,
    identity: Identity | undefined,
    isDirect: boolean,
  ) {
    this.#pool = pool
    this.#identity = identity
    const unused = new Set(fifos)
    try {
      this.#stdin(plan.stdin, isDirect)
      for (const [index, stream] of (['stdout', 'stderr'] as const).entries()) {
        const file = plan[stream]
        const fifo = fifos?.[index]
        if (file !== undefined) this.#file(stream, file, plan, isDirect)
        else if (fifo === undefined) this.list.push('pipe')
        else {
          unused.delete(fifo)
          this.#fifo(stream, fifo)
        }
      }
    } catch (error) {
      this.closeChildEnds()
      this.abandon()
      this.release()
      throw error
    } finally {
      for (const fifo of unused) pool.giveBack(fifo)
    }
  }

  /** After the start: only the command holds its ends now. */
  closeChildEnds(): void {
    for (const descriptor of this.#childEnds.splice(0)) closeSync(descriptor)
  }

  /** Stops reading, for what still holds an end may hold it for ever. */
  abandon(): void {
    for (const { source } of this.sources) source.destroy()
  }

  /** Gives the FIFOs back that nobody else can still hold. */
  release(): void {
    for (const { fifo, source } of this.#used.splice(0)) {
      // no end was seen: someone may write yet. Another user: may have opened it to read what comes next
      if (source.readableEnded && this.#identity === undefined) this.#pool.giveBack(fifo)
      else closeSync(fifo)
    }
  }

  #stdin(from: StdinSource | undefined, isDirect: boolean): void {
    if (from === undefined || ('file' in from && !isDirect)) this.list.push('ignore')
    else this.#connect('file' in from ? openInput(from.file) : openText(from.text))
  }

  #file(stream: 'stdout' | 'stderr', file: OutputFile, plan: CommandPlan, isDirect: boolean): void {
    if (!isDirect) this.list.push('ignore')
    // one descriptor for both, or they would overwrite each other
    else if (stream === 'stderr' && plan.stdout?.file === file.file) this.list.push(this.list[1]!)
    else this.#connect(openOutput(file))
  }

  #fifo(stream: 'stdout' | 'stderr', fifo: Fifo): void {
    const [read, write] = openFifo(fifo, this.#identity)
    this.#connect(write)
    const source = new Socket({ fd: read, readable: true, writable: false })
    this.sources.push({ stream, source })
    this.#used.push({ fifo, source })
  }

  #connect(descriptor: number): void {
    this.#childEnds.push(descriptor)
    this.list.push(descriptor)
  }
}

/** A file without a name: unlike a pipe it needs nobody to feed it, and may be opened as /dev/stdin. */
function openText(text: string): number {
  const path = join(tmpdir(), `perdure-${randomUUID()}`)
  const descriptor = openSync(path, 'wx+', 0o600)
  unlinkSync(path)
  const bytes = Buffer.from(text)
  // written by position, so that the command begins to read at the beginning
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at, at)
  return descriptor
}

function openInput(file: string): number {
  try {
    return openSync(checked(file), 'r')
  } catch (error) {
    throw explain('a file to read as stdin', file, error)
  }
}

function openOutput({ file, append }: OutputFile): number {
  try {
    return openSync(checked(file), append === true ? 'a' : 'w', 0o666)
  } catch (error) {
    throw explain('a file to write output to', file, error)
  }
}

/** Opening a FIFO would wait for its other side, and the whole worker with it. */
function checked(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.isFIFO() || found?.isSocket()) throw new Error('it is a FIFO or a socket')
  return file
}

function explain(expected: string, file: string, cause: unknown): Error {
  const { code, message } = cause as { code?: string; message: string }
  const reasons: Record<string, string> = {
    ENOENT: `no ${file}`,
    EACCES: `${file}, which the user of the worker may not open`,
    EISDIR: `${file}, which is a folder`,
  }
  const found = reasons[code ?? ''] ?? `${file}: ${message}`
  return spawnFailed(
    expected,
    found,
    'Name a file that exists on the machine of the worker, in a folder that exists',
    cause,
  )
}
