/**
 * Workflow runs as everybody sees them, over an engine in this process.
 *
 * Owns: the way of an update: let in by the run's own check, then on record as a signal, then answered by a row that the
 * run writes. What a run answers is its code's; who is asked is decided in questions.ts.
 */
import { randomUUID } from 'node:crypto'
import type { SignalCommand } from '../../core/commands/signal.ts'
import {
  BROKEN,
  type JournalRow,
  STREAM,
  UPDATE,
  UPDATES,
  type UpdateRequest,
  updateName,
} from '../../core/model/journal.ts'
import { noSuchJob, wrongState } from '../../core/model/refusal.ts'
import { isTerminal } from '../../core/model/states.ts'
import type { Engine } from '../../engine/engine.ts'
import { type ErrorRecord, fromErrorRecord, type PerdureError, perdureError } from '../../errors.ts'
import { formatDuration } from '../../std/duration.ts'
import type { StoredJob } from '../../store/store.ts'
import type { Client } from '../client.ts'
import { journalPages } from '../journal-pages.ts'
import type {
  AskOptions,
  FollowOptions,
  ForkOptions,
  SignalCall,
  StreamItem,
  UpdateCall,
  WorkflowClient,
} from '../workflows.ts'
import type { Arrivals } from './arrivals.ts'
import { Bell } from './bell.ts'
import { forkRun } from './fork.ts'
import type { Questions } from './questions.ts'
import {
  checkInteger,
  checkKey,
  checkMs,
  checkName,
  checkObject,
  checkVersion,
  encodeValue,
} from './validate.ts'

const ASK_MS = 10_000
const MOST_ID = Number.MAX_SAFE_INTEGER

/** The part of an embedded client that knows workflows. */
export class EmbeddedRuns implements WorkflowClient {
  readonly #client: Client
  readonly #engine: Engine
  readonly #questions: Questions
  readonly #arrivals: Arrivals

  /** @param client the one that these are a part of. */
  constructor(client: Client, engine: Engine, questions: Questions, arrivals: Arrivals) {
    this.#client = client
    this.#engine = engine
    this.#questions = questions
    this.#arrivals = arrivals
  }

