/**
 * The session of a worker that speaks to an engine in this process.
 */

import type { EncodedOutcome } from '../../core/commands/report.ts'
import { beganAtOf, type JobRow, LARGE_INPUT } from '../../core/model/job.ts'
import type { LogStream } from '../../core/model/outcome.ts'
import { INLINE_VALUE, MOST_ERROR, MOST_KEY, MOST_VALUE } from '../../core/policy/sizes.ts'
import type { Poll } from '../../engine/dispatcher.ts'
import type { Engine } from '../../engine/engine.ts'
import { Placement } from '../../engine/placement.ts'
import type { ErrorRecord } from '../../errors.ts'
import { errorRecord, PerdureError, perdureError } from '../../errors.ts'
import type { LogBook } from '../../runtime/logger/book.ts'
import type { LogRecord } from '../../runtime/logger/record.ts'
import type {
  Lease,
  PollRequest,
  Report,
  StopNotice,
  WorkerInfo,
  WorkerNotice,
  WorkerSession,
} from '../client.ts'
import { readAttributes } from '../requirements.ts'
import type { WorkerStatus } from '../types.ts'
import type { RunAnswer, RunQuestion } from '../workflows.ts'
import type { Profiles } from './profiles.ts'
import type { Answerer } from './questions.ts'
import { addOutput, addRecords, attributesOf } from './tail.ts'
import { parseToken } from './token.ts'
import {
  checkArray,
  checkInteger,
  checkName,
  checkObject,
  checkOneOf,
  checkPriority,
  encodeValue,
  invalid,
} from './validate.ts'
import { EmbeddedWorkflows, type Runs } from './workflows.ts'

/** How a cancel that is under way was asked for. */
export interface StopOptions {
  readonly graceMs: number | undefined
  readonly signal: string | undefined
}

