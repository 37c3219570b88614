/**
 * Recorder: writes down the calls about each job as those who made them saw them: when each began, when it was
 * answered, and what the answer was. A call that was never answered may have taken effect at any later time.
 */
import type { Lease, Report } from '../../src/client/client.ts'
import type { ControlResult, ControlVerb, Enqueued, JobDetails, JobEnd } from '../../src/client/types.ts'
import { PerdureError } from '../../src/errors.ts'
import type { Scheduler } from '../world/scheduler.ts'

/** What a call asked for. */
export type Question =
  | { readonly type: 'make' }
  | { readonly type: 'control'; readonly verb: ControlVerb['verb'] }
  | { readonly type: 'lease'; readonly attempt: number }
  | { readonly type: 'report'; readonly attempt: number; readonly outcome: string }
  | { readonly type: 'read' }

/** What it was told: a state, `refused` with a code, or nothing that is known. */
export type Told =
  | { readonly state: string; readonly changed: boolean }
  | { readonly refused: string }
  | { readonly accepted: boolean }
  | undefined

/** One call about one job. Times are numbers of events; `to` is Infinity where no answer came. */
export interface Entry {
  readonly question: Question
  readonly from: number
  to: number
  told: Told
}

export class Recorder {
  readonly #scheduler: Scheduler
  readonly histories = new Map<number, Entry[]>()

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  async enqueue(call: () => Promise<Enqueued[]>): Promise<Enqueued[]> {
    const from = this.#scheduler.events
    const answer = await call()
    for (const { id, created } of answer)
      if (created) this.#add(id, from, { type: 'make' }, { state: 'made', changed: true })
    return answer
  }

  /** @param isFenced Whether the one who answers was replaced: what it refuses may be old news. */
  async control(
    id: number,
    verb: ControlVerb['verb'],
    call: () => Promise<ControlResult>,
    isFenced: () => boolean,
  ): Promise<ControlResult> {
    const entry = this.#open(id, { type: 'control', verb })
    try {
      const answer = await call()
      if (answer.changed || !isFenced())
        this.#close(entry, { state: answer.state ?? 'gone', changed: answer.changed })
      return answer
    } catch (error) {
      if (error instanceof PerdureError && !error.retryable && !isFenced()) {
        const isKnown = error.code === 'WRONG_STATE' || error.code === 'NOT_FOUND'
        if (isKnown) this.#close(entry, { refused: error.code })
      }
      throw error
    }
  }

  async get(id: number, call: () => Promise<JobDetails>): Promise<JobDetails> {
    const entry = this.#open(id, { type: 'read' })
    try {
      const details = await call()
      this.#close(entry, { state: details.state, changed: details.cancelRequested })
      return details
    } catch (error) {
      if (error instanceof PerdureError && error.code === 'NOT_FOUND')
        this.#close(entry, { refused: error.code })
      throw error
    }
  }

  async wait(id: number, call: () => Promise<JobEnd>): Promise<JobEnd> {
    const entry = this.#open(id, { type: 'read' })
    const end = await call()
    this.#close(entry, { state: end.state, changed: false })
    return end
  }

  async poll(call: () => Promise<Lease[]>): Promise<Lease[]> {
    const from = this.#scheduler.events
    const leases = await call()
    for (const { job, attempt } of leases)
      this.#add(job, from, { type: 'lease', attempt }, { state: 'running', changed: true })
    return leases
  }

  async report(reports: readonly Report[], call: () => Promise<boolean[]>): Promise<boolean[]> {
    const entries = reports.map(({ token, outcome }) => {
      const [job = 0, attempt = 0] = token.split('.').map(Number)
      return this.#open(job, { type: 'report', attempt, outcome: outcome.type })
    })
    const accepted = await call()
    entries.forEach((entry, i) => {
      this.#close(entry, { accepted: accepted[i] === true })
    })
    return accepted
  }

  #open(job: number, question: Question): Entry {
    const entry: Entry = { question, from: this.#scheduler.events, to: Infinity, told: undefined }
    const history = this.histories.get(job)
    if (history === undefined) this.histories.set(job, [entry])
    else history.push(entry)
    return entry
  }

  #close(entry: Entry, told: Told): void {
    entry.to = this.#scheduler.events
    entry.told = told
  }

  #add(job: number, from: number, question: Question, told: Told): void {
    const entry = this.#open(job, question)
    this.#close(entry, told)
    Object.assign(entry, { from })
  }
}
