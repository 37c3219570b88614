/**
 * Announcer: who wants to hear of changes, and what is told to them once it is durable.
 */
import { HAS_UNDO, type JobRow } from '../core/model/job.ts'
import type { LogRow, ProgressRow } from '../core/model/rows.ts'
import { isTerminal, RUNNING } from '../core/model/states.ts'
import type { PerdureError } from '../errors.ts'

/**
 * A durable change of a job. `before` is undefined for a new one, `after` for a deleted one. Both are the same row where
 * the job did not change, but something happened that its worker waits for.
 */
export interface Change {
  readonly before: JobRow | undefined
  readonly after: JobRow | undefined
  readonly at: number
  /** How long a running attempt has to stop that was asked to with this change, ms; 0 for every other change. */
  readonly graceMs: number
}

/** Something that left with a commit. */
export interface News {
  readonly changes: readonly Change[]
  readonly progress: readonly ProgressRow[]
  readonly logs: readonly LogRow[]
  readonly epoch: number
  readonly sequence: number
}

/** Who waits for the end of a job. Exactly one of the two is called, once, unless it was called off. */
export interface EndListener {
  ended(job: JobRow): void
  /** Nothing will be announced any more. */
  closed(error: PerdureError): void
}

/** Who listens to everything. */
export interface NewsListener {
  heard(news: News): void
  /** Nothing will be announced any more. */
  closed(error: PerdureError): void
}

export class Announcer {
  readonly #waiting = new Map<number, Set<EndListener>>()
  readonly #listeners = new Set<NewsListener>()
  readonly #stops = new Set<(job: JobRow, graceMs: number) => void>()
  readonly #runNews = new Set<(job: JobRow) => void>()
  readonly #graceOf: (job: number) => number
  #changes: Change[] = []

  /** @param graceOf how long a running attempt of a job has to stop, ms. */
  constructor(graceOf: (job: number) => number) {
    this.#graceOf = graceOf
  }

  /** Calls back once, at the end of a job. Answers how to call it off. */
  onEnd(job: number, listener: EndListener): () => void {
    const listeners = this.#waiting.get(job) ?? new Set()
    this.#waiting.set(job, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#waiting.get(job) === listeners) this.#waiting.delete(job)
    }
  }

  /** Calls back with all news, in order of commits. Answers how to call it off. */
  onNews(listener: NewsListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls back for each running job that was asked to stop, with the time that its options give it, ms. */
  onStop(listener: (job: JobRow, graceMs: number) => void): () => void {
    this.#stops.add(listener)
    return () => this.#stops.delete(listener)
  }

  /** Calls back for each running workflow run in whose journal something settled that its worker did not write. */
  onRunNews(listener: (job: JobRow) => void): () => void {
    this.#runNews.add(listener)
    return () => this.#runNews.delete(listener)
  }

  /** Notes news of a running workflow run. */
  noteNews(job: JobRow, at: number): void {
    this.#changes.push({ before: job, after: job, at, graceMs: 0 })
  }

  /** Whether anybody listens to everything. */
  get isHeard(): boolean {
    return this.#listeners.size > 0
  }

  /** Notes a change that is not durable yet, if it may matter to somebody. */
  note(before: JobRow | undefined, after: JobRow | undefined, at: number): void {
    if (before?.state === after?.state && before?.cancelAt === after?.cancelAt) return
    // Every end is kept, since one who asks before it is durable must hear of it.
    const ends = after !== undefined && isTerminal(after.state)
    if (isStop(before, after)) this.#changes.push({ before, after, at, graceMs: this.#graceOf(after.id) })
    else if (ends || this.isHeard) this.#changes.push({ before, after, at, graceMs: 0 })
  }

  /** The changes since the last call; they leave with the commit that is being made. */
  take(): Change[] {
    const changes = this.#changes
    // Always a new array: an empty one that was handed over would gather what is not durable yet.
    this.#changes = []
    return changes
  }

  /** Tells what has become durable. */
  publish(news: News): void {
    for (const { before, after, graceMs } of news.changes) {
      if (after !== undefined && before === after) {
        for (const listener of this.#runNews) listener(after)
        continue
      }
      if (isStop(before, after)) for (const listener of this.#stops) listener(after, graceMs)
      if (this.#waiting.size === 0 || after === undefined || !isTerminal(after.state)) continue
      const listeners = this.#waiting.get(after.id)
      if (listeners === undefined) continue
      this.#waiting.delete(after.id)
      for (const listener of listeners) listener.ended(after)
    }
    if (news.changes.length + news.progress.length + news.logs.length === 0) return
    for (const listener of this.#listeners) listener.heard(news)
  }

  /** Tells all who listen that nothing more will come. */
  close(error: PerdureError): void {
    const listeners = [...[...this.#waiting.values()].flatMap((set) => [...set]), ...this.#listeners]
    this.#waiting.clear()
    this.#listeners.clear()
    for (const listener of listeners) listener.closed(error)
  }
}

/** Asked to stop, for the first time or again. A run that has something to undo finds in its journal that it shall. */
function isStop(before: JobRow | undefined, after: JobRow | undefined): after is JobRow {
  if (after !== undefined && (after.flags & HAS_UNDO) !== 0) return false
  return after?.state === RUNNING && after.cancelAt !== 0 && after.cancelAt !== before?.cancelAt
}
