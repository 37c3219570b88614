/**
 * History: what callers and workers were told, held against what the disk has.
 */
import type { Lease, Report } from '../../src/client/client.ts'
import type { Enqueued, JobSpec } from '../../src/client/types.ts'
import type { JobRow } from '../../src/core/model/job.ts'
import { isTerminal, RUNNING, SUCCEEDED } from '../../src/core/model/states.ts'
import { PerdureError } from '../../src/errors.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import type { Batch, Opening } from '../../src/store/store.ts'
import { must } from '../violation.ts'
import type { Knowledge } from './live.ts'
import { checkMove, checkRow } from './rows.ts'

/** One enqueue call, with all of its tries. */
export interface Call {
  readonly number: number
  readonly specs: readonly JobSpec[]
  /** What is known of it: `open` until an answer came; `unknown` when nobody asks again. */
  fate: 'open' | 'done' | 'refused' | 'unknown'
  /** The specs are those of an earlier call, asked for again under their keys. */
  readonly isRepeat: boolean
  /** A try ended in doubt: a later refusal says nothing about that one. */
  wasInDoubt: boolean
  answer: readonly Enqueued[] | undefined
}

/** The tag by which a job is known again, in its input. */
export interface Tag {
  readonly call: number
  readonly index: number
  readonly filler?: string
}

/** Clients read their clock before the engine does. */
const SLACK_MS = 60_000
/** How long a call is remembered. */
const REQUEST_MS = 600_000
/** How long a key is remembered by default. */
const DAY_MS = 86_400_000

/** Codes after which it is open whether a call took effect. */
const IN_DOUBT: ReadonlySet<string> = new Set(['UNAVAILABLE', 'UNKNOWN_OUTCOME'])

/** Whether the answer leaves open what happened. */
export function isInDoubt(error: unknown): boolean {
  return error instanceof PerdureError && IN_DOUBT.has(error.code)
}

export class History implements Knowledge {
  readonly #tables: Tables
  readonly calls = new Map<number, Call>()
  /** Ids of the jobs that were made for each job of each call. */
  readonly #made = new Map<string, number[]>()
  readonly #purged = new Set<number>()
  readonly #madeAt = new Map<number, number>()
  readonly #repeated = new Set<number>()
  readonly #acknowledged = new Set<number>()
  /** What each token was first accepted with. */
  readonly #accepted = new Map<string, string>()
  readonly #expedited = new Set<number>()
  readonly #restarted = new Set<number>()
  readonly #ends = new Map<number, string>()
  #epoch = 0
  #sequence = 0

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** Whether a job was made for this place of this call. */
  isMadeBy(job: number, call: number, index: number): boolean {
    return this.#made.get(`${call}:${index}`)?.includes(job) === true
  }

  mayBeEarly(job: number): boolean {
    return this.#expedited.has(job)
  }

  /** A commit is about to take effect. */
  onLanding(batch: Batch): void {
    must(
      'O1',
      batch.epoch >= this.#epoch,
      () => `a commit of epoch ${batch.epoch} after one of ${this.#epoch}`,
    )
    must(
      'D3',
      batch.sequence === this.#sequence + 1,
      () => `commit ${batch.sequence} after ${this.#sequence}`,
    )
    this.#epoch = batch.epoch
    this.#sequence = batch.sequence
    const large = new Map<number, string>()
    for (const row of batch.payloads)
      if (row.field === 'input' && row.text !== null) large.set(row.job, row.text)
    for (const { before, after } of batch.jobs) {
      checkMove(before, after, false)
      if (after === undefined) continue
      checkRow(after)
      if (before !== undefined) continue
      this.#onMade(after, after.input ?? large.get(after.id))
    }
    for (const job of batch.purged) this.#purged.add(job)
  }

  #onMade({ id, createdAt, dueAt }: JobRow, input: string | undefined): void {
    if (input === undefined) return
    const { call: number, index } = JSON.parse(input) as Partial<Tag>
    if (number === undefined || index === undefined) return
    const asked = this.calls.get(number)?.specs[index] ?? {}
    // an imported job says itself when it was made, by the clock of its caller
    const delayMs = 'createdAt' in asked ? 0 : (asked.delayMs ?? 0)
    // a delay counts from the call, which may have waited; what overflows is long
    const isDelayed = delayMs < 2 ** 31 || dueAt >= createdAt + delayMs * 0.9 || this.mayBeEarly(id)
    must(
      'T4',
      isDelayed,
      () => `job ${id}, delayed by ${delayMs}, is due ${dueAt - createdAt} after its enqueue`,
    )
    const key = `${number}:${index}`
    const ids = this.#made.get(key) ?? []
    this.#made.set(key, ids)
    ids.push(id)
    const call = this.calls.get(number)
    if (call === undefined) return
    must(
      'D6',
      call.fate !== 'refused' || this.#repeated.has(number),
      () => `job ${id} of call ${number} was made after the call had been refused`,
    )
    this.#madeAt.set(id, createdAt)
    const [first = id] = ids
    if (first === id) return
    const spec = call.specs[index]
    const since = createdAt - (this.#madeAt.get(first) ?? 0) + SLACK_MS
    const isForgotten = since > (spec?.keyWindowMs ?? DAY_MS)
    // a message that the network keeps for longer than calls are remembered is another call
    const isAnother = this.#repeated.has(number) || since > REQUEST_MS
    const mayRepeat = isAnother && (spec?.key === undefined || isForgotten || this.#isTakenOver(spec.key))
    must(
      'D9',
      mayRepeat,
      () => `job ${index} of call ${number} was made as job ${first}, and again as job ${id}`,
    )
  }

  /** Whether some call was to take the key away from whoever has it. */
  #isTakenOver(key: string): boolean {
    for (const { specs } of this.calls.values())
      for (const spec of specs) if (spec.key === key && spec.onConflict === 'replace') return true
    return false
  }

