/**
 * Load: answers what the engine asks for, from the tables of a memory store.
 */
import type { JobRow } from '../../core/model/job.ts'
import { blankRun, type RunRow } from '../../core/model/journal.ts'
import { NO_LINE } from '../../core/model/line.ts'
import type { Loaded, LoadRequest, WindowRequest } from '../store.ts'
import type { Edges } from './edges.ts'
import type { Tables } from './tables.ts'

/** Everything of the request that exists. */
export function load(tables: Tables, request: LoadRequest): Loaded {
  return {
    jobs: pick(tables.jobs, request.jobs),
    names: pick(tables.names, request.names),
    profiles: [
      ...pick(tables.profiles, request.profiles),
      ...pick(tables.profilesById, request.profilesById),
    ],
    routes: [...pick(tables.routes, request.routes), ...pick(tables.routesById, request.routesById)],
    queues: pick(tables.queues, request.queues),
    fair: pick(tables.fair, request.fair),
    keys: pick(tables.keys, request.keys),
    limits: pick(tables.limits, request.limits),
    holders: rangesOf(tables.holders, request.holders),
    dependents: rangesOf(tables.dependents, request.dependents),
    runs: request.runs.flatMap((job) => runOf(tables, job)),
    windows: request.windows.map((window) => windowOf(tables, window)),
  }
}

/** The row of a run, with the length of its journal. */
function runOf(tables: Tables, job: number): RunRow[] {
  const row = tables.runs.get(job)
  const last = [...(tables.journal.get(job)?.keys() ?? [])].at(-1)
  if (row === undefined && last === undefined) return []
  const known = row ?? blankRun(job)
  return [{ ...known, length: Math.max(known.start, (last ?? -1) + 1), news: 0 }]
}

function pick<K, R>(table: ReadonlyMap<K, R>, keys: readonly K[]): R[] {
  const rows: R[] = []
  for (const key of keys) {
    const row = table.get(key)
    if (row !== undefined) rows.push(row)
  }
  return rows
}

function rangesOf(edges: Edges, owners: readonly number[]): [number, number, number][] {
  const members: [number, number, number][] = []
  for (const owner of owners) {
    for (const [member, value] of edges.membersOf(owner)) members.push([owner, member, value])
  }
  return members
}

function windowOf(tables: Tables, { line, after, count }: WindowRequest): Loaded['windows'][number] {
  if (line === NO_LINE) return { jobs: [], exhausted: true }
  const jobs: JobRow[] = []
  for (const id of tables.line(line).from(after)) {
    if (jobs.length === count) return { jobs, exhausted: false }
    jobs.push(tables.jobs.get(id) as JobRow)
  }
  return { jobs, exhausted: true }
}