export class EmbeddedSession implements WorkerSession, Answerer {
  readonly #engine: Engine
  readonly #book: LogBook
  readonly info: WorkerInfo
  readonly workflows: EmbeddedWorkflows
  /** What the worker said last. */
  status: WorkerStatus | undefined
  readonly #name: string
  readonly #isLocal: boolean
  readonly #listeners = new Set<(notice: WorkerNotice) => void>()
  readonly #unlisten: () => void
  readonly #onClose: (session: EmbeddedSession) => void
  /** What it can take. */
  readonly placement = new Placement((paths) => this.#look(paths))
  /** Paths that it was asked about last. */
  #looked: readonly string[] = []
  /** Polls that wait, and how to end each with nothing. */
  readonly #polls = new Map<Poll, () => void>()
  /** The interned number of the worker's name, once a lease has told it. */
  #worker = 0
  /** Leases that the worker may not have seen yet, and notices that must not overtake them. */
  readonly #onTheWay = new Set<readonly Lease[]>()
  #early: StopNotice[] = []
  #isClosed = false

  constructor(
    engine: Engine,
    book: LogBook,
    info: WorkerInfo,
    isLocal: boolean,
    profiles: Profiles,
    runsOf: (session: EmbeddedSession) => Runs,
    stopOptions: (job: number) => StopOptions | undefined,
    onClose: (session: EmbeddedSession) => void,
  ) {
    this.#engine = engine
    this.#book = book
    this.info = info
    this.workflows = new EmbeddedWorkflows(engine, profiles, runsOf(this))
    this.#name = checkName('name', info.name)
    this.#isLocal = isLocal
    this.#onClose = onClose
    this.#unlisten = engine.announcer.onStop((job, graceMs) => this.#stop(job, graceMs, stopOptions(job.id)))
  }

  serves(queue: string, kind: string): boolean {
    const { status } = this
    return status === undefined || (status.queues.includes(queue) && status.kinds.includes(kind))
  }

  ask(question: Omit<RunQuestion, 'token'>, signal: AbortSignal): Promise<RunAnswer | undefined> {
    return this.workflows.ask(question, signal)
  }

  async poll(request: PollRequest, signal?: AbortSignal): Promise<Lease[]> {
    if (this.#isClosed) throw closed()
    checkObject('request', request)
    if (signal?.aborted) return []
    const slots = checkInteger('slots', request.slots, 1, 100_000)
    checkArray('queues', request.queues, checkName)
    checkArray('kinds', request.kinds, checkName)
    const below = request.below === undefined ? {} : { below: checkPriority(request.below) }
    return new Promise((resolve, reject) => {
      let leases: Lease[] = []
      const poll: Poll = {
        queues: request.queues,
        kinds: request.kinds,
        slots,
        worker: this.#name,
        isLocal: this.#isLocal,
        placement: this.placement,
        ...below,
        granted: (jobs) => {
          leases = jobs.map((job) => this.#leaseOf(job))
        },
        deliver: (jobs) => {
          this.#polls.delete(poll)
          signal?.removeEventListener('abort', abort)
          if (signal?.aborted || this.#isClosed) resolve(this.#giveBack(jobs))
          else this.#lease(jobs, leases, resolve, reject)
        },
        fail: (error) => {
          this.#polls.delete(poll)
          signal?.removeEventListener('abort', abort)
          reject(error)
        },
      }
      const abort = (): void => {
        if (!this.#engine.unpoll(poll)) return
        this.#polls.delete(poll)
        resolve([])
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#polls.set(poll, abort)
      this.#engine.poll(poll)
      // it is tried in the turn that this asks for; what is on its way by then is delivered
      if (request.once === true) this.#engine.surroundings.defer(abort)
    })
  }

  #lease(
    jobs: readonly JobRow[],
    leases: Lease[],
    resolve: (leases: Lease[]) => void,
    reject: (error: unknown) => void,
  ): void {
    this.#worker = jobs[0]?.worker ?? this.#worker
    this.#onTheWay.add(leases)
    const arrive = (arrived: Lease[]): void => {
      resolve(arrived)
      this.#engine.surroundings.defer(() => this.#arrived(leases))
    }
    if (jobs.every((job) => (job.flags & LARGE_INPUT) === 0)) {
      arrive(leases)
      return
    }
    const loads = jobs.map(async (job, index) => {
      const lease = leases[index] as Lease
      if ((job.flags & LARGE_INPUT) === 0) return lease
      const input = await this.#engine.reads.payload(job.id, 'input')
      return { ...lease, input: input ?? undefined }
    })
    Promise.all(loads).then(arrive, reject)
  }

  /** What a lease tells of a job. Only in the moment of the grant is what it looks at sure to be in memory. */
  #leaseOf(job: JobRow): Lease {
    const { workingSet } = this.#engine
    const route = workingSet.routeById(job.route)
    const profile = workingSet.profileById(route.profile)
    const { startToCloseMs, scheduleToCloseMs, heartbeatMs, graceMs } = profile.timeouts
    const left =
      scheduleToCloseMs === 0 || job.cancelAt !== 0
        ? Infinity
        : Math.max(1, beganAtOf(job) + scheduleToCloseMs - job.startedAt)
    const limit = Math.min(startToCloseMs === 0 ? Infinity : startToCloseMs, left)
    return {
      job: job.id,
      kind: workingSet.nameOf(route.kind),
      queue: workingSet.nameOf(route.queue),
      namespace: workingSet.nameOf(route.namespace),
      attempt: job.attempt,
      attemptSinceRestart: job.tries,
      isLastAttempt: job.tries >= profile.retry.attempts || profile.retry.on === 'lost',
      token: `${job.id}.${job.attempt}.${job.nonce}`,
      input: job.input ?? undefined,
      priority: job.priority,
      metadata: job.metadata === null ? NO_METADATA : (JSON.parse(job.metadata) as Record<string, string>),
      startToCloseMs: limit === Infinity ? 0 : limit,
      heartbeatMs,
      graceMs,
      ...(profile.command === undefined ? {} : { command: profile.command }),
    }
  }

  /** Leases that nobody takes any more go back without burning an attempt. */
  #giveBack(jobs: readonly JobRow[]): Lease[] {
    for (const job of jobs) this.#release(job)
    return []
  }

  /** Tries until it is written, or the engine has ended: some leases never run out, so nobody else would end them. */
  #release(job: JobRow): void {
    this.#post(job.id, job.attempt, job.nonce as string, { type: 'released' }, (reply) => {
      if (reply instanceof PerdureError && reply.retryable)
        this.#engine.surroundings.after(RELEASE_AGAIN_MS, () => this.#release(job))
    })
  }

