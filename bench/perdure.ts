/** Perdure itself, embedded on SQLite, through its public interface only. Untuned: these are its defaults. */
import { join } from 'node:path'
import type { Place, System } from './system.ts'

interface Input {
  number: number
}
interface Handle {
  result(): Promise<unknown>
}
interface Job {
  readonly kind: string
}
interface EnqueueOptions {
  delay?: string
  after?: Handle[]
}
interface App {
  work(jobs: Job[], options: { concurrency: number }): { stop(): Promise<void> }
  enqueue(job: Job, input: Input, options?: EnqueueOptions): Promise<Handle>
  enqueueMany(entries: { job: Job; input: Input; options?: EnqueueOptions }[]): Promise<Handle[]>
  close(): Promise<void>
}
interface Library {
  open(url: string): Promise<App>
  job(name: string, definition: { run(input: Input): Promise<void> }): Job
}

/** The library from its sources; absent while they do not load. A variable keeps the path out of the type check. */
const SOURCE = '../src/index.ts'

class PerdureSystem implements System {
  readonly chunk = 5000
  readonly lanes = 4
  readonly #library: Library
  readonly #path: string
  readonly #noop: Job
  #app: App | undefined
  #worker: { stop(): Promise<void> } | undefined
  #onStart: (number: number) => void = () => undefined
  /** The jobs enqueued by the last calls; once they have results, and every handler was called, nothing is left. */
  #last: Handle[] = []

  constructor(library: Library, path: string) {
    this.#library = library
    this.#path = path
    this.#noop = library.job('noop', { run: async (input) => this.#onStart(input.number) })
  }

  get #opened(): App {
    if (!this.#app) throw new Error('not open')
    return this.#app
  }

  async open(): Promise<void> {
    this.#app = await this.#library.open(`sqlite:${this.#path}`)
  }

  async work(onStart: (number: number) => void): Promise<void> {
    this.#onStart = onStart
    this.#worker = this.#opened.work([this.#noop], { concurrency: 200 })
  }

  async enqueueMany(first: number, count: number, at?: number): Promise<void> {
    const due = at === undefined ? {} : { options: { delay: `${Math.max(0, at - Date.now())}ms` } }
    const entries = Array.from({ length: count }, (_, index) => ({
      job: this.#noop,
      input: { number: first + index },
      ...due,
    }))
    this.#last = await this.#opened.enqueueMany(entries)
  }

  async enqueueOne(number: number): Promise<void> {
    await this.#opened.enqueue(this.#noop, { number })
  }

  async graph(children: number): Promise<void> {
    const entries = Array.from({ length: children }, (_, number) => ({ job: this.#noop, input: { number } }))
    const after = await this.#opened.enqueueMany(entries)
    await this.#opened.enqueue(this.#noop, { number: children }, { after })
  }

  async finished(): Promise<boolean> {
    await Promise.all(this.#last.splice(0).map((handle) => handle.result()))
    return true
  }

  async close(): Promise<void> {
    await this.#worker?.stop()
    await this.#app?.close()
  }
}

/** Perdure on a file in the directory, fresh or as an earlier process has left it. */
export async function makePerdure(place: Place): Promise<System> {
  const library = (await import(SOURCE)) as Library
  return new PerdureSystem(library, join(place.directory, 'perdure.db'))
}

/** Why Perdure cannot be measured, or undefined when it can. */
export async function perdureProblem(): Promise<string | undefined> {
  try {
    await import(SOURCE)
    return undefined
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error)
  }
}
