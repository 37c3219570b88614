/**
 * Workflow runs over a connection.
 *
 * Owns: that what a run writes is written once, however often the connection breaks under it. To the same session it is
 * told again by the same request; whether one that is gone had heard it, only the journal tells.
 */
import { randomUUID } from 'node:crypto'
import type { JournalPage, JournalRow } from '../../core/model/journal.ts'
import { withWritten } from '../../protocol/journal.ts'
import type { MethodName } from '../../protocol/methods.ts'
import type {
  RunAnswer,
  RunEntry,
  RunQuestion,
  StreamItem,
  UpdateCall,
  WorkflowClient,
  WorkflowSession,
} from '../workflows.ts'
import type { Channel } from './channel.ts'

/** What a session's work on runs needs of the session. */
export interface SessionLine {
  /** Calls on the session's present number, again after each break; with `isOnce` only for as long as the session is the same. */
  call(method: MethodName, values: readonly unknown[], isOnce?: boolean): Promise<unknown>
  /** A name for a call by which the session knows it again. */
  request(): string
  /** The job of a lease that it holds. */
  jobOf(token: string): number
}

/** The part of a client that knows workflows. */
export function remoteWorkflows(channel: Channel): WorkflowClient {
  return {
    signal: async (run, name, value, { id } = {}) => {
      const values = [run, name, id === undefined ? { value } : { value, id }]
      // sent twice without an id it would be two signals
      const reply = await (id === undefined
        ? channel.call('workflows.signal', values)
        : channel.callAgain('workflows.signal', () => values))
      return reply as { isAwaited: boolean }
    },
    query: async (run, name, input, { signal, timeoutMs } = {}) => {
      const said = timeoutMs === undefined ? { input } : { input, timeoutMs }
      const limits = { signal, deadline: deadlineOf(timeoutMs) }
      const { value } = (await channel.read('workflows.query', [run, name, said], limits)) as {
        value?: unknown
      }
      return value
    },
    update: (run, name, input, options) => update(channel, run, name, input, options),
    fork: async (run, options = {}) => (await channel.call('workflows.fork', [run, options])) as number,
    follow: (run, name, { signal, ...options } = {}) =>
      channel.stream<StreamItem>('workflows.follow', [run, name, options], signal),
    journal: async (run, from = 0) => {
      const page = (await channel.read('workflows.journal', [run, from])) as JournalPage
      return { ...page, rows: withWritten(run, page.rows, []) }
    },
  }
}

/** What the way there and back may take beside the answer itself, ms. */
const WAY_MS = 10_000
const ANSWER_MS = 10_000

function deadlineOf(timeoutMs = ANSWER_MS): number {
  return performance.now() + timeoutMs + WAY_MS
}

/** The same id in every repetition, so that it is one update however often the connection breaks. */
async function update(
  channel: Channel,
  run: number,
  name: string,
  input: unknown,
  { signal, id, ...options }: UpdateCall = {},
): Promise<unknown> {
  const limits = { signal, deadline: deadlineOf(options.timeoutMs) }
  const call = { ...options, input, id: id ?? randomUUID() }
  const said = (isFirst: boolean) => [
    run,
    name,
    isFirst && id === undefined ? { ...call, isNew: true } : call,
  ]
  const { value } = (await channel.callAgain('workflows.update', said, limits)) as { value?: unknown }
  return value
}

interface Answer extends JournalPage {
  readonly lost: boolean
}

/** The part of a worker's session that knows workflows. */
export class RemoteWorkflows implements WorkflowSession {
  readonly #line: SessionLine
  readonly #listeners = new Set<(token: string) => void>()
  #ask: ((question: RunQuestion) => void) | undefined

  constructor(line: SessionLine) {
    this.#line = line
  }

  async record(
    token: string,
    seen: number,
    entries: readonly RunEntry[],
  ): Promise<readonly JournalRow[] | undefined> {
    const run = this.#line.jobOf(token)
    const values = [token, seen, entries, this.#line.request()]
    const { rows, lost } = (await this.#line.call('session.workflows.record', values, true)) as Answer
    return lost ? undefined : withWritten(run, rows, entries)
  }

  async journal(token: string, from: number): Promise<JournalPage | undefined> {
    const run = this.#line.jobOf(token)
    const { lost, rows, ...page } = (await this.#line.call('session.workflows.journal', [
      token,
      from,
    ])) as Answer
    return lost ? undefined : { ...page, rows: withWritten(run, rows, []) }
  }

  onNews(listener: (token: string) => void): void {
    this.#listeners.add(listener)
  }

  onQuestion(listener: (question: RunQuestion) => void): void {
    this.#ask = listener
  }

  async answer(token: string, answer: RunAnswer | undefined): Promise<void> {
    await this.#line.call('session.workflows.answer', [token, answer ?? null])
  }

  /** A run is asked something. */
  ask(question: RunQuestion): void {
    if (this.#ask === undefined) void this.answer(question.token, undefined).catch(() => {})
    else this.#ask(question)
  }

  /** There is news of a leased run, or may be. */
  tell(token: string): void {
    for (const listener of this.#listeners) listener(token)
  }
}
