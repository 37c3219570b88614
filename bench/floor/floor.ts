/**
 * The floor: the least that any durable queue on SQLite must do, written straight with better-sqlite3. Each job is one
 * row with an integer key, inserted as ready, updated to running, updated to succeeded, every step durable before the
 * next. It has no scheduling, no leases and no recovery, so no queue on the same driver can be faster for long.
 */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Place, System } from '../system.ts'
import type { FloorAcknowledgement, FloorWrite } from './messages.ts'

type Unnumbered<T> = T extends unknown ? Omit<T, 'call'> : never

class Floor implements System {
  readonly chunk = 2500
  readonly lanes = 4
  readonly #path: string
  #thread: Worker | undefined
  #call = 0
  #nextId = 1
  #waiting = new Map<number, () => void>()
  #onStart: ((number: number) => void) | undefined
  /** Batches inserted before the worker started: first id, first number, count. */
  #stored: [number, number, number][] = []
  #unfinished = 0
  /** Single enqueues of this turn of the event loop, written as one batch. */
  #gathered: { number: number; done: () => void }[] = []

  constructor(path: string) {
    this.#path = path
  }

  async open(): Promise<void> {
    this.#thread = new Worker(new URL('./thread.ts', import.meta.url), { workerData: { path: this.#path } })
    this.#thread.on('message', ({ calls }: FloorAcknowledgement) => {
      for (const call of calls) {
        const done = this.#waiting.get(call)
        this.#waiting.delete(call)
        done?.()
      }
    })
    this.#thread.on('error', (error) => {
      throw error
    })
  }

  async work(onStart: (number: number) => void): Promise<void> {
    this.#onStart = onStart
    for (const [id, number, count] of this.#stored.splice(0)) void this.#live(id, [number], count)
  }

  async enqueueMany(first: number, count: number): Promise<void> {
    const id = await this.#insert(Array.from({ length: count }, (_, index) => first + index))
    if (this.#onStart) void this.#live(id, [first], count)
    else this.#stored.push([id, first, count])
  }

  enqueueOne(number: number): Promise<void> {
    return new Promise((done) => {
      this.#gathered.push({ number, done })
      if (this.#gathered.length === 1) queueMicrotask(() => void this.#flush())
    })
  }

  async finished(): Promise<boolean> {
    return this.#unfinished === 0
  }

  async close(): Promise<void> {
    await this.#send({ write: 'close' })
    await this.#thread?.terminate()
  }

  async #flush(): Promise<void> {
    const batch = this.#gathered.splice(0)
    const numbers = batch.map((single) => single.number)
    const id = await this.#insert(numbers)
    for (const single of batch) single.done()
    if (this.#onStart) void this.#live(id, numbers, numbers.length)
  }

  async #insert(numbers: number[]): Promise<number> {
    const first = this.#nextId
    this.#nextId += numbers.length
    this.#unfinished += numbers.length
    const ends = new Int32Array(numbers.length)
    let text = ''
    for (const [index, number] of numbers.entries()) {
      text += JSON.stringify({ number })
      ends[index] = text.length
    }
    const inputs = new TextEncoder().encode(text)
    await this.#send({ write: 'insert', first, count: numbers.length, dueAt: Date.now(), inputs, ends })
    return first
  }

  /** The rest of a life: durably running, then the handlers, then durably succeeded. */
  async #live(first: number, numbers: number[], count: number): Promise<void> {
    await this.#send({ write: 'run', first, count })
    const onStart = this.#onStart as (number: number) => void
    if (numbers.length === count) for (const number of numbers) onStart(number)
    else for (let index = 0; index < count; index++) onStart((numbers[0] as number) + index)
    await this.#send({ write: 'succeed', first, count })
    this.#unfinished -= count
  }

  #send(write: Unnumbered<FloorWrite>): Promise<void> {
    const call = ++this.#call
    const transfer = write.write === 'insert' ? [write.inputs.buffer, write.ends.buffer] : []
    return new Promise((done) => {
      this.#waiting.set(call, done)
      this.#thread?.postMessage({ ...write, call }, transfer as ArrayBuffer[])
    })
  }
}

/** Makes the floor on a fresh file in the directory. */
export function makeFloor(place: Place): System {
  return new Floor(join(place.directory, 'floor.db'))
}
