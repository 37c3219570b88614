/**
 * Specs: what callers hand to `enqueue` and `import`, checked and turned into what the core takes.
 */
import { createHash } from 'node:crypto'
import type { NewEdge, NewJob } from '../../core/commands/enqueue.ts'
import type { PastEntry, PastJob } from '../../core/commands/import.ts'
import {
  ENTRY_NAMES,
  ENTRY_STATES,
  type EntryKind,
  type EntryState,
  entryKindOf,
  entryStateOf,
} from '../../core/model/journal.ts'
import { unknownState } from '../../core/model/refusal.ts'
import { HELD, READY, stateCode } from '../../core/model/states.ts'
import { EDGE_CANCEL, EDGE_FAIL, EDGE_RUN } from '../../core/policy/finish.ts'
import { hintText } from '../../core/policy/hints.ts'
import { FOR_EVER, type KeyClaim, WHILE_LIVE } from '../../core/policy/keys.ts'
import { INLINE_VALUE, MOST_DEPENDENCIES, MOST_JOBS, MOST_LIMITS } from '../../core/policy/sizes.ts'
import type { ImportedEntry, ImportedJob } from '../client.ts'
import type { Dependency, JobSpec, LimitUse } from '../types.ts'
import type { Profiles } from './profiles.ts'
import {
  checkArray,
  checkIds,
  checkInteger,
  checkKey,
  checkKeys,
  checkMetadata,
  checkMs,
  checkName,
  checkObject,
  checkOneOf,
  checkPriority,
  encodeValue,
  invalid,
  tooLarge,
} from './validate.ts'

const SPEC = new Set([
  'kind',
  'input',
  'queue',
  'namespace',
  'priority',
  'delayMs',
  'dueAt',
  'key',
  'onConflict',
  'keyWindowMs',
  'unique',
  'fairKey',
  'limits',
  'after',
  'parent',
  'metadata',
  'options',
  'hint',
])
const PAST = new Set([...SPEC, 'createdAt', 'state', 'finishedAt', 'result', 'history', 'journal'])
const ENTRY = new Set(['sequence', 'position', 'kind', 'state', 'name', 'value', 'at'])
const ENTRY_WORDS = Object.values(ENTRY_NAMES)
const HINT = new Set(['durationMs', 'path'])
const PAST_OUTCOMES = ['succeeded', 'failed', 'cancelled', 'lost', 'timeout', 'released', 'snoozed'] as const
const POLICIES = ['use-existing', 'replace', 'refuse'] as const
const EDGES = { fail: EDGE_FAIL, cancel: EDGE_CANCEL, run: EDGE_RUN } as const
const DAY_MS = 86_400_000

/** Checks the number of jobs of a call. */
export function checkCount(jobs: readonly unknown[]): void {
  if (!Array.isArray(jobs)) throw invalid('jobs', 'an array', jobs)
  if (jobs.length > MOST_JOBS) throw tooLarge('jobs', `${MOST_JOBS} jobs a call`, `${jobs.length} jobs`)
}

/** One job of an enqueue. `size` is the number of jobs of the call. */
export function readSpec(spec: JobSpec, size: number, profiles: Profiles, now: number): NewJob {
  checkSpec(spec, SPEC)
  return readJob(spec, size, profiles, now)
}

function checkSpec(spec: unknown, allowed: ReadonlySet<string>): void {
  if (typeof spec !== 'object' || spec === null) throw invalid('jobs', 'an array of objects', spec)
  checkKeys('job', spec, allowed)
}

function readJob(spec: JobSpec, size: number, profiles: Profiles, now: number): NewJob {
  const kind = spec.kind === undefined ? '' : checkName('kind', spec.kind)
  const queue = spec.queue === undefined ? 'default' : checkName('queue', spec.queue)
  const namespace = spec.namespace === undefined ? 'default' : checkName('namespace', spec.namespace)
  const input = encodeValue('input', spec.input)
  const hasClaims = spec.key !== undefined || spec.unique !== undefined
  return {
    route: profiles.route(namespace, queue, kind, spec.options),
    priority: spec.priority === undefined ? 0 : checkPriority(spec.priority),
    dueAt: readDue(spec, now),
    parent: spec.parent === undefined ? 0 : checkInteger('parent', spec.parent, 1, Number.MAX_SAFE_INTEGER),
    fairKey: spec.fairKey === undefined ? null : checkKey('fairKey', spec.fairKey),
    limits: spec.limits === undefined || spec.limits?.length === 0 ? null : readLimits(spec.limits),
    claims: hasClaims ? readClaims(spec, kind, queue, input, now) : null,
    after: spec.after === undefined || spec.after?.length === 0 ? null : readEdges(spec.after, size),
    metadata: spec.metadata === undefined ? null : checkMetadata(spec.metadata),
    input,
    largeInput: input !== null && input.length > INLINE_VALUE,
    hint: spec.hint === undefined ? null : readHint(spec.hint),
  }
}

function readHint(hint: NonNullable<JobSpec['hint']>): string {
  checkKeys('hint', checkObject('hint', hint), HINT)
  const { durationMs = 0, path = '' } = hint
  if (path !== '') checkKey('hint.path', path)
  return hintText({ durationMs: checkMs('hint.durationMs', durationMs), path })
}

function readDue(spec: JobSpec, now: number): number {
  if (spec.delayMs !== undefined && spec.dueAt !== undefined) {
    throw invalid('dueAt', 'absent where delayMs is given', spec.dueAt, "Give either 'delayMs' or 'dueAt'")
  }
  if (spec.dueAt !== undefined) return checkMs('dueAt', spec.dueAt)
  if (spec.delayMs === undefined || checkMs('delayMs', spec.delayMs) === 0) return 0
  return Math.min(Number.MAX_SAFE_INTEGER, now + Math.round(spec.delayMs))
}

