/**
 * The SQLite store: a file (or memory), one thread that owns and writes it, one that serves lists.
 */
import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { fromErrorRecord, perdureError } from '../../errors.ts'
import type { Batch, Loaded, LoadRequest, Opening, Store, StoreReads } from '../store.ts'
import { unpackRows } from './job-columns.ts'
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
  'expiredKeys',
  'dependents',
  'journal',
  'info',
  'check',
] as const

/** Rows of jobs after which the log is moved into the file, by a thread that nobody waits for. */
const ROWS_PER_CHECKPOINT = 4_000
/** What a commit adds to the log beside its jobs, however small it is: a few pages. Counted as so many rows. */
const ROWS_PER_COMMIT = 4

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
  #checkpointer: Promise<Thread> | undefined
  #isCheckpointing = false
  /** Rows written since the last checkpoint. */
  #changed = 0

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
      return (await this.#owner.call({ op: 'open' })) as Opening
    } catch (error) {
      await this.#stop()
      throw error
    }
  }

  async commit(batch: Batch): Promise<void> {
    const owner = this.#thread()
    const { packed, transfer } = packBatch(batch)
    await owner.call({ op: 'commit', batch: packed }, transfer)
    this.#changed += batch.jobs.length + ROWS_PER_COMMIT
    if (this.#changed >= ROWS_PER_CHECKPOINT) this.#checkpoint()
  }

  /**
   * Moves the log into the file while the owner goes on: a commit that had to do it would make all others wait. A
   * failure is left alone, since the owner meets it too, and knows what follows from it.
   */
  #checkpoint(): void {
    if (this.#isCheckpointing || this.#path === ':memory:') return
    this.#isCheckpointing = true
    this.#changed = 0
    this.#checkpointer ??= this.#start('checkpointer')
    const done = (): void => {
      this.#isCheckpointing = false
    }
    this.#checkpointer.then((thread) => thread.call({ op: 'checkpoint' })).then(done, done)
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
    await this.#stopOthers()
    await this.#owner.call({ op: 'close' }).catch(() => undefined)
    await this.#stop()
  }

  async #stop(): Promise<void> {
    await this.#stopOthers()
    const owner = this.#owner
    this.#owner = undefined
    await owner?.stop()
  }

  async #stopOthers(): Promise<void> {
    const others = [this.#reader, this.#checkpointer]
    this.#reader = undefined
    this.#checkpointer = undefined
    for (const other of others) await (await other?.catch(() => undefined))?.stop()
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
    this.#reader ??= this.#start('reader')
    return (await this.#reader).call({ op: 'read', name, args })
  }

  async #start(role: 'reader' | 'checkpointer'): Promise<Thread> {
    const thread = new Thread({ path: this.#path, role, socket: null })
    await thread.call({ op: 'open' })
    return thread
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
