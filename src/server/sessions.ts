/**
 * The worker sessions behind a served socket.
 *
 * Owns: which session belongs to which worker, and that a worker whose connection breaks finds its session
 * again, with its leases and the notices that came meanwhile. Never decides about leases.
 */
import type {
  Client,
  Lease,
  LookNotice,
  PollRequest,
  Report,
  StopNotice,
  WorkerNotice,
  WorkerSession,
} from '../client/client.ts'
import { readAnswer, readEntries } from '../client/embedded/entries.ts'
import type { WorkerStatus } from '../client/types.ts'
import type { RunAnswer, RunQuestion } from '../client/workflows.ts'
import type { JournalPage } from '../core/model/journal.ts'
import { type PerdureError, perdureError } from '../errors.ts'
import { fitPage, withoutWritten } from '../protocol/journal.ts'
import { MAX_KEPT_NOTICES, SESSION_LINGER_MS } from '../protocol/limits.ts'
import type { WorkerName } from '../protocol/messages.ts'
import type { LogRecord } from '../runtime/logger/record.ts'

/** Polls of one session that may be parked at once: a worker has one for each group of queues. */
const MOST_POLLS = 256
/** Answers kept so that a repeated report or log is answered as the first one was. */
const KEPT_ANSWERS = 256

/** Something settled in the journal of a leased run that its worker did not write. */
export interface NewsNotice {
  readonly type: 'news'
  readonly token: string
}

/** A run is asked something that its worker can answer. */
export interface QuestionNotice extends RunQuestion {
  readonly type: 'question'
}

/** What a session tells its worker without being asked. */
export type SessionNotice = WorkerNotice | NewsNotice | QuestionNotice

/** Receives the notices of one session. */
export type NoticeSink = (session: number, notice: SessionNotice) => void

/** Which caller holds each lease that was granted to an open session. */
type Holders = Map<string, string>

/** One worker's session, which outlives connections. */
export class SharedSession {
  readonly number: number
  /** The id of the caller that it belongs to. */
  readonly owner: string
  readonly #holders: Holders
  /** Calls under way that came without a connection. */
  visitors = 0
  readonly #session: WorkerSession
  #polls = 0
  #sink: NoticeSink | undefined
  /** The last stop request of each attempt, told again after a break: one sent into a broken connection is lost. */
  readonly #stops = new Map<string, StopNotice>()
  /** The last question about paths, told again likewise. */
  #look: LookNotice | undefined
  /** Questions that were handed on and not answered yet. */
  readonly #questions = new Set<string>()
  /** Leased runs of which a worker without a connection has not heard the news. */
  readonly #news = new Set<string>()
  /** Tokens granted to this worker and not reported yet. */
  readonly #granted = new Set<string>()
  readonly #answers = new Map<string, Promise<unknown>>()

