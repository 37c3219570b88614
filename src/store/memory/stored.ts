/**
 * Stored jobs: a row of a memory store with its names, payloads and past put together, as reads show it.
 */
import { type JobRow, LARGE_INPUT, LARGE_RESULT, limitsOf } from '../../core/model/job.ts'
import { keyOfOwnName, type PayloadRow } from '../../core/model/rows.ts'
import { EDGE_CLOSE } from '../../core/policy/finish.ts'
import { assert } from '../../std/assert.ts'
import type { StoredJob, StoredJobDetails } from '../store.ts'
import type { Tables } from './tables.ts'

/** The text of an interned name; '' for 0 and for what was never interned. */
export function nameOf(tables: Tables, id: number | undefined): string {
  return tables.namesById.get(id ?? 0)?.text ?? ''
}

/** The row of a job that exists, with its names resolved. */
export function storedJob(tables: Tables, id: number): StoredJob {
  const row = tables.jobs.get(id)
  assert(row !== undefined, `job ${id} is stored`)
  const route = tables.routesById.get(row.route)
  return {
    row,
    namespace: nameOf(tables, route?.namespace),
    queue: nameOf(tables, route?.queue),
    kind: nameOf(tables, route?.kind),
    profile: tables.profilesById.get(route?.profile ?? 0)?.text ?? '',
    worker: tables.namesById.get(row.worker)?.text ?? null,
    key: keyOf(tables, id),
    limits: limitsOf(row).map((limit) => keyOfOwnName(nameOf(tables, limit))),
    progress: tables.progress.get(id) ?? null,
    input: bodyOf(tables, row, 'input'),
    result: bodyOf(tables, row, 'result'),
  }
}

/** {@link storedJob} with its attempts and edges. */
export function detailsOf(tables: Tables, id: number): StoredJobDetails {
  const attempts = [...(tables.attempts.get(id)?.values() ?? [])].sort((a, b) => a.number - b.number)
  return {
    ...storedJob(tables, id),
    attempts: attempts.map((attempt) => ({ ...attempt, worker: nameOf(tables, attempt.worker) })),
    dependsOn: dependenciesOf(tables, id).sort(ascending),
    dependents: [...tables.dependents.membersOf(id)]
      .flatMap(([member, value]) => (value < EDGE_CLOSE ? [member] : []))
      .sort(ascending),
  }
}

/** A job's input or result as JSON text, null where there is none. The flag of the row says where it is kept. */
function bodyOf(tables: Tables, row: JobRow, field: PayloadRow['field']): string | null {
  const isLarge = (row.flags & (field === 'input' ? LARGE_INPUT : LARGE_RESULT)) !== 0
  return isLarge ? (tables.payloads.get(row.id)?.get(field) ?? null) : row[field]
}

/** The idempotency key of a job, as its caller gave it. */
function keyOf(tables: Tables, id: number): string | null {
  for (const key of tables.keysByJob.get(id) ?? []) {
    const row = tables.keys.get(key)
    if (row?.key.startsWith('k:')) return row.key.slice(2)
  }
  return null
}

/** The jobs that a job cannot start before; those that a workflow run waits for are another matter. */
export function dependenciesOf(tables: Tables, id: number): number[] {
  return [...tables.dependents.ownersOf(id)].filter(
    (owner) => (tables.dependents.membersOf(owner).get(id) ?? 0) < EDGE_CLOSE,
  )
}

const ascending = (a: number, b: number): number => a - b