  async report(reports: readonly Report[]): Promise<boolean[]> {
    checkArray('reports', reports)
    if (reports.length === 0) return []
    return new Promise((resolve, reject) => {
      const answers = new Array<boolean>(reports.length).fill(false)
      let left = reports.length
      let failure: PerdureError | undefined
      reports.forEach((report, index) => {
        const answer = (reply: unknown): void => {
          if (reply instanceof PerdureError) failure = reply
          else answers[index] = reply as boolean
          if (--left > 0) return
          if (failure === undefined) resolve(answers)
          else reject(failure)
        }
        const parts = parseToken(report.token)
        if (parts === undefined) answer(false)
        else
          this.#post(
            parts.job,
            parts.attempt,
            parts.nonce,
            encodeOutcome(this.#isLocal ? report : { outcome: report.outcome }),
            answer,
          )
      })
    })
  }

  #post(
    job: number,
    attempt: number,
    nonce: string,
    outcome: EncodedOutcome,
    done: (reply: unknown) => void,
  ): void {
    const random = outcome.type === 'failed' ? this.#engine.surroundings.random() : 0
    this.#engine.post({ type: 'report', job, attempt, nonce, outcome, random }, done)
  }

  async heartbeat(tokens: readonly string[]): Promise<{ lost: string[] }> {
    const now = this.#engine.now()
    const lost = checkArray('tokens', tokens, () => true).filter((token) => {
      const parts = parseToken(token)
      return parts === undefined || !this.#engine.leases.renew(parts.job, parts.attempt, parts.nonce, now)
    })
    return { lost }
  }

  async log(entries: readonly { token: string; stream: LogStream; text: string }[]): Promise<void> {
    const byToken = new Map<string, { stream: string; text: string }[]>()
    checkArray('entries', entries)
    for (const { token, stream, text } of entries) {
      if (typeof text !== 'string') throw invalid('text', 'a text', text)
      checkOneOf('stream', stream, ['stdout', 'stderr', 'log'])
      const list = byToken.get(token)
      if (list === undefined) byToken.set(token, [{ stream, text }])
      else list.push({ stream, text })
    }
    await Promise.all(
      [...byToken].map(async ([token, pieces]) => {
        const parts = parseToken(token)
        if (parts === undefined) return
        const { job, attempt } = parts
        // read before: a job whose end comes right behind its output leaves memory with it
        const attributes = { ...attributesOf(this.#engine, job), job, attempt, worker: this.#name }
        const isKept = await this.#engine.submit({ type: 'log', ...parts, entries: pieces })
        if (isKept) addOutput(this.#book, { ...attributes, at: this.#engine.now() }, pieces)
      }),
    )
  }

  async record(records: readonly LogRecord[]): Promise<void> {
    addRecords(this.#book, this.#name, records)
  }

  progress(token: string, fraction: number, message?: string): void {
    const parts = parseToken(token)
    if (parts === undefined || !(fraction >= 0 && fraction <= 1)) return
    this.#engine.post(
      { type: 'progress', ...parts, fraction, message: message?.slice(0, 1_000) ?? null },
      () => {},
    )
  }

  onNotice(listener: (notice: WorkerNotice) => void): void {
    this.#listeners.add(listener)
    if (this.#looked.length > 0) listener({ type: 'look', paths: this.#looked })
  }

  tell(status: WorkerStatus): void {
    const { attributes, paths } = checkObject('status', status)
    const read = attributes === undefined ? undefined : readAttributes(attributes)
    const isNew = this.placement.learn(read, paths === undefined ? {} : checkObject('status.paths', paths))
    this.status = status
    if (isNew) this.#engine.retry(this.#polls.keys())
    this.workflows.ready()
  }

  #look(paths: readonly string[]): void {
    this.#looked = paths
    for (const listener of this.#listeners) listener({ type: 'look', paths })
  }

  #stop(job: JobRow, graceMs: number, options: StopOptions | undefined): void {
    if (job.worker !== this.#worker) return
    const notice: StopNotice = {
      type: 'stop',
      token: `${job.id}.${job.attempt}.${job.nonce}`,
      reason: 'cancel',
      graceMs: options?.graceMs ?? graceMs,
      ...(options?.signal === undefined ? {} : { signal: options.signal }),
    }
    if (this.#isOnTheWay(notice.token)) this.#early.push(notice)
    else for (const listener of this.#listeners) listener(notice)
  }

  #arrived(leases: readonly Lease[]): void {
    this.#onTheWay.delete(leases)
    const early = this.#early
    if (early.length === 0) return
    this.#early = early.filter((notice) => this.#isOnTheWay(notice.token))
    for (const notice of early) {
      if (!this.#isOnTheWay(notice.token)) for (const listener of this.#listeners) listener(notice)
    }
  }

  #isOnTheWay(token: string): boolean {
    for (const leases of this.#onTheWay) if (leases.some((lease) => lease.token === token)) return true
    return false
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#unlisten()
    this.workflows.close()
    for (const end of [...this.#polls.values()]) end()
    if (this.#isLocal && this.#worker !== 0) this.#engine.loseWorker(this.#worker)
    this.#onClose(this)
  }
}

/** Before a release that could not be written is tried again, ms. */
const RELEASE_AGAIN_MS = 500

const NO_METADATA: Readonly<Record<string, string>> = {}

/** An outcome with its values as JSON text. One that is malformed, or cannot be written, becomes a failure that says so. */
function encodeOutcome(report: Omit<Report, 'token'>): EncodedOutcome {
  try {
    return encodeKnown(report)
  } catch (error) {
    return {
      type: 'failed',
      error: encodeError(errorRecord(error)),
      result: null,
      large: false,
      retry: false,
      retryAfterMs: undefined,
      lost: false,
    }
  }
}

function encodeKnown({ outcome, resultText }: Omit<Report, 'token'>): EncodedOutcome {
  checkObject('outcome', outcome)
  switch (outcome.type) {
    case 'succeeded':
      return encodeResult(outcome.result, resultText, (result, large) => ({
        type: 'succeeded',
        result,
        large,
      }))
    case 'failed':
      return encodeResult(outcome.result, resultText, (result, large) => ({
        type: 'failed',
        error: encodeError(checkObject('outcome.error', outcome.error)),
        result,
        large,
        retry: outcome.retry !== false,
        retryAfterMs:
          outcome.retryAfterMs === undefined ? undefined : delayOf('retryAfterMs', outcome.retryAfterMs),
        lost: false,
      }))
    case 'cancelled': {
      const message = `The job was cancelled: ${outcome.reason ?? 'its handler stopped as it was asked to'}.`
      return { type: 'cancelled', error: encodeError({ code: 'CANCELLED', message }) }
    }
    case 'snoozed':
      return { type: 'snoozed', delayMs: delayOf('delayMs', outcome.delayMs) }
    case 'released':
      return outcome
    case 'suspended':
      return {
        type: 'suspended',
        seen: checkInteger('outcome.seen', outcome.seen, 0, Number.MAX_SAFE_INTEGER),
      }
    case 'paused':
      return { type: 'paused', error: encodeError(checkObject('outcome.error', outcome.error)) }
    case 'continued':
      return continued(outcome.input)
    default:
      throw invalid('outcome.type', 'the end of an attempt', (outcome as { type?: unknown }).type)
  }
}

function continued(value: unknown): EncodedOutcome {
  const input = encodeValue('outcome.input', value)
  return { type: 'continued', input, large: input !== null && input.length > INLINE_VALUE }
}

/** Whole ms, none for what is already past, and at most what a time can hold. */
function delayOf(option: string, ms: number): number {
  if (typeof ms !== 'number' || Number.isNaN(ms)) throw invalid(option, 'a number of milliseconds', ms)
  return Math.max(0, Math.min(MOST_DELAY, Math.round(ms)))
}

/** Ms that can be added to any moment of this age without leaving the whole numbers. */
const MOST_DELAY = 2 ** 52

function encodeResult(
  value: unknown,
  known: string | undefined,
  encode: (result: string | null, large: boolean) => EncodedOutcome,
): EncodedOutcome {
  const result = known === undefined || known.length > MOST_VALUE ? encodeValue('result', value) : known
  return encode(result, result !== null && result.length > INLINE_VALUE)
}

/** An error as JSON text, cut to what is kept. */
function encodeError({ code, message, stack, data }: ErrorRecord): string {
  const half = MOST_ERROR / 2
  const text = {
    code: String(code).slice(0, MOST_KEY),
    message: String(message).slice(0, half),
    ...(stack === undefined ? {} : { stack: String(stack).slice(0, half) }),
  }
  const whole = data === undefined ? text : { ...text, data }
  const json = JSON.stringify(whole)
  // Data that is larger than all that an error may say is left out, rather than the error.
  return json.length > 2 * MOST_ERROR ? JSON.stringify(text) : json
}

function closed(): PerdureError {
  return perdureError('CLOSED', {
    expected: 'an open worker session',
    found: 'one that was closed',
    fix: 'Open a new one',
  })
}