  async signal(run: number, name: string, value: unknown, { id }: SignalCall = {}) {
    return this.#engine.submit({
      type: 'signal',
      job: checkInteger('run', run, 1, MOST_ID),
      name: checkName('name', name),
      value: encodeValue('value', value),
      id: id === undefined ? null : checkKey('id', id),
    })
  }

  async journal(run: number, from = 0) {
    checkInteger('run', run, 1, MOST_ID)
    return this.#engine.reads.journal(run, checkInteger('from', from, 0, MOST_ID))
  }

  async fork(run: number, options: ForkOptions = {}): Promise<number> {
    checkInteger('run', run, 1, MOST_ID)
    checkObject('options', options)
    const { from, version } = options
    if (from !== undefined) checkInteger('from', from, 0, MOST_ID)
    if (version !== undefined) checkVersion(version)
    return forkRun(this.#client, run, options, this.#engine.now())
  }

  async query(run: number, name: string, input: unknown, options: AskOptions = {}): Promise<unknown> {
    const question = {
      ask: 'query',
      name: checkKey('name', name),
      input: encodeValue('input', input),
    } as const
    const limit = new Limit(this.#engine, run, options)
    try {
      const job = await this.#run(run)
      const text = await this.#questions.ask(job, question, limit.signal)
      return text === null ? undefined : JSON.parse(text)
    } finally {
      limit.end()
    }
  }

  async update(run: number, name: string, input: unknown, options: UpdateCall = {}): Promise<unknown> {
    const { id = randomUUID(), isNew = options.id === undefined } = options
    const request: UpdateRequest = { id: checkKey('id', id), name: checkKey('name', name), input }
    const question = { ask: 'validate', name, input: encodeValue('input', input) } as const
    const value = encodeValue('input', request) as string
    const limit = new Limit(this.#engine, run, options)
    try {
      const job = await this.#run(run)
      const known = isNew ? undefined : await this.#answered(run, updateName(request))
      if (known !== undefined) return answerOf(known)
      if (isTerminal(job.row.state)) throw ended(job)
      await this.#questions.ask(job, question, limit.signal)
      // one of which the caller knows the id may come again; what a restart undid is done again
      const again = options.id === undefined ? null : `${updateName(request)} ${job.row.restarts}`
      return await this.#carryOut(job, request, { value, id: again }, isNew, limit.signal)
    } finally {
      limit.end()
    }
  }

  /** Puts an update on record, and waits for the row that answers it. */
  async #carryOut(
    job: StoredJob,
    request: UpdateRequest,
    told: Pick<SignalCommand, 'value' | 'id'>,
    isNew: boolean,
    signal: AbortSignal,
  ): Promise<unknown> {
    const run = job.row.id
    const name = updateName(request)
    const bell = new Bell()
    let answer: JournalRow | undefined
    let isOver = false
    const over = (): void => {
      isOver = true
      bell.ring()
    }
    const unlisten = [
      this.#arrivals.onRows(run, (rows) => {
        answer ??= rows.find((row) => isAnswer(row, name))
        if (answer !== undefined) bell.ring()
      }),
      this.#engine.announcer.onEnd(run, { ended: over, closed: over }),
    ]
    signal.addEventListener('abort', over, { once: true })
    try {
      // whoever is told of rows from here on may have missed the answer to an earlier call by a moment
      if (!isNew) answer ??= await this.#answered(run, name)
      if (answer === undefined)
        await this.#engine.submit({ type: 'signal', job: run, name: UPDATES, ...told })
      while (answer === undefined && !isOver) await bell.wait()
      // its last words may have been written where nobody was told of them
      answer ??= await this.#answered(run, name)
      if (answer !== undefined) return answerOf(answer)
      signal.throwIfAborted()
      throw ended(await this.#run(run))
    } finally {
      signal.removeEventListener('abort', over)
      for (const end of unlisten) end()
    }
  }

  async *follow(run: number, name: string, options: FollowOptions = {}): AsyncGenerator<StreamItem> {
    const { signal } = options
    let from = checkInteger('from', options.from ?? 0, 0, MOST_ID)
    checkKey('name', name)
    const bell = new Bell()
    let isOver = false
    let closed: PerdureError | undefined
    const over = (error?: unknown): void => {
      isOver = true
      if (error instanceof Error) closed = error as PerdureError
      bell.ring()
    }
    const stop = (): void => over()
    const unlisten = [
      this.#arrivals.onRows(run, (rows) => {
        if (rows.some((row) => row.kind === STREAM && row.name === name)) bell.ring()
      }),
      this.#engine.announcer.onEnd(run, { ended: stop, closed: over }),
    ]
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const job = await this.#run(run)
      if (isTerminal(job.row.state)) isOver = true
      while (signal?.aborted !== true) {
        // what is over now has been written before this read begins
        const wasOver = isOver
        const page = await this.#engine.reads.journal(run, from)
        for (const { kind, state, name: of, value, sequence } of page.rows) {
          if (kind === STREAM && of === name && state !== BROKEN) yield { offset: sequence + 1, value }
        }
        from = page.next
        if (!page.isEnd) continue
        if (closed !== undefined) throw closed
        if (wasOver) return
        await bell.wait()
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      for (const end of unlisten) end()
    }
  }

  async #run(id: number): Promise<StoredJob> {
    const job = await this.#engine.reads.details(checkInteger('run', id, 1, MOST_ID))
    if (job === null) throw noSuchJob(id)
    return job
  }

  /** The row that answers an update, where it is in the journal already. */
  async #answered(run: number, name: string): Promise<JournalRow | undefined> {
    for await (const { rows } of journalPages((from) => this.#engine.reads.journal(run, from))) {
      const row = rows.find((each) => isAnswer(each, name))
      if (row !== undefined) return row
    }
    return undefined
  }
}

function isAnswer({ kind, name }: JournalRow, of: string): boolean {
  return kind === UPDATE && name === of
}

function answerOf({ state, value }: JournalRow): unknown {
  if (state === BROKEN) throw fromErrorRecord(JSON.parse(value as string) as ErrorRecord)
  return value === null ? undefined : JSON.parse(value)
}

function ended({ row }: StoredJob): PerdureError {
  return wrongState('update', row, 'live', 'Nobody is there to carry it out')
}

/** The time that an answer may take, and the caller who may call it off. */
class Limit {
  readonly #controller = new AbortController()
  readonly #disarm: () => void
  readonly signal: AbortSignal

  constructor(engine: Engine, run: number, { timeoutMs = ASK_MS, signal }: AskOptions) {
    const ms = checkMs('timeoutMs', timeoutMs)
    this.#disarm = engine.surroundings.after(ms, () => this.#controller.abort(tooLate(run, ms)))
    const { signal: own } = this.#controller
    this.signal = signal === undefined ? own : AbortSignal.any([own, signal])
  }

  end(): void {
    this.#disarm()
  }
}

function tooLate(run: number, ms: number): PerdureError {
  return perdureError('TIMEOUT', {
    expected: `an answer of run ${run} within ${formatDuration(ms)}`,
    found: 'none',
    fix: 'Ask again with more time; an update that was on record is still carried out, and the same id gives its answer',
    data: { job: run },
  })
}
