/**
 * Workflow runs as a worker of an engine in this process sees them.
 */
import type { NewEntry, RecordReply } from '../../core/commands/record.ts'
import type { JournalPage, JournalRow } from '../../core/model/journal.ts'
import type { Engine } from '../../engine/engine.ts'
import { PerdureError } from '../../errors.ts'
import type { RunAnswer, RunEntry, RunQuestion, WorkflowSession } from '../workflows.ts'
import type { Profiles } from './profiles.ts'
import { readSpec } from './specs.ts'
import { parseToken } from './token.ts'
import { checkInteger } from './validate.ts'

/** Who is told of what is written. */
export interface Runs {
  /** A run of this session has written rows, which are durable. */
  written(run: number, rows: readonly JournalRow[]): void
  /** This session may answer questions that it could not before. */
  ready(): void
}

/** A question that has not been answered. */
interface Open {
  readonly job: number
  settle(answer: RunAnswer | undefined): void
}

/** The part of a worker's session that knows workflows. */
export class EmbeddedWorkflows implements WorkflowSession {
  readonly #engine: Engine
  readonly #profiles: Profiles
  readonly #runs: Runs
  readonly #listeners = new Set<(token: string) => void>()
  readonly #unlisten: () => void
  /** Questions that it has to answer, by token. */
  readonly #questions = new Map<string, Open>()
  #asks: ((question: RunQuestion) => void) | undefined
  #asked = 0

  constructor(engine: Engine, profiles: Profiles, runs: Runs) {
    this.#engine = engine
    this.#profiles = profiles
    this.#runs = runs
    // Tokens are unique, so whoever does not hold this one has no use for it.
    this.#unlisten = engine.announcer.onRunNews(({ id, attempt, nonce }) => {
      for (const listener of this.#listeners) listener(`${id}.${attempt}.${nonce}`)
    })
  }

  record(
    token: string,
    seen: number,
    entries: readonly RunEntry[],
  ): Promise<readonly JournalRow[] | undefined> {
    return new Promise((resolve, reject) => {
      const parts = parseToken(token)
      if (parts === undefined) return resolve(undefined)
      const { job, attempt, nonce } = parts
      const made = entries.some(({ type }) => type === 'child') ? this.#withJobs(entries) : entries
      this.#engine.post(
        { type: 'record', job, attempt, nonce, seen, entries: made as readonly NewEntry[] },
        (reply) => {
          if (reply instanceof PerdureError) return reject(reply)
          if (reply === false) return resolve(undefined)
          const { rows } = reply as RecordReply
          resolve(rows)
          this.#runs.written(job, rows)
        },
      )
    })
  }

  #withJobs(entries: readonly RunEntry[]): readonly NewEntry[] {
    const now = this.#engine.now()
    const children = entries.reduce((sum, { type }) => sum + (type === 'child' ? 1 : 0), 0)
    return entries.map((entry) => {
      if (entry.type !== 'child') return entry
      const { spec, ...rest } = entry
      return { ...rest, job: readSpec(spec, children, this.#profiles, now) }
    })
  }

  /** Only of a run that is leased, or asked: a worker of some queues has no business with runs of others. */
  async journal(token: string, from: number): Promise<JournalPage | undefined> {
    const run = this.#questions.get(token)?.job ?? this.#leased(token)
    if (run === undefined) return undefined
    return this.#engine.reads.journal(run, checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER))
  }

  #leased(token: string): number | undefined {
    const parts = parseToken(token)
    if (parts === undefined) return undefined
    const { job, attempt, nonce } = parts
    return this.#engine.leases.holds(job, attempt, nonce) ? job : undefined
  }

  /** Asks the worker about a run. Undefined where it cannot answer, goes away, or the signal aborts. */
  ask(question: Omit<RunQuestion, 'token'>, signal: AbortSignal): Promise<RunAnswer | undefined> {
    const listener = this.#asks
    if (listener === undefined || signal.aborted) return Promise.resolve(undefined)
    const token = `question.${++this.#asked}`
    return new Promise((resolve) => {
      const stop = (): void => this.#settle(token, undefined)
      const settle = (answer: RunAnswer | undefined): void => {
        signal.removeEventListener('abort', stop)
        resolve(answer)
      }
      this.#questions.set(token, { job: question.job, settle })
      signal.addEventListener('abort', stop, { once: true })
      listener({ ...question, token })
    })
  }

  #settle(token: string, answer: RunAnswer | undefined): void {
    const open = this.#questions.get(token)
    this.#questions.delete(token)
    open?.settle(answer)
  }

  onQuestion(listener: (question: RunQuestion) => void): void {
    this.#asks = listener
    this.ready()
  }

  /** It serves what it did not before. */
  ready(): void {
    this.#runs.ready()
  }

  async answer(token: string, answer: RunAnswer | undefined): Promise<void> {
    this.#settle(token, answer)
  }

  onNews(listener: (token: string) => void): void {
    this.#listeners.add(listener)
  }

  close(): void {
    this.#unlisten()
    this.#asks = undefined
    for (const token of [...this.#questions.keys()]) this.#settle(token, undefined)
  }
}
