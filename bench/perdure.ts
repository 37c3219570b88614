/** Perdure itself, embedded on SQLite or behind a node, through its public interface only. Tuning: see README.md. */
import { join } from 'node:path'
import { type App, draft, type JobDefinition, job, open } from '../src/index.ts'
import type { Place, System } from './system.ts'

interface Input {
  number: number
}

/**
 * More than are ever on their way: a job that finds a free slot is leased in the commit that enqueues it. With 1,000, half
 * of the jobs have to wait, and cost a write more.
 */
const CONCURRENCY = 4000

const TERMINAL = new Set(['succeeded', 'failed', 'cancelled'])

/** Any store that an address leads to. */
export class PerdureSystem implements System {
  readonly chunk = 1000
  readonly lanes = 2
  readonly #url: string
  readonly #noop: JobDefinition<Input, void>
  #app: App | undefined
  #onStart: (number: number) => void = () => undefined

  constructor(url: string) {
    this.#url = url
    this.#noop = job('noop', { run: async (input: Input) => this.#onStart(input.number) })
  }

  get #opened(): App {
    if (!this.#app) throw new Error('not open')
    return this.#app
  }

  async open(): Promise<void> {
    this.#app = await open(this.#url)
  }

  async work(onStart: (number: number) => void): Promise<void> {
    this.#onStart = onStart
    this.#opened.work([this.#noop], { concurrency: CONCURRENCY })
  }

  async enqueueMany(first: number, count: number, at?: number): Promise<void> {
    const options = at === undefined ? undefined : { at }
    const drafts = Array.from({ length: count }, (_, index) => {
      const input = { number: first + index }
      return options ? draft(this.#noop, input, options) : draft(this.#noop, input)
    })
    await this.#opened.enqueueMany(drafts)
  }

  async enqueueOne(number: number): Promise<void> {
    await this.#opened.enqueue(this.#noop, { number })
  }

  async graph(children: number): Promise<void> {
    const after = Array.from({ length: children }, (_, number) => draft(this.#noop, { number }))
    await this.#opened.enqueueMany([...after, draft(this.#noop, { number: children }, { after })])
  }

  async finished(): Promise<boolean> {
    const counts = await this.#opened.counts()
    return counts.every(({ states }) =>
      Object.entries(states).every(([state, count]) => count === 0 || TERMINAL.has(state)),
    )
  }

  async close(): Promise<void> {
    await this.#app?.close()
  }
}

/** Perdure on a file in the directory, fresh or as an earlier process has left it. */
export function makePerdure(place: Place): System {
  return new PerdureSystem(`sqlite:${join(place.directory, 'perdure.db')}`)
}

/** Opens and closes an empty store, which is what has to work before anything else can be measured. */
export async function tryPerdure(): Promise<void> {
  const app = await open('memory:')
  await app.close()
}