  constructor(number: number, session: WorkerSession, owner: string, holders: Holders) {
    this.number = number
    this.owner = owner
    this.#holders = holders
    this.#session = session
    session.onNotice((notice) => {
      if (notice.type === 'look') this.#look = notice
      else if (this.#stops.size < MAX_KEPT_NOTICES) this.#stops.set(notice.token, notice)
      this.#sink?.(number, notice)
    })
    session.workflows.onNews((token) => this.#onNews(token))
    session.workflows.onQuestion((question) => this.#onQuestion(question))
  }

  /** Questions need a connection: who asks does not wait for the next call of somebody who has none. */
  #onQuestion(question: RunQuestion): void {
    const { token } = question
    if (this.#sink === undefined) this.#decline(token)
    else {
      this.#questions.add(token)
      this.#sink(this.number, { ...question, type: 'question' })
    }
  }

  #decline(token: string): void {
    this.#questions.delete(token)
    void this.#session.workflows.answer(token, undefined)
  }

  /** The news of all runs come by here. */
  #onNews(token: string): void {
    if (!this.#granted.has(token)) return
    if (this.#sink === undefined) this.#news.add(token)
    else this.#sink(this.number, { type: 'news', token })
  }

  /** Hands the session to a connection, and tells it again what may have been lost in the one before. */
  attach(sink: NoticeSink, held: readonly string[]): void {
    this.#sink = sink
    this.reconcile(held)
    for (const notice of this.#stops.values()) sink(this.number, notice)
    if (this.#look !== undefined) sink(this.number, this.#look)
  }

  /**
   * Hears from the worker which leases it holds. Those that were granted but never reached it, because a connection
   * broke under them, are given back.
   */
  reconcile(held: readonly string[]): void {
    const known = new Set(held.filter((token) => this.#isOwn(token)))
    for (const token of this.#stops.keys()) if (!known.has(token)) this.#stops.delete(token)
    const orphans = [...this.#granted].filter((token) => !known.has(token))
    for (const token of orphans) this.#drop(token)
    for (const token of known) this.#grant(token)
    this.#release(orphans)
  }

  /** Takes the session from a connection; false when it already belongs to another one. */
  detach(sink: NoticeSink): boolean {
    if (this.#sink !== sink) return false
    this.#sink = undefined
    for (const token of this.#questions) this.#decline(token)
    return true
  }

  get attached(): boolean {
    return this.#sink !== undefined
  }

  /** Polls for a connection; what comes after `signal` aborted is given back. */
  async poll(request: PollRequest, signal: AbortSignal): Promise<readonly Lease[]> {
    if (this.#polls >= MOST_POLLS) throw tooManyPolls()
    this.#polls += 1
    const leases = await this.#session.poll(request, signal).finally(() => {
      this.#polls -= 1
    })
    if (signal.aborted) {
      this.#release(leases.map((lease) => lease.token))
      return []
    }
    for (const lease of leases) this.#grant(lease.token)
    return leases
  }

  /** Reports ends; the same `request` again gets the first one's answer. */
  report(reports: readonly Report[], request: string): Promise<unknown> {
    return this.#once(request, async () => {
      const own = this.#own(reports)
      const answers = await this.#session.report(own)
      for (const { token } of own) {
        this.#drop(token)
        this.#stops.delete(token)
      }
      if (own === reports) return answers
      const accepted = new Map(own.map(({ token }, index) => [token, answers[index]]))
      return reports.map(({ token }) => accepted.get(token) ?? false)
    })
  }

  /** Appends output; the same `request` again does nothing more. */
  log(entries: Parameters<WorkerSession['log']>[0], request: string): Promise<unknown> {
    return this.#once(request, () => this.#session.log(this.#own(entries)))
  }

  /** Writes what a leased run did; the same `request` again gets the first one's answer. */
  recordRun(token: string, seen: number, entries: readonly unknown[], request: string): Promise<unknown> {
    return this.#once(request, async () => {
      const read = readEntries(entries)
      const rows = this.#isOwn(token) ? await this.#session.workflows.record(token, seen, read) : undefined
      return rows === undefined ? LOST : { rows: withoutWritten(rows, read), lost: false }
    })
  }

  /** A page of the journal of a leased run. */
  async readRun(token: string, from: number): Promise<JournalPage & { readonly lost: boolean }> {
    const page = this.#isOwn(token) ? await this.#session.workflows.journal(token, from) : undefined
    return page === undefined
      ? { ...LOST, next: from, isEnd: true, origin: 0 }
      : { ...fitPage(page), lost: false }
  }

  /** Answers a question that this worker was asked. */
  async answerRun(token: string, answer: RunAnswer | undefined): Promise<void> {
    this.#questions.delete(token)
    await this.#session.workflows.answer(token, answer && readAnswer(answer))
  }

  /** Renews leases. A worker without a connection learns here which attempts are to stop, and which runs have news. */
  async heartbeat(tokens: readonly string[]): Promise<Heartbeat> {
    const own = tokens.filter((token) => this.#isOwn(token))
    const { lost } = await this.#session.heartbeat(own)
    for (const token of lost) this.#drop(token)
    if (own.length < tokens.length) lost.push(...tokens.filter((token) => !this.#isOwn(token)))
    if (this.attached || this.#stops.size + this.#news.size === 0) return { lost, stops: [], news: [] }
    const news = tokens.filter((token) => this.#news.delete(token))
    return { lost, stops: tokens.flatMap((token) => this.#stops.get(token) ?? []), news }
  }

  progress(token: string, fraction: number, message: string | undefined): void {
    if (this.#isOwn(token)) this.#session.progress(token, fraction, message)
  }

  record(records: readonly LogRecord[]): Promise<void> {
    return this.#session.record(records)
  }

  tell(status: WorkerStatus): void {
    this.#session.tell(status)
  }

  close(): Promise<void> {
    for (const token of this.#granted) this.#drop(token)
    return this.#session.close()
  }

  /** Whether a lease is this caller's, as far as is known: after a restart of the node, the token alone has to do (L2). */
  #isOwn(token: string): boolean {
    const holder = this.#holders.get(token)
    return holder === undefined || holder === this.owner
  }

  /** Those that are about leases of this caller; the list itself where all are. */
  #own<T extends { readonly token: string }>(items: readonly T[]): readonly T[] {
    // what is no object at all is the session's to refuse
    const isOwn = (item: T | undefined): boolean => item?.token === undefined || this.#isOwn(item.token)
    return items.every(isOwn) ? items : items.filter(isOwn)
  }

  #grant(token: string): void {
    this.#granted.add(token)
    this.#holders.set(token, this.owner)
  }

  #drop(token: string): void {
    this.#granted.delete(token)
    this.#news.delete(token)
    this.#holders.delete(token)
  }

  #release(tokens: readonly string[]): void {
    if (tokens.length === 0) return
    const reports = tokens.map((token) => ({ token, outcome: { type: 'released' } as const }))
    // If this fails the leases run out by themselves.
    this.#session.report(reports).catch(() => {})
  }

  /** An empty request is none: every such call is one of its own. */
  #once(request: string, act: () => Promise<unknown>): Promise<unknown> {
    if (request === '') return act()
    const known = this.#answers.get(request)
    if (known !== undefined) return known
    const answer = act()
    this.#answers.set(request, answer)
    // A failed one may be tried again.
    answer.catch(() => this.#answers.delete(request))
    if (this.#answers.size > KEPT_ANSWERS) {
      const oldest = this.#answers.keys().next().value
      if (oldest !== undefined) this.#answers.delete(oldest)
    }
    return answer
  }
}

/** What a worker learns with each renewal. */
export interface Heartbeat {
  readonly lost: readonly string[]
  readonly stops: readonly StopNotice[]
  readonly news: readonly string[]
}

const LOST = { rows: [], lost: true }

function tooManyPolls(): PerdureError {
  return perdureError('OVERLOADED', {
    expected: `at most ${MOST_POLLS} polls of one worker at once`,
    found: 'one more',
    fix: 'Wait for an answer, or ask for several queues in one poll',
  })
}

/** The sessions of one caller. Others cannot be named: their numbers lead nowhere. */
export interface CallerSessions {
  /** The session of a worker: the one that it had before, or a new one. */
  open(worker: WorkerName): Promise<SharedSession>
  /**
   * Acts on a worker's session for a caller without a connection. The session stays for as long as this takes, and
   * then as long as one that lost its connection.
   */
  serve<T>(worker: WorkerName, act: (session: SharedSession) => Promise<T>): Promise<T>
  /** The open session of a number; throws PROTOCOL. */
  get(number: number): SharedSession
  /** Hands a session to a connection. */
  attach(session: SharedSession, sink: NoticeSink, held: readonly string[]): void
  /** Ends one session for good. */
  close(number: number): Promise<void>
}

/** All sessions of one served socket or node. */
export class Sessions {
  readonly #client: Client
  readonly #lingerMs: number
  readonly #byWorker = new Map<string, Promise<SharedSession>>()
  readonly #byNumber = new Map<number, SharedSession>()
  readonly #lingering = new Map<number, NodeJS.Timeout>()
  readonly #holders: Holders = new Map()
  #numbers = 0

  constructor(client: Client, lingerMs = SESSION_LINGER_MS) {
    this.#client = client
    this.#lingerMs = lingerMs
  }

  /** What a caller may see of the sessions: its own. */
  of(owner: string): CallerSessions {
    return {
      open: (worker) => this.#find(worker, owner),
      serve: (worker, act) => this.#serve(worker, owner, act),
      get: (number) => this.#get(number, owner),
      attach: (session, sink, held) => this.#attach(session, sink, held),
      close: (number) => this.#closeOf(number, owner),
    }
  }

  async #find(worker: WorkerName, owner: string): Promise<SharedSession> {
    const key = JSON.stringify([owner, worker.name, worker.instance])
    let opening = this.#byWorker.get(key)
    if (opening === undefined) {
      opening = this.#open(worker, owner)
      this.#byWorker.set(key, opening)
      opening.catch(() => this.#byWorker.delete(key))
    }
    const session = await opening
    this.#keep(session.number)
    // A beat may open a session whose worker never comes back; it must not stay for ever.
    if (!session.attached) this.#linger(session)
    return session
  }

  async #serve<T>(
    worker: WorkerName,
    owner: string,
    act: (session: SharedSession) => Promise<T>,
  ): Promise<T> {
    const session = await this.#find(worker, owner)
    session.visitors += 1
    this.#keep(session.number)
    try {
      return await act(session)
    } finally {
      session.visitors -= 1
      if (!session.attached && this.#byNumber.has(session.number)) this.#linger(session)
    }
  }

  #get(number: number, owner: string): SharedSession {
    const session = this.#byNumber.get(number)
    if (session?.owner === owner) return session
    throw perdureError('PROTOCOL', {
      expected: 'the number of an open worker session',
      found: String(number),
      fix: 'Open the worker session again under the same name',
    })
  }

  #attach(session: SharedSession, sink: NoticeSink, held: readonly string[]): void {
    this.#keep(session.number)
    session.attach(sink, held)
  }

  /** A connection went away: its sessions wait a while for the next one. */
  detach(number: number, sink: NoticeSink): void {
    const session = this.#byNumber.get(number)
    if (session?.detach(sink)) this.#linger(session)
  }

  async #closeOf(number: number, owner: string): Promise<void> {
    if (this.#byNumber.get(number)?.owner === owner) await this.#close(number)
  }

  async #close(number: number): Promise<void> {
    this.#keep(number)
    const session = this.#byNumber.get(number)
    if (session === undefined) return
    this.#forget(number)
    await session.close()
  }

  /** Ends all. */
  async closeAll(): Promise<void> {
    const numbers = [...this.#byNumber.keys()]
    await Promise.allSettled(numbers.map((number) => this.#close(number)))
  }

  async #open(worker: WorkerName, owner: string): Promise<SharedSession> {
    const { name, host, pid } = worker
    this.#numbers += 1
    const number = this.#numbers
    const opened = await this.#client.openWorker({ name, host, pid })
    const session = new SharedSession(number, opened, owner, this.#holders)
    this.#byNumber.set(session.number, session)
    return session
  }

  #linger(session: SharedSession): void {
    this.#keep(session.number)
    if (session.visitors > 0) return
    const timer = setTimeout(() => void this.#close(session.number).catch(() => {}), this.#lingerMs)
    timer.unref()
    this.#lingering.set(session.number, timer)
  }

  #keep(number: number): void {
    clearTimeout(this.#lingering.get(number))
    this.#lingering.delete(number)
  }

  #forget(number: number): void {
    const session = this.#byNumber.get(number)
    this.#byNumber.delete(number)
    for (const [key, opening] of this.#byWorker) {
      void opening.then((opened) => {
        if (opened === session && this.#byWorker.get(key) === opening) this.#byWorker.delete(key)
      })
    }
  }
}
