/**
 * Workers and what they run: the open sessions beside the leases that are granted.
 *
 * Never does: keeping anything; both are known already.
 */
import type { Candidate } from '../../core/policy/placement.ts'
import type { JobView, RunningView, WorkerView } from '../types.ts'
import type { EmbeddedSession } from './session.ts'

/** The workers that serve a queue and kind, as far as they have said what they serve. */
export function candidatesFor(
  { queue, kind }: { readonly queue: string; readonly kind: string },
  sessions: Iterable<EmbeddedSession>,
): Candidate[] {
  const candidates: Candidate[] = []
  for (const session of sessions) {
    if (session.serves(queue, kind)) candidates.push(session.placement)
  }
  return candidates
}

/**
 * All workers by name. One that holds leases without being connected is shown as well: whoever looks for a job that
 * seems to hang looks for it.
 */
export function workersOf(sessions: Iterable<EmbeddedSession>, running: readonly JobView[]): WorkerView[] {
  const held = new Map<string, RunningView[]>()
  for (const { id: job, kind, queue, attempts: attempt, startedAt, worker } of running) {
    if (worker === null) continue
    const claims = held.get(worker) ?? []
    held.set(worker, claims)
    claims.push({ job, kind: kind ?? '', queue, attempt, startedAt: startedAt ?? 0 })
  }
  const views: WorkerView[] = []
  for (const { info, status } of sessions) {
    const { name, host, pid } = info
    views.push({ name, host, pid, status: status ?? null, running: held.get(name) ?? [] })
    held.delete(name)
  }
  for (const [name, claims] of held)
    views.push({ name, host: null, pid: null, status: null, running: claims })
  return views.sort((a, b) => (a.name < b.name ? -1 : 1))
}
