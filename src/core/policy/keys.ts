/**
 * Keys: idempotency and uniqueness of enqueues. Decides whether a key is taken, and what follows.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import { blankJob, HAS_KEY, HAS_UNDO, type JobRow } from '../model/job.ts'
import { type KeyRow, keyId, type RouteRow } from '../model/rows.ts'
import { CANCELLED, isTerminal, RUNNING, SUSPENDED, stateName } from '../model/states.ts'
import type { View } from '../view.ts'
import { type Ending, end, type FinishTables } from './finish.ts'

/** Remembered for ever. */
export const FOR_EVER = Number.MAX_SAFE_INTEGER
/** Remembered while the job is live. */
export const WHILE_LIVE = 0

/** A key that an enqueue claims. */
export interface KeyClaim {
  /** With its prefix: `k:` idempotency, `u:` uniqueness, `r:` request. Signals have `s:`. */
  readonly key: string
  /** As the caller gave it, for messages. */
  readonly given: string
  /** Digest of the call; empty where another body is no conflict (uniqueness). */
  readonly digest: string
  /** Epoch ms, {@link WHILE_LIVE} or {@link FOR_EVER}. */
  readonly until: number
  readonly onConflict: 'use-existing' | 'replace' | 'refuse'
}

/** What the claims of a job met: the id of the job to use instead, a refusal, or the jobs that it replaces. */
type ClaimOutcome =
  | { readonly existing: number }
  | { readonly refusal: PerdureError }
  | { readonly replaced: readonly JobRow[] }

type Tables = Pick<View, 'keys' | 'jobs'>

/**
 * The row under a key, if it still counts: for its window whatever has become of its job, so that a call that is
 * repeated is answered with the job of the first, deleted or not (D9); without a window as long as the job is live.
 *
 * @param replaced Jobs that are about to end.
 */
export function takenBy(
  view: Tables,
  namespace: number,
  key: string,
  now: number,
  replaced: readonly JobRow[] = [],
): KeyRow | undefined {
  const row = view.keys.get(keyId(namespace, key))
  if (row === undefined) return undefined
  if (row.until !== WHILE_LIVE) return row.until > now ? row : undefined
  const job = view.jobs.get(row.job)
  const isLive = job !== undefined && !isTerminal(job.state) && !replaced.includes(job)
  return isLive ? row : undefined
}

/**
 * Tries the claims of a job against what is there. Nothing is written: the caller ends what is replaced.
 * A job that has to be used instead wins over replacing others.
 */
function tryClaims(view: Tables, namespace: number, claims: readonly KeyClaim[], now: number): ClaimOutcome {
  const replaced: JobRow[] = []
  // Replacing ones first: what they end is not in the way of the others.
  for (const claim of claims) {
    if (claim.onConflict !== 'replace') continue
    const row = takenBy(view, namespace, claim.key, now, replaced)
    const job = row === undefined ? undefined : view.jobs.get(row.job)
    if (row === undefined || job === undefined || isTerminal(job.state)) continue
    if (hasBegun(job)) {
      return { refusal: conflict(row, claim, `job ${row.job}, which is ${stateName(job.state)}`) }
    }
    if (!replaced.includes(job)) replaced.push(job)
  }
  for (const claim of claims) {
    if (claim.onConflict === 'replace') continue
    const row = takenBy(view, namespace, claim.key, now, replaced)
    if (row === undefined) continue
    const sameCall = claim.digest === '' || row.digest === claim.digest
    if (claim.onConflict === 'use-existing' && sameCall) return { existing: row.job }
    return { refusal: conflict(row, claim, sameCall ? `job ${row.job}` : `job ${row.job} with another body`) }
  }
  return { replaced }
}

/** Whether it is too late to put another job in its place: it runs, or is a workflow run that would leave things half done. */
function hasBegun({ state, flags }: JobRow): boolean {
  return state === RUNNING || state === SUSPENDED || (flags & HAS_UNDO) !== 0
}

/**
 * Remembers a key for a job that was just created; of a uniqueness while live also which job has it, since the key
 * may go to another one once this one has ended, and a restart has to ask for it again.
 */
export function remember(view: Pick<View, 'keys'>, namespace: number, claim: KeyClaim, job: number): void {
  view.keys.put({ namespace, key: claim.key, job, digest: claim.digest, until: claim.until })
  if (claim.until !== WHILE_LIVE) return
  view.keys.put({ namespace, key: uniquenessOf(job), job, digest: claim.key, until: WHILE_LIVE })
}

