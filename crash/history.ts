/**
 * What processes said before they died, and what must therefore be true of their store; what handlers did to the
 * world, and what must never be found in that.
 *
 * Owns: the meaning of the lines that `programs/owner.ts` says, and of its ledger.
 */
import { readFileSync } from 'node:fs'
import type { Client } from '../src/client/client.ts'
import type { JobView } from '../src/client/types.ts'

/** Everything that was acknowledged so far, over all lives. */
export class History {
  /** The idempotency keys of the jobs, `-` for none. */
  readonly keys = new Map<number, string>()
  /** Calls that were refused, as `CODE message`. */
  readonly refusals: string[] = []
  readonly #succeeded = new Set<number>()
  readonly #cancelled = new Set<number>()
  readonly #reported = new Map<number, number>()
  /** The newest epoch that somebody opened the store with. */
  epoch = 0
  /** Lines that acknowledge something. */
  acknowledged = 0

  /** Takes in a line. */
  hear(line: string): void {
    const [event, id = '', ...rest] = line.split(' ')
    if (event === 'refused' || event === 'lost') {
      this.refusals.push([id, ...rest].join(' '))
      return
    }
    const job = Number(id)
    this.acknowledged++
    if (event === 'opened') this.epoch = Math.max(this.epoch, job)
    if (event === 'enqueued') this.keys.set(job, rest[0] ?? '-')
    if (event === 'reported') {
      this.#reported.set(job, Math.max(this.#reported.get(job) ?? 0, Number(rest[0])))
      if (rest[1] === 'succeeded') this.#succeeded.add(job)
    }
    if (event === 'controlled' && rest[1] === 'cancelled' && job % 3 === 0) this.#cancelled.add(job)
  }

  /** What of it does not hold in the store any more, as sentences. */
  async missingFrom(client: Client): Promise<string[]> {
    const found: string[] = []
    const jobs = await allJobs(client)
    for (const id of this.keys.keys()) if (!jobs.has(id)) found.push(`job ${id} was enqueued, but is gone`)
    for (const id of this.#succeeded) {
      if (jobs.get(id)?.state !== 'succeeded')
        found.push(`job ${id} had succeeded, but is ${jobs.get(id)?.state}`)
    }
    for (const id of this.#cancelled) {
      if (jobs.get(id)?.state !== 'cancelled')
        found.push(`job ${id} was cancelled, but is ${jobs.get(id)?.state}`)
    }
    for (const [id, attempt] of this.#reported) {
      if ((jobs.get(id)?.attempts ?? 0) < attempt)
        found.push(`attempt ${attempt} of job ${id} was ended, but is not there`)
    }
    return found
  }
}

/** Every job of a store by id. */
export async function allJobs(client: Client): Promise<Map<number, JobView>> {
  const jobs = new Map<number, JobView>()
  let cursor: string | undefined
  do {
    const page = await client.list({
      limit: 1_000,
      order: 'oldest',
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const job of page.jobs) jobs.set(job.id, job)
    cursor = page.next
  } while (cursor !== undefined)
  return jobs
}

/** What contradicts "no job runs twice at once, and attempts are numbered one after another", as sentences. */
export function ledgerProblems(path: string): { problems: string[]; starts: number; interrupted: number } {
  const problems: string[] = []
  const latest = new Map<number, { attempt: number; pid: string; ended: boolean }>()
  let starts = 0
  let ends = 0
  for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
    const [event, id = '', number = '', pid = ''] = line.split(' ')
    const [job, attempt] = [Number(id), Number(number)]
    const before = latest.get(job)
    if (event === 'start') {
      starts++
      if (before !== undefined && !before.ended && before.pid === pid)
        problems.push(`job ${job} ran twice at once`)
      if (attempt <= (before?.attempt ?? 0)) problems.push(`attempt ${attempt} of job ${job} began twice`)
      latest.set(job, { attempt, pid, ended: false })
    } else {
      ends++
      if (before?.attempt !== attempt) problems.push(`attempt ${attempt} of job ${job} ended beside another`)
      latest.set(job, { attempt, pid, ended: true })
    }
  }
  return { problems, starts, interrupted: starts - ends }
}