function readLimits(limits: readonly LimitUse[]): readonly LimitUse[] {
  checkArray('limits', limits)
  if (limits.length > MOST_LIMITS)
    throw tooLarge('limits', `${MOST_LIMITS} limits`, `${limits.length} limits`)
  for (const { key, max } of limits) {
    checkKey('limits.key', key)
    checkInteger(`limits.${key}.max`, max, 1, 1_000_000)
  }
  return limits
}

function readEdges(after: readonly Dependency[], size: number): NewEdge[] {
  checkArray('after', after)
  if (after.length > MOST_DEPENDENCIES)
    throw tooLarge('after', `${MOST_DEPENDENCIES} jobs`, `${after.length} jobs`)
  return after.map(({ job, index, onFailure }) => {
    if ((job === undefined) === (index === undefined))
      throw invalid('after', "either 'job' or 'index'", job ?? 'neither')
    return {
      job: job === undefined ? 0 : checkInteger('after.job', job, 1, Number.MAX_SAFE_INTEGER),
      index: index === undefined ? -1 : checkInteger('after.index', index, 0, size - 1),
      policy: EDGES[checkOneOf('after.onFailure', onFailure ?? 'fail', ['fail', 'cancel', 'run'])],
    }
  })
}

function readClaims(
  spec: JobSpec,
  kind: string,
  queue: string,
  input: string | null,
  now: number,
): KeyClaim[] {
  const claims: KeyClaim[] = []
  if (spec.key !== undefined) {
    const windowMs = spec.keyWindowMs ?? DAY_MS
    claims.push({
      key: `k:${checkKey('key', spec.key)}`,
      given: spec.key,
      digest: digestOf(kind, queue, input),
      until: windowMs === Infinity ? FOR_EVER : now + checkMs('keyWindowMs', windowMs),
      onConflict: checkOneOf('onConflict', spec.onConflict ?? 'use-existing', POLICIES),
    })
  }
  if (spec.unique !== undefined) {
    const { value, scope, forMs, onConflict } = checkObject('unique', spec.unique)
    checkOneOf('unique.scope', scope, ['live', 'for', 'ever'])
    claims.push({
      key: `u:${kind}:${queue}:${checkKey('unique.value', value)}`,
      given: value,
      digest: '',
      until:
        scope === 'live' ? WHILE_LIVE : scope === 'ever' ? FOR_EVER : now + checkMs('unique.forMs', forMs),
      onConflict: checkOneOf('unique.onConflict', onConflict ?? 'use-existing', POLICIES),
    })
  }
  return claims
}

function digestOf(kind: string, queue: string, input: string | null): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, queue, input]))
    .digest('base64url')
    .slice(0, 22)
}

/** States that a job of another system can have had. */
const PAST_STATES = ['ready', 'scheduled', 'held', 'succeeded', 'failed', 'cancelled']

/** One job of an import. */
export function readPast(past: ImportedJob, size: number, profiles: Profiles, now: number): PastJob {
  checkSpec(past, PAST)
  if (past.after !== undefined)
    throw invalid('after', 'absent in an import', past.after, 'Enqueue what waits for others')
  const state = stateCode(past.state)
  if (state === undefined || (state < HELD && past.state !== 'ready' && past.state !== 'scheduled')) {
    throw unknownState(past.state, PAST_STATES)
  }
  const result = encodeValue('result', past.result)
  return {
    job: readJob(past, size, profiles, now),
    createdAt: checkMs('createdAt', past.createdAt),
    state: past.state === 'ready' || past.state === 'scheduled' ? READY : state,
    finishedAt: past.finishedAt === undefined ? 0 : checkMs('finishedAt', past.finishedAt),
    result,
    largeResult: result !== null && result.length > INLINE_VALUE,
    error: null,
    history: checkArray('history', past.history ?? []).map((attempt) => ({
      number: checkInteger('history.number', attempt.number, 1, Number.MAX_SAFE_INTEGER),
      worker: checkName('history.worker', attempt.worker),
      startedAt: checkMs('history.startedAt', attempt.startedAt),
      endedAt: checkMs('history.endedAt', attempt.endedAt ?? attempt.startedAt),
      outcome: checkOneOf('history.outcome', attempt.outcome, PAST_OUTCOMES),
      error: attempt.error == null ? null : encodeValue('history.error', attempt.error),
    })),
    journal: checkArray('journal', past.journal ?? []).map((entry, index, all) =>
      readEntry(entry, all[index - 1]?.sequence),
    ),
  }
}

/** One row of the journal of an imported run. `before`: the number of the row before it. */
function readEntry(entry: ImportedEntry, before: number | undefined): PastEntry {
  checkKeys('journal', checkObject('journal', entry), ENTRY)
  const { sequence, position, kind, state, name, value, at } = entry
  const least = before === undefined ? 0 : before + 1
  if (sequence !== undefined) checkInteger('journal.sequence', sequence, least, Number.MAX_SAFE_INTEGER)
  if (kind === 'withdraw') checkIds('journal.value', value)
  return {
    position: checkInteger('journal.position', position, -1, Number.MAX_SAFE_INTEGER),
    kind: entryKindOf(checkOneOf('journal.kind', kind, ENTRY_WORDS)) as EntryKind,
    state: entryStateOf(checkOneOf('journal.state', state, ENTRY_STATES)) as EntryState,
    name: name === '' ? name : checkKey('journal.name', name),
    value: value === undefined ? null : encodeValue('journal.value', value),
    at: checkMs('journal.at', at),
    isBehindGap: before !== undefined && sequence !== undefined && sequence > least,
  }
}
