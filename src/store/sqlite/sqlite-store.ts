/**
 * The SQLite store: a file (or memory), one thread that owns and writes it, one that serves lists.
 */
import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { fromErrorRecord, perdureError } from '../../errors.ts'
import type { Batch, Loaded, LoadRequest, Opening, Store, StoreReads } from '../store.ts'
import { type PackedRows, unpackRows } from './job-columns.ts'
import type { PackedLoaded, Request, Response, ThreadOptions } from './messages.ts'
import { packBatch } from './pack.ts'

/** How to open a store. */
export interface SqliteOptions {
  /** A file, made when it is not there; `:memory:` keeps everything in memory. */
  readonly path: string
  /** Path of the socket on which this process answers others; told to those who find the store owned. */
  readonly socket?: string
}

/** Functions of StoreReads; each is answered by a thread under its name. */
const READS = [
  'list',
  'details',
  'payload',
  'counts',
  'logs',
  'expired',
  'dependents',
  'info',
  'check',
] as const

/** Makes a store; nothing is touched before `open`. */
export function createSqliteStore(options: SqliteOptions): Store {
  return new SqliteStore(options)
}

class SqliteStore implements Store {
  readonly name: string
  readonly reads: StoreReads
  readonly #path: string
  readonly #socket: string | null
  #owner: Thread | undefined
  #reader: Promise<Thread> | undefined

  constructor({ path, socket }: SqliteOptions) {
    this.#path = path === ':memory:' ? path : resolve(path)
    this.#socket = socket ?? null
    this.name = `sqlite:${this.#path}`
    const calls = READS.map((name) => [name, (...args: unknown[]) => this.#read(name, args)])
    this.reads = Object.fromEntries(calls) as unknown as StoreReads
  }

  async open(): Promise<Opening> {
    if (this.#path !== ':memory:') mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    this.#owner ??= new Thread({ path: this.#path, role: 'owner', socket: this.#socket })
    try {
      const opening = (await this.#owner.call({ op: 'open' })) as Omit<Opening, 'running'> & {
        running: PackedRows
      }
      return { ...opening, running: unpackRows(opening.running) }
    } catch (error) {
      await this.#stop()
      throw error
    }
  }

  async commit(batch: Batch): Promise<void> {
    const owner = this.#thread()
    const { packed, transfer } = packBatch(batch)
    await owner.call({ op: 'commit', batch: packed }, transfer)
  }

  async load(request: LoadRequest): Promise<Loaded> {
    const loaded = (await this.#thread().call({ op: 'load', request })) as PackedLoaded
    return {
      ...loaded,
      jobs: unpackRows(loaded.jobs),
      windows: loaded.windows.map(({ rows, exhausted }) => ({ jobs: unpackRows(rows), exhausted })),
    }
  }

  async close(): Promise<void> {
    if (this.#owner === undefined) return
    // The owner's connection is closed last: it then moves the log into the file.
    await this.#stopReader()
    await this.#owner.call({ op: 'close' }).catch(() => undefined)
    await this.#stop()
  }

  async #stop(): Promise<void> {
    await this.#stopReader()
    const owner = this.#owner
    this.#owner = undefined
    await owner?.stop()
  }

  async #stopReader(): Promise<void> {
    const reader = await this.#reader?.catch(() => undefined)
    this.#reader = undefined
    await reader?.stop()
  }

  #thread(): Thread {
    if (this.#owner === undefined) {
      throw perdureError('CLOSED', {
        expected: `'${this.name}' to be open`,
        found: 'that it was closed',
        fix: 'Open it again',
      })
    }
    return this.#owner
  }

  /** Lists go to a thread of their own, which starts with the first of them. A store in memory has only one. */
  async #read(name: string, args: readonly unknown[]): Promise<unknown> {
    const owner = this.#thread()
    if (this.#path === ':memory:') return owner.call({ op: 'read', name, args })
    this.#reader ??= this.#startReader()
    return (await this.#reader).call({ op: 'read', name, args })
  }

  async #startReader(): Promise<Thread> {
    const reader = new Thread({ path: this.#path, role: 'reader', socket: null })
    await reader.call({ op: 'open' })
    return reader
  }
}

/** A request without its number. */
type Call = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never

/** One thread, and who waits for its answers. */
class Thread {
  readonly #worker: Worker
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: unknown) => void }
  >()
  #next = 0

  constructor(options: ThreadOptions) {
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: options })
    this.#worker.on('message', (response: Response) => this.#answer(response))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('the thread of the store has ended')))
  }

  call(request: Call, transfer: ArrayBuffer[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#next++
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ ...request, id }, transfer)
    })
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  #answer({ id, value, error }: Response): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(fromErrorRecord(error))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
