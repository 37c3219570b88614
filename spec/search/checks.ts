/**
 * Checks: what must hold of every world that a search reaches, and of every move to it. Rows are checked as in the
 * simulator; what concerns several rows is recomputed here from the whole world, which is small.
 */
import { checkMove, checkRow } from '../../sim/invariants/rows.ts'
import { must } from '../../sim/violation.ts'
import type { Command } from '../../src/core/apply.ts'
import { type JobRow, limitsOf } from '../../src/core/model/job.ts'
import { isLegalMove, isTerminal, RUNNING, stateName, WAITING } from '../../src/core/model/states.ts'
import type { Tables } from '../world/tables.ts'
import { give, heartbeat, profileOfJob, type Token, type World } from '../world/world.ts'

/** Checks a move from one world to another. */
export function checkStep(before: World, after: World): void {
  for (const [id, row] of after.tables.jobs) {
    const was = before.tables.jobs.get(id)
    if (was === row) continue
    checkRow(row)
    checkChange(after.tables, was, row)
  }
  for (const [id, was] of before.tables.jobs) if (!after.tables.jobs.has(id)) checkMove(was, undefined, true)
  checkLimits(before.tables, after.tables)
  checkEdges(after.tables)
  checkLeases(after.tables)
}

function checkChange(tables: Tables, was: JobRow | undefined, row: JobRow): void {
  checkMove(was, row, true)
  if (was !== undefined) {
    const isLegal = isLegalMove(was.state, row.state)
    must('CRASH', isLegal, () => `job ${row.id} went from ${stateName(was.state)} to ${stateName(row.state)}`)
  }
  const { attempts } = profileOfJob(tables, row).retry
  must('L7', row.tries <= attempts, () => `job ${row.id} has had ${row.tries} tries of ${attempts}`)
}

function checkLeases({ jobs }: Tables): void {
  const nonces = new Set<string>()
  for (const { id, state, nonce } of jobs.values()) {
    if (state !== RUNNING) continue
    must('L1', nonce !== null && !nonces.has(nonce), () => `job ${id} runs under the token of another`)
    nonces.add(nonce as string)
  }
}

function checkLimits(before: Tables, after: Tables): void {
  for (const { id: limit, max } of after.limits.values()) {
    checkWaiters(after, limit, max)
    const holders = after.holders.get(limit) ?? NOBODY
    const were = before.holders.get(limit) ?? NOBODY
    const isGrown = [...holders.keys()].some((job) => !were.has(job))
    must('C1', holders.size <= max || !isGrown, () => `limit ${limit} of ${max} has ${holders.size} holders`)
    for (const job of holders.keys()) {
      const row = after.jobs.get(job)
      const isLive = row !== undefined && !isTerminal(row.state)
      must('C2', isLive, () => `job ${job}, which is not live, holds limit ${limit}`)
      const takes = limitsOf(row as JobRow).slice(0, row?.taken)
      must('C2', takes.includes(limit), () => `job ${job} has taken ${takes}, and holds limit ${limit}`)
    }
  }
  for (const row of after.jobs.values()) {
    for (const limit of limitsOf(row).slice(0, row.taken)) {
      must(
        'C2',
        after.holders.get(limit)?.has(row.id) === true,
        () => `job ${row.id} is no holder of ${limit}`,
      )
    }
  }
}

function checkWaiters(tables: Tables, limit: number, max: number): void {
  const holders = tables.holders.get(limit) ?? NOBODY
  for (const row of tables.jobs.values()) {
    if (row.state !== WAITING || limitsOf(row)[row.taken] !== limit) continue
    must('C4', !holders.has(row.id), () => `job ${row.id} holds limit ${limit} and waits for it`)
    must('C5', holders.size >= max, () => `job ${row.id} waits for limit ${limit}, which has a free slot`)
  }
}

/** Each edge is there until its dependency has ended, and the dependent counts it as long. */
function checkEdges({ jobs, dependents }: Tables): void {
  const pending = new Map<number, number>()
  for (const [dependency, edges] of dependents) {
    const row = jobs.get(dependency)
    for (const dependent of edges.keys()) {
      const isLive = row !== undefined && !isTerminal(row.state)
      must(
        'W2',
        isLive,
        () => `job ${dependency} has ended, and its edge to job ${dependent} was not settled`,
      )
      pending.set(dependent, (pending.get(dependent) ?? 0) + 1)
    }
  }
  for (const { id, pending: counted } of jobs.values()) {
    const edges = pending.get(id) ?? 0
    must('W2', counted === edges, () => `job ${id} counts ${counted} unsettled edges, and has ${edges}`)
  }
}

/** A token that is not that of the running attempt changes nothing, whoever comes with it. */
export function checkStaleTokens(world: World): void {
  const stale: Token[] = []
  for (const { id, attempt, nonce } of world.tables.jobs.values()) {
    if (attempt === 0) continue
    stale.push({ job: id, attempt, nonce: 'another' })
    stale.push({ job: id, attempt: attempt - 1, nonce: nonce ?? 'another' })
  }
  checkTokens(world, stale)
}

/** Checks that tokens are stale. */
export function checkTokens(world: World, tokens: readonly Token[]): void {
  for (const token of tokens) {
    for (const command of commandsWith(token)) {
      const { world: after, reply } = give(world, command)
      must('L2', after === world, () => `a '${command.type}' of a stale token changed job ${token.job}`)
      // a report that is told again may be answered as it was, which changes nothing either
      must('L2', reply === false || command.type === 'report', () => `'${command.type}' took a stale token`)
    }
    const { reply } = heartbeat(world, token)
    must('L2', reply === false, () => `a stale token renewed the lease of job ${token.job}`)
  }
}

function commandsWith(token: Token): Command[] {
  return [
    { type: 'report', ...token, outcome: { type: 'succeeded', result: null, large: false }, random: 0 },
    { type: 'report', ...token, outcome: { type: 'released' }, random: 0 },
    { type: 'lose', ...token, cause: 'lost', random: 0 },
    { type: 'log', ...token, entries: [{ stream: 'log', text: 'x' }] },
    { type: 'progress', ...token, fraction: 0.5, message: null },
  ]
}

const NOBODY: ReadonlyMap<number, number> = new Map()
