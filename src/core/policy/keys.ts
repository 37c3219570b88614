/**
 * Keys: idempotency and uniqueness of enqueues. Decides whether a key is taken, and what follows.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import type { JobRow } from '../model/job.ts'
import { type KeyRow, keyId } from '../model/rows.ts'
import { CANCELLED, isTerminal, RUNNING, stateName } from '../model/states.ts'
import type { View } from '../view.ts'
import { type FinishTables, finish } from './finish.ts'

/** Remembered for ever. */
export const FOR_EVER = Number.MAX_SAFE_INTEGER
/** Remembered while the job is live. */
export const WHILE_LIVE = 0

/** A key that an enqueue claims. */
export interface KeyClaim {
  /** With its prefix: `k:` idempotency, `u:` uniqueness, `r:` request. */
  readonly key: string
  /** Digest of the call; empty where another body is no conflict (uniqueness). */
  readonly digest: string
  /** Epoch ms, {@link WHILE_LIVE} or {@link FOR_EVER}. */
  readonly until: number
  readonly onConflict: 'use-existing' | 'replace' | 'refuse'
}

/** What a claim met: the id of the job to use instead, a refusal, or nothing in its way. */
export type ClaimOutcome = { readonly existing: number } | { readonly refusal: PerdureError } | undefined

/** The row under a key, if it still counts. A key whose job was deleted is free, unless it is for ever. */
export function takenBy(view: Pick<View, 'keys' | 'jobs'>, namespace: number, key: string, now: number) {
  const row = view.keys.get(keyId(namespace, key))
  if (row === undefined) return undefined
  if (row.until === FOR_EVER) return row
  const job = view.jobs.get(row.job)
  if (job === undefined) return undefined
  const counts = row.until === WHILE_LIVE ? !isTerminal(job.state) : row.until > now
  return counts ? row : undefined
}

/** Tries a claim against what is there. `replace` ends a job that has not started and frees its key. */
export function tryClaim(
  view: FinishTables & Pick<View, 'keys'>,
  namespace: number,
  claim: KeyClaim,
  now: number,
): ClaimOutcome {
  const row = takenBy(view, namespace, claim.key, now)
  if (row === undefined) return undefined
  const job = view.jobs.get(row.job)
  if (claim.onConflict === 'replace') return replace(view, row, job, claim, now)
  const sameCall = claim.digest === '' || row.digest === claim.digest
  if (claim.onConflict === 'use-existing' && sameCall) return { existing: row.job }
  return { refusal: conflict(row, claim, sameCall ? `job ${row.job}` : `job ${row.job} with another body`) }
}

/** Remembers a key for a job that was just created. */
export function remember(view: Pick<View, 'keys'>, namespace: number, claim: KeyClaim, job: number): void {
  view.keys.put({ namespace, key: claim.key, job, digest: claim.digest, until: claim.until })
}

function replace(
  view: FinishTables,
  row: KeyRow,
  job: JobRow | undefined,
  claim: KeyClaim,
  now: number,
): ClaimOutcome {
  if (job === undefined || isTerminal(job.state)) return undefined
  if (job.state === RUNNING) {
    return { refusal: conflict(row, claim, `job ${row.job}, which is ${stateName(job.state)}`) }
  }
  finish(view, job, { state: CANCELLED, result: null, error: REPLACED }, now)
  return undefined
}

const REPLACED = JSON.stringify({
  code: 'CANCELLED',
  message: 'The job was cancelled: a later enqueue with the same key replaced it before it started.',
})

function conflict(row: KeyRow, claim: KeyClaim, found: string): PerdureError {
  const unique = claim.key.startsWith('u:')
  return perdureError(unique ? 'DUPLICATE' : 'KEY_CONFLICT', {
    expected: `${unique ? 'uniqueness' : 'key'} '${claim.key.slice(2)}' to be free, or to belong to the same call`,
    found,
    fix: unique
      ? "Wait for that job, or enqueue with onConflict 'use-existing'"
      : 'Use another key for another job',
    data: { job: row.job },
  })
}
