/**
 * The world of the suite: a few interned names and routes, jobs in every state, and random rows.
 */

import { blankJob, type JobRow } from '../../core/model/job.ts'
import { DUE_LINE, limitLine, NO_LINE, RUNNING_LINE, readyLine } from '../../core/model/line.ts'
import { DEFAULT_PROFILE } from '../../core/model/profile.ts'
import type { NameRow, ProfileRow, RouteRow } from '../../core/model/rows.ts'
import { JOB_STATES, READY, RUNNING, SCHEDULED, type StateCode, WAITING } from '../../core/model/states.ts'
import { fc } from '../../std/testdata/properties.ts'
import type { Batch, CountChange, JobChange, StoredQuery } from '../store.ts'

export const NAMES: readonly NameRow[] = [
  { id: 1, space: 'namespace', text: 'acme' },
  { id: 2, space: 'namespace', text: "o'hara: \u00fcber \ud83d\ude80" },
  { id: 3, space: 'queue', text: 'mail' },
  { id: 4, space: 'queue', text: 'video' },
  { id: 5, space: 'kind', text: 'send' },
  { id: 6, space: 'kind', text: 'acme' },
  { id: 7, space: 'class', text: '3:5' },
  { id: 8, space: 'class', text: '4:6' },
  { id: 9, space: 'class', text: '3:0' },
  { id: 10, space: 'limit', text: 'gpu' },
  { id: 11, space: 'limit', text: 'api: "v1"' },
  { id: 12, space: 'worker', text: 'w-1' },
  { id: 13, space: 'fair', text: 'customer' },
]

const SHORT = { ...DEFAULT_PROFILE, retention: { succeededMs: 100, failedMs: 300, cancelledMs: 200 } }

export const PROFILES: readonly ProfileRow[] = [
  { id: 14, text: JSON.stringify(DEFAULT_PROFILE) },
  { id: 15, text: JSON.stringify(SHORT) },
]

export const MAIL: RouteRow = { id: 20, namespace: 1, queue: 3, kind: 5, class: 7, profile: 14 }
export const VIDEO: RouteRow = { id: 21, namespace: 1, queue: 4, kind: 6, class: 8, profile: 15 }
export const ELSEWHERE: RouteRow = { id: 22, namespace: 2, queue: 3, kind: 5, class: 7, profile: 15 }
export const GROUP: RouteRow = { id: 23, namespace: 1, queue: 3, kind: 0, class: 9, profile: 14 }
export const ROUTES = [MAIL, VIDEO, ELSEWHERE, GROUP] as const
export const GPU = 10
export const API = 11
export const WORKER = 12

/** What interns all of it. */
export const WORLD: Partial<Batch> = {
  nextNameId: 30,
  names: NAMES,
  profiles: PROFILES,
  routes: ROUTES,
  limits: [
    { id: GPU, max: 2 },
    { id: API, max: 5 },
  ],
}

export const textOf = (id: number): string => NAMES.find((row) => row.id === id)?.text ?? ''

/** A job of the mail route, with what the test is about. */
export function job(id: number, changes: Partial<Omit<JobRow, 'id'>> = {}): JobRow {
  return { ...blankJob(id, MAIL.id, 1_000), ...changes }
}

/** A job as the core would write it in this state. `blocked` needs an edge to be complete. */
export function jobIn(
  state: StateCode,
  id: number,
  changes: Partial<Omit<JobRow, 'id' | 'state'>> = {},
): JobRow {
  const row = job(id, { state, ...changes })
  const route = ROUTES.find(({ id: routeId }) => routeId === row.route) ?? MAIL
  if (state === SCHEDULED) return { ...row, ...place(DUE_LINE, 9_000), dueAt: 9_000 }
  if (state === READY) return { ...row, ...place(readyLine(route.class), row.priority) }
  if (state === RUNNING) {
    return { ...row, ...place(RUNNING_LINE, 0), nonce: 'n', attempt: 1, worker: WORKER, startedAt: 2_000 }
  }
  if (state === WAITING) return { ...row, ...place(limitLine(GPU), row.priority), limits: `[${GPU}]` }
  return { ...row, ...place(NO_LINE, 0) }
}

const place = (line: number, rank: number) => ({ line, rank })

export const added = (rows: readonly JobRow[]): JobChange[] =>
  rows.map((after) => ({ before: undefined, after }))
export const changed = (before: JobRow, after: JobRow): JobChange => ({ before, after })
export const removed = (before: JobRow): JobChange => ({ before, after: undefined })

/** The counts that go with new jobs. */
export function countsOf(rows: readonly JobRow[], delta = 1): CountChange[] {
  return rows.map(({ route, state }) => ({ route, state, delta }))
}

/** New jobs with their counts. */
export const enqueued = (rows: readonly JobRow[]): Pick<Batch, 'jobs' | 'counts'> => ({
  jobs: added(rows),
  counts: countsOf(rows),
})

/** A query for everything, oldest first. */
export const ALL: StoredQuery = {
  states: null,
  queue: null,
  kind: null,
  namespace: null,
  parent: null,
  ids: null,
  metadata: [],
  createdAfter: null,
  createdBefore: null,
  newest: false,
  limit: 100,
  after: null,
}

export const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0)

export const byId = (a: { readonly id: number }, b: { readonly id: number }): number => a.id - b.id

// Random values.

/** Whole numbers from 0 to 2^53 - 1. */
const whole = fc.maxSafeNat()
/** Finite, and never -0, which no table needs to keep. */
const float = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0)
/** Any text but for half surrogates, which no encoding of Unicode has. */
export const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom(
    '',
    "'",
    '"',
    '\0',
    'a\0b',
    '%_',
    '\\',
    ';--',
    '\n',
    '\ufeff',
    '\ud83d\udc69\u200d\ud83d\ude80',
  ),
)
const nullable = (text: fc.Arbitrary<string>) => fc.option(text, { nil: null })
export const anyState = fc.integer({ min: 0, max: JOB_STATES.length - 1 }) as fc.Arbitrary<StateCode>

/** Every column of a job at random, also in ways that the core would not write. */
export const anyColumns: fc.Arbitrary<Omit<JobRow, 'id'>> = fc.record({
  route: whole,
  createdAt: whole,
  fairKey: whole,
  parent: whole,
  limits: nullable(anyText),
  metadata: nullable(anyText),
  input: nullable(anyText),
  state: anyState,
  line: whole,
  rank: fc.maxSafeInteger(),
  turn: float,
  priority: fc.maxSafeInteger(),
  dueAt: whole,
  expireAt: whole,
  attempt: whole,
  tries: whole,
  taken: whole,
  pending: fc.maxSafeInteger(),
  flags: fc.nat(),
  worker: whole,
  startedAt: whole,
  finishedAt: whole,
  cancelAt: whole,
  restarts: whole,
  logSize: whole,
  restartedAt: whole,
  nonce: nullable(anyText),
  result: nullable(anyText),
  error: nullable(anyText),
  hint: nullable(anyText),
})
