/**
 * Check: looks for rows of a memory store that contradict each other.
 */
import { HAS_DEPENDENTS, type JobRow, LARGE_INPUT, LARGE_RESULT, limitsOf } from '../../core/model/job.ts'
import { DUE_LINE, limitLine, NO_LINE, RUNNING_LINE, readyLine, SETTLE_LINE } from '../../core/model/line.ts'
import {
  BLOCKED,
  isTerminal,
  READY,
  RUNNING,
  SCHEDULED,
  type StateCode,
  SUSPENDED,
  stateName,
  WAITING,
} from '../../core/model/states.ts'
import { WHILE_LIVE } from '../../core/policy/keys.ts'
import { dependenciesOf } from './stored.ts'
import type { Tables } from './tables.ts'

/** What was found, as sentences; empty where all is well. */
export function check(tables: Tables): string[] {
  const found: string[] = []
  for (const job of tables.jobs.values()) {
    found.push(...checkLine(tables, job), ...checkHeld(tables, job), ...checkPending(tables, job))
    found.push(...checkPayloads(tables, job))
  }
  found.push(...checkHolders(tables), ...checkEdges(tables), ...checkCounts(tables), ...checkOrphans(tables))
  found.push(...tables.blobs.check(valuesOf(tables)))
  return found
}

function* checkLine(tables: Tables, job: JobRow): Generator<string> {
  const expected = lineOf(tables, job)
  if (expected === undefined) yield `Job ${job.id} names route ${job.route}, which does not exist.`
  else if (job.line !== expected) {
    yield `Job ${job.id} is ${stateName(job.state)}, so it belongs to line ${expected}, but it stands in line ${job.line}.`
  }
}

/** The line that a job of this state stands in. */
function lineOf(tables: Tables, job: JobRow): number | undefined {
  const route = tables.routesById.get(job.route)
  if (route === undefined) return undefined
  if (job.state === SCHEDULED) return DUE_LINE
  if (job.state === RUNNING) return RUNNING_LINE
  if (job.state === SUSPENDED) return job.line === DUE_LINE ? DUE_LINE : NO_LINE
  if (job.state === READY) return readyLine(route.class)
  if (job.state === WAITING) return limitLine(limitsOf(job)[job.taken] ?? 0)
  return isTerminal(job.state) && hasEdgesLeft(tables, job) ? SETTLE_LINE : NO_LINE
}

/** Whether an ended job has edges that wait to be settled, or stands where it is looked whether it has. */
function hasEdgesLeft(tables: Tables, job: JobRow): boolean {
  return job.line === SETTLE_LINE || tables.dependents.membersOf(job.id).size > 0
}

/** What a job says that it holds is in the table of holders (C6). */
function* checkHeld(tables: Tables, job: JobRow): Generator<string> {
  if (isTerminal(job.state) && job.taken > 0) {
    yield `Job ${job.id} is ${stateName(job.state)}, but says that it holds ${job.taken} limits.`
    return
  }
  for (const limit of limitsOf(job).slice(0, job.taken)) {
    if (!tables.holders.membersOf(limit).has(job.id)) {
      yield `Job ${job.id} says that it holds limit ${limit}, but is not among its holders.`
    }
  }
}

function* checkPending(tables: Tables, job: JobRow): Generator<string> {
  const edges = dependenciesOf(tables, job.id).length
  if (job.pending !== edges) {
    yield `Job ${job.id} counts ${job.pending} unsettled dependencies, but there are ${edges}.`
  }
  if (job.state === BLOCKED && edges === 0) yield `Job ${job.id} is blocked, but by nothing.`
}

/** A job has the large values that it says, and no others. */
function* checkPayloads(tables: Tables, { id, flags }: JobRow): Generator<string> {
  for (const [field, flag] of [
    ['input', LARGE_INPUT],
    ['result', LARGE_RESULT],
  ] as const) {
    const says = (flags & flag) !== 0
    if (says !== (tables.payloads.get(id)?.has(field) ?? false))
      yield `Job ${id} says that its ${field} is ${says ? 'large, but has none' : 'not large, but has one'}.`
  }
}

/** The values of all rows that may refer to blobs. */
function* valuesOf(tables: Tables): Generator<string | null> {
  for (const payloads of tables.payloads.values()) yield* payloads.values()
  for (const rows of tables.journal.values()) for (const { value } of rows.values()) yield value
}

/** Each holder is a live job that says so (C2, C3). */
function* checkHolders(tables: Tables): Generator<string> {
  for (const [limit, member] of tables.holders.all()) {
    const job = tables.jobs.get(member)
    if (job === undefined) yield `Job ${member} holds limit ${limit}, but does not exist.`
    else if (isTerminal(job.state))
      yield `Job ${member} holds limit ${limit}, but is ${stateName(job.state)}.`
    else if (!limitsOf(job).slice(0, job.taken).includes(limit)) {
      yield `Job ${member} is among the holders of limit ${limit}, but does not say that it holds it.`
    }
  }
}

/** Each edge leads from a job that knows of it to one that exists (W2); an ended one is about to settle it. */
function* checkEdges(tables: Tables): Generator<string> {
  for (const [owner, member] of tables.dependents.all()) {
    const job = tables.jobs.get(owner)
    if (job === undefined) yield `Job ${member} depends on job ${owner}, which does not exist.`
    else if ((job.flags & HAS_DEPENDENTS) === 0)
      yield `Job ${owner} does not know that job ${member} depends on it.`
    if (!tables.jobs.has(member)) yield `Job ${member} depends on job ${owner}, but does not exist.`
  }
}

/** The counters equal what is counted anew (C9). */
function* checkCounts(tables: Tables): Generator<string> {
  const counted = new Map<number, number>()
  for (const { route, state } of tables.jobs.values()) {
    const key = route * 16 + state
    counted.set(key, (counted.get(key) ?? 0) + 1)
  }
  for (const key of new Set([...counted.keys(), ...tables.counts.keys()])) {
    const [said, there] = [tables.counts.get(key) ?? 0, counted.get(key) ?? 0]
    if (said === there) continue
    const state = stateName((key % 16) as StateCode)
    yield `Route ${Math.floor(key / 16)} counts ${said} jobs that are ${state}, but there are ${there}.`
  }
}

/** No row outlives its job (W9). */
function* checkOrphans(tables: Tables): Generator<string> {
  for (const name of ['attempts', 'payloads', 'logs', 'progress', 'metadata', 'runs', 'journal'] as const) {
    for (const job of tables[name].keys()) {
      if (!tables.jobs.has(job)) yield `Job ${job} does not exist, but has rows in '${name}'.`
    }
  }
  for (const { key, job, until } of tables.keys.values()) {
    // Within its window a key outlives its job.
    if (until === WHILE_LIVE && !tables.jobs.has(job))
      yield `Key '${key}' points at job ${job}, which does not exist.`
  }
}