  /** A shard is opened: what was acknowledged is there. */
  onOpened({ sequence }: Opening): void {
    must('D3', sequence === this.#sequence, () => `opened at ${sequence}, ${this.#sequence} had landed`)
    for (const id of this.#acknowledged) this.#checkThere('D1', id)
  }

  #checkThere(invariant: 'D1' | 'D2', id: number): void {
    must(
      invariant,
      this.#tables.jobs.has(id) || this.#purged.has(id),
      () => `job ${id} was acknowledged and is not there`,
    )
  }

  /** The engine answers an enqueue; called in the moment in which the answer leaves. */
  enqueued(answer: readonly Enqueued[]): void {
    for (const { id } of answer) {
      this.#checkThere('D2', id)
      this.#acknowledged.add(id)
    }
  }

  /** A call is about to be made. */
  begin(call: Call): void {
    this.calls.set(call.number, call)
    if (call.isRepeat) for (const spec of call.specs) this.#repeated.add((spec.input as Tag).call)
  }

  /** A caller got the answer to a call. */
  settled(call: Call, answer: readonly Enqueued[]): void {
    call.fate = 'done'
    call.answer = answer
    answer.forEach(({ id, created }, index) => {
      const tag = call.specs[index]?.input as Tag
      const made = this.#made.get(`${tag.call}:${tag.index}`) ?? []
      must(
        'D9',
        !created || made.includes(id),
        () => `call ${call.number} was told that it made job ${id}; its jobs are ${made.join(', ')}`,
      )
      const spec = call.specs[index] as JobSpec
      if (!created && spec.key !== undefined && spec.unique === undefined)
        must(
          'D9',
          made.includes(id),
          () => `call ${call.number} was told of job ${id} under the key ${spec.key}, which has another body`,
        )
      if (created || call.isRepeat || this.#repeated.has(call.number)) return
      must(
        'D9',
        made.length === 0,
        () => `call ${call.number} was told of job ${id}, but made ${made.join(', ')}`,
      )
    })
  }

  /** A caller was told that a call did not take effect. */
  refused(call: Call): void {
    if (call.wasInDoubt || call.isRepeat) {
      call.fate = 'unknown'
      return
    }
    call.fate = 'refused'
    if (this.#repeated.has(call.number)) return
    const made = call.specs.flatMap((_, index) => this.#made.get(`${call.number}:${index}`) ?? [])
    must('D6', made.length === 0, () => `call ${call.number} was refused, but made jobs ${made.join(', ')}`)
  }

  /** The engine hands leases out. */
  granted(leases: Lease[]): Lease[] {
    for (const { job, attempt, token } of leases) {
      const row = this.#tables.jobs.get(job)
      const isThere =
        row === undefined
          ? this.#purged.has(job)
          : row.attempt > attempt ||
            (row.attempt === attempt && (row.state !== RUNNING || token.endsWith(`.${row.nonce}`)))
      must('D2', isThere, () => `lease ${job}.${attempt} left before it was durable`)
    }
    return leases
  }

  /** The engine answers reports. */
  reported(reports: readonly Report[], accepted: boolean[]): boolean[] {
    reports.forEach(({ token, outcome }, index) => {
      if (accepted[index] !== true) return
      // the same report may be told again
      const said = JSON.stringify(outcome)
      const before = this.#accepted.get(token) ?? said
      must('L2', before === said, () => `${token} was accepted as ${before}, and again as ${said}`)
      this.#accepted.set(token, said)
      const [job = 0, attempt = 0] = token.split('.').map(Number)
      const row = this.#tables.jobs.get(job)
      if (row === undefined) {
        must('D2', this.#purged.has(job), () => `job ${job} is not there, but its report was accepted`)
        return
      }
      const isOver = row.attempt > attempt || row.state !== RUNNING
      must('D2', isOver, () => `the report of ${token} was accepted before it was durable`)
      if (outcome.type !== 'succeeded' || row.attempt !== attempt) return
      must(
        'K3',
        row.state === SUCCEEDED,
        () => `the success of ${token} was accepted, the job is in state ${row.state}`,
      )
    })
    return accepted
  }

  /** A caller asks for something that excuses what would else be a violation. */
  asked(verb: string, job: number): void {
    if (verb === 'expedite' || verb === 'release') this.#expedited.add(job)
    if (verb === 'restart') this.#restarted.add(job)
  }

  /** The engine answers a cancel. */
  cancelled(job: number): void {
    const row = this.#tables.jobs.get(job)
    if (row === undefined || this.#restarted.has(job)) return
    const isTold = row.cancelAt !== 0 || isTerminal(row.state)
    must('K3', isTold, () => `the cancel of job ${job} was acknowledged and is not there`)
  }

  /** A reader sees the end of a job. */
  ended(job: number, end: unknown): void {
    if (this.#restarted.has(job)) return
    const text = JSON.stringify(end)
    const known = this.#ends.get(job)
    this.#ends.set(job, text)
    must('L8', known === undefined || known === text, () => `job ${job} ended as ${known}, then as ${text}`)
  }
}
