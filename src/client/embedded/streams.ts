/**
 * Streams: state changes and output, delivered as they become durable, with bounded memory.
 */

import type { JobRow } from '../../core/model/job.ts'
import { noSuchJob } from '../../core/model/refusal.ts'
import type { RouteRow } from '../../core/model/rows.ts'
import { isTerminal, stateName } from '../../core/model/states.ts'
import type { Change, News } from '../../engine/announcer.ts'
import type { Engine } from '../../engine/engine.ts'
import { type PerdureError, perdureError } from '../../errors.ts'
import type { JobEvent, LogEntry, WatchFilter } from '../types.ts'
import { Bell } from './bell.ts'

/** Events that a reader may be behind. */
const MOST_BEHIND = 10_000
/** Entries of a log that are read at once. */
const LOG_PAGE = 500

/** An event, and the route by which it is still to be decided whether it is asked for; 0 where it is. */
interface Heard {
  readonly event: JobEvent
  readonly route: number
}

/** State changes from now on, in commit order. */
export function watch(engine: Engine, filter: WatchFilter, signal?: AbortSignal): AsyncIterable<JobEvent> {
  const bell = new Bell()
  const ids = filter.ids === undefined ? undefined : new Set(filter.ids)
  let events: Heard[] = []
  let isBehind = false
  let closed: PerdureError | undefined
  // Listens from the call on, not from the first `next`: what happens between the two is not missed.
  const unlisten = engine.announcer.onNews({
    heard: (news) => {
      if (isBehind) return
      for (const event of eventsOf(engine, news, filter, ids)) events.push(event)
      if (events.length > MOST_BEHIND) isBehind = true
      if (events.length > 0) bell.ring()
    },
    closed: (error) => {
      closed = error
      bell.ring()
    },
  })
  const stop = (): void => {
    unlisten()
    bell.ring()
  }
  signal?.addEventListener('abort', stop, { once: true })
  return {
    async *[Symbol.asyncIterator]() {
      try {
        while (signal?.aborted !== true) {
          await bell.wait()
          const batch = events
          events = []
          for (const { event, route } of batch) {
            if (route === 0 || matches(engine, await engine.route(route), filter)) yield event
          }
          if (isBehind) throw behind()
          if (closed !== undefined) throw closed
        }
      } finally {
        signal?.removeEventListener('abort', stop)
        unlisten()
      }
    },
  }
}

function* eventsOf(
  engine: Engine,
  news: News,
  filter: WatchFilter,
  ids: ReadonlySet<number> | undefined,
): Generator<Heard> {
  const position = { shard: 0, epoch: news.epoch, sequence: news.sequence }
  for (const change of news.changes) {
    const job = change.after
    if (job === undefined || change.before?.state === job.state) continue
    if (ids !== undefined && !ids.has(job.id)) continue
    const passed = passes(engine, job, filter)
    if (passed === false) continue
    const event = {
      id: job.id,
      state: stateName(job.state),
      previous: change.before === undefined ? null : stateName(change.before.state),
      attempt: job.attempt,
      at: change.at,
      position,
    }
    yield { event, route: passed === undefined ? job.route : 0 }
  }
  for (const { job: id, fraction, message, at } of news.progress) {
    if (ids !== undefined && !ids.has(id)) continue
    const job = engine.workingSet.jobs.peek(id)
    const passed = job === undefined ? false : passes(engine, job, filter)
    if (job === undefined || passed === false) continue
    const state = stateName(job.state)
    const { attempt } = job
    const event = { id, state, previous: state, attempt, at, progress: { fraction, message }, position }
    yield { event, route: passed === undefined ? job.route : 0 }
  }
}

/** Whether a job is among those that are watched; undefined where its route is not in memory. */
function passes(engine: Engine, job: JobRow, filter: WatchFilter): boolean | undefined {
  if (filter.namespace === undefined && filter.queue === undefined) return true
  const route = engine.workingSet.routes.peekById(job.route)
  return route === undefined ? undefined : matches(engine, route, filter)
}

function matches({ workingSet }: Engine, route: RouteRow, { namespace, queue }: WatchFilter): boolean {
  if (namespace !== undefined && workingSet.nameOf(route.namespace) !== namespace) return false
  return queue === undefined || workingSet.nameOf(route.queue) === queue
}

function behind() {
  return perdureError('OVERLOADED', {
    expected: `a reader at most ${MOST_BEHIND} events behind`,
    found: 'one that is further behind',
    fix: 'Read faster, or narrow the filter, and begin again from a list',
  })
}

/** Output of a job, and what is added to it while it is followed. */
export async function* logs(
  engine: Engine,
  id: number,
  options: { readonly attempt?: number; readonly follow?: boolean; readonly signal?: AbortSignal },
): AsyncGenerator<LogEntry> {
  const bell = new Bell()
  let isOver = options.follow !== true
  let closed: PerdureError | undefined
  const unlisten = engine.announcer.onNews({
    heard: (news) => {
      const isNew = news.logs.some((row) => row.job === id)
      const isEnd = ({ after }: Change): boolean => after?.id === id && isTerminal(after.state)
      if (news.changes.some(isEnd)) isOver = true
      if (isNew || isOver) bell.ring()
    },
    closed: (error) => {
      closed = error
      bell.ring()
    },
  })
  const stop = (): void => bell.ring()
  options.signal?.addEventListener('abort', stop, { once: true })
  try {
    const job = await engine.reads.details(id)
    if (job === null) throw noSuchJob(id)
    if (isTerminal(job.row.state)) isOver = true
    let from = { attempt: 0, offset: 0 }
    for (;;) {
      // What is over now has been stored before this read begins.
      const wasOver = isOver
      const rows = await engine.reads.logs(id, options.attempt ?? null, from, LOG_PAGE)
      for (const row of rows) yield { ...row, stream: row.stream as LogEntry['stream'] }
      const last = rows.at(-1)
      if (last !== undefined)
        from = { attempt: last.attempt, offset: last.offset + Math.max(1, last.text.length) }
      if (rows.length === LOG_PAGE) continue
      if (wasOver || options.signal?.aborted === true) return
      await bell.wait()
      if (closed !== undefined) throw closed
    }
  } finally {
    options.signal?.removeEventListener('abort', stop)
    unlisten()
  }
}
