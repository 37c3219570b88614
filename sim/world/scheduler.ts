/**
 * Scheduler: the one line of events of a simulated world, and its virtual time.
 *
 * One event happens at a time, together with everything that follows from it without time passing (its
 * microtasks). Never does: real time.
 */
import { createHash } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { looked, Violation } from '../violation.ts'

interface Event {
  readonly at: number
  readonly order: number
  act: (() => void) | undefined
}

const realImmediate = globalThis.setImmediate

// A turn of the real event loop after each event would cost ten times as much as most events do.
setFlagsFromString('--allow-natives-syntax')
const drain = new Function('%PerformMicrotaskCheckpoint()') as () => void

/** Times are multiples of this: sums of them are exact, so that a timer is never a hair early. */
const TICKS = 1_024

/** More events than this at one moment are a loop that never ends. */
const MOST_AT_ONCE = 100_000

/** Lines of the trace that are kept for a report. */
const KEPT = 400

export class Scheduler {
  /** Virtual ms since the beginning. */
  now = 0
  events = 0
  readonly #heap: Event[] = []
  /** Events of this very moment. */
  #here = 0
  #order = 0
  readonly #hash = createHash('sha256')
  #buffer = ''
  readonly #tail: string[] = []
  #failure: { readonly error: unknown } | undefined
  /** Gets every line of the trace. */
  onLine: ((line: string) => void) | undefined

  /** Calls `act` after `ms`; answers how to call it off. */
  after(ms: number, act: () => void): () => void {
    const event: Event = {
      at: Math.ceil((this.now + Math.max(0, ms)) * TICKS) / TICKS,
      order: this.#order++,
      act,
    }
    this.#push(event)
    return () => {
      event.act = undefined
    }
  }

  /** Notes what happened. The hash of all lines is the identity of a run. */
  trace(text: string): void {
    const line = `${this.now.toFixed(3)} ${text}`
    this.#buffer += line
    this.#buffer += '\n'
    if (this.#buffer.length > 16_384) {
      this.#hash.update(this.#buffer)
      this.#buffer = ''
    }
    if (this.#tail.length >= 2 * KEPT) this.#tail.splice(0, KEPT)
    this.#tail.push(line)
    this.onLine?.(line)
  }

  /** Ends the run with an error, from wherever it was found. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /** Lets time pass until `end`, or until `isDone` holds after an event. Rejects with what {@link fail} was told. */
  run(end: number, isDone?: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      // from a turn of its own: microtasks cannot be run to the end from within one
      realImmediate(() => {
        try {
          this.#run(end, isDone)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #run(end: number, isDone: (() => boolean) | undefined): void {
    const before = this.events
    try {
      this.#happen(end, isDone)
    } finally {
      looked('L9', this.events - before)
    }
  }

  #happen(end: number, isDone: (() => boolean) | undefined): void {
    while (this.#heap.length > 0 && (this.#heap[0] as Event).at <= end) {
      const event = this.#pop()
      if (event.act === undefined) continue
      if (event.at > this.now) this.#here = 0
      if (++this.#here >= MOST_AT_ONCE)
        throw new Violation('L9', `${MOST_AT_ONCE} events without time passing`)
      this.now = event.at
      this.events++
      event.act()
      drain()
      if (this.#failure !== undefined) throw this.#failure.error
      if (isDone?.()) return
    }
    this.now = Math.max(this.now, end)
  }

  digest(): string {
    return this.#hash.copy().update(this.#buffer).digest('hex')
  }

  /** The latest lines of the trace. */
  tail(count: number): readonly string[] {
    return this.#tail.slice(-count)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, heap[parent] as Event)) break
      heap[at] = heap[parent] as Event
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event {
    const heap = this.#heap
    const first = heap[0] as Event
    const last = heap.pop() as Event
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++
      if (!isBefore(heap[child] as Event, last)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