/** The key of the row that tells the uniqueness of a job, as its digest. */
const uniquenessOf = (job: number): string => `j:${job}`

/** Claims the uniqueness of an ended job again that is about to be live. Answers a refusal where another job has it. */
export function claimAgain(
  view: Tables,
  namespace: number,
  job: JobRow,
  now: number,
): PerdureError | undefined {
  if ((job.flags & HAS_KEY) === 0) return undefined
  const key = view.keys.get(keyId(namespace, uniquenessOf(job.id)))?.digest
  if (key === undefined) return undefined
  const row = takenBy(view, namespace, key, now)
  // never its own: a job that has ended holds no uniqueness
  if (row !== undefined) {
    return perdureError('DUPLICATE', {
      expected: `the uniqueness of job ${job.id} to be free for its restart`,
      found: `job ${row.job}`,
      fix: 'Wait for that job, or cancel it',
      data: { job: row.job },
    })
  }
  view.keys.put({ namespace, key, job: job.id, digest: '', until: WHILE_LIVE })
  return undefined
}

/** How a job ends whose key another one takes over. */
export const REPLACED: Ending = {
  state: CANCELLED,
  result: null,
  error: JSON.stringify({
    code: 'CANCELLED',
    message: 'The job was cancelled: a later enqueue with the same key replaced it before it started.',
  }),
}

/** What the claims of a call led to. */
export interface Claimed {
  /** Per position: a new id, or that of the job which already has its key. */
  readonly ids: number[]
  readonly created: boolean[]
  /** Rows of jobs that were replaced, and limits that they held: the caller has to conclude their end. */
  readonly ended: JobRow[]
  readonly freed: number[]
}

/** Gives each job of a call its id, and ends those that are replaced. A replaced job of the call itself is a blank, ended row. */
export function claimKeys(
  view: FinishTables & Pick<View, 'keys' | 'nextJobId'>,
  jobs: readonly { readonly claims: readonly KeyClaim[] | null }[],
  routes: readonly RouteRow[],
  now: number,
): Claimed | PerdureError {
  needKeys(view, jobs, routes)
  const claimed: Claimed = { ids: [], created: [], ended: [], freed: [] }
  for (let i = 0; i < jobs.length; i++) {
    const claims = jobs[i]?.claims ?? NO_CLAIMS
    const { id: route, namespace } = routes[i] as RouteRow
    const outcome = claims.length === 0 ? NOTHING_TAKEN : tryClaims(view, namespace, claims, now)
    if ('refusal' in outcome) return outcome.refusal
    claimed.created.push(!('existing' in outcome))
    if ('existing' in outcome) {
      claimed.ids.push(outcome.existing)
      continue
    }
    for (const job of outcome.replaced) claimed.ended.push(end(view, job, REPLACED, now, claimed.freed))
    const id = view.nextJobId()
    claimed.ids.push(id)
    // The row is written early, so that a later job of the same call sees whose key it is.
    if (claims.length > 0) view.jobs.put(blankJob(id, route, now))
    for (const claim of claims) remember(view, namespace, claim, id)
  }
  return claimed
}

const NO_CLAIMS: readonly KeyClaim[] = []
const NOTHING_TAKEN: ClaimOutcome = { replaced: [] }

function needKeys(
  view: Tables,
  jobs: readonly { readonly claims: readonly KeyClaim[] | null }[],
  routes: readonly RouteRow[],
): void {
  const keys: string[] = []
  for (let i = 0; i < jobs.length; i++) {
    for (const claim of jobs[i]?.claims ?? NO_CLAIMS)
      keys.push(keyId((routes[i] as RouteRow).namespace, claim.key))
  }
  if (keys.length === 0) return
  view.keys.need(keys)
  const owners: number[] = []
  for (const key of keys) {
    const row = view.keys.get(key)
    if (row !== undefined) owners.push(row.job)
  }
  view.jobs.need(owners)
}

function conflict(row: KeyRow, claim: KeyClaim, found: string): PerdureError {
  const unique = claim.key.startsWith('u:')
  return perdureError(unique ? 'DUPLICATE' : 'KEY_CONFLICT', {
    expected: `${unique ? 'uniqueness' : 'key'} '${claim.given}' to be free, or to belong to the same call`,
    found,
    fix: unique
      ? "Wait for that job, or enqueue with onConflict 'use-existing'"
      : 'Use another key for another job',
    data: { job: row.job },
  })
}
