/**
 * The app: one address decides where jobs live, and everything else is the same.
 *
 * Owns: the typed surface over a client, the workers that it started, and closing both in the right order.
 * Never does: anything that a client could not do; `app.client` is always there for the plain form.
 */

import { parseAddress } from './app/address.ts'
import {
  chunksOf,
  Draft,
  type DraftOptions,
  type EnqueueArguments,
  group as groupDraft,
} from './app/drafts.ts'
import { type CancelOptions, handleOf, JobHandle, type LogOptions } from './app/handle.ts'
import { answerQuestion, type InboxOptions, type Question, readInbox } from './app/inbox.ts'
import { makeWorker, type WorkOptions } from './app/work.ts'
import type { Client } from './client/client.ts'
import { defineJob, type JobDefinition, readDefinition } from './client/definition.ts'
import { type AfterOption, type EnqueueOptions, type JobReference, makeSpec } from './client/enqueue.ts'
import type { TlsFiles } from './client/remote/door.ts'
import type {
  ControlResult,
  Enqueued,
  JobDetails,
  JobEvent,
  JobPage,
  JobQuery,
  LogEntry,
  QueueCounts,
  WatchFilter,
} from './client/types.ts'
import type { ForkOptions } from './client/workflows.ts'
import { PerdureError } from './errors.ts'
import type { Surroundings } from './runtime/services.ts'
import { type Duration, parseDuration } from './std/duration.ts'
import { arrayOf, checkKnown, invalidOption } from './std/options.ts'
import type { Worker } from './worker/worker.ts'

/** The options of {@link open}. */
export interface OpenOptions {
  /** Whose time and chance the engine and the workers go by; for tests. Default: the machine's. */
  readonly surroundings?: Surroundings
  /**
   * Whether other processes of this user, the command line among them, may use a store's file through this one
   * (on a socket beside it that nobody else can open). Default true.
   */
  readonly socket?: boolean
  /**
   * For nodes: PEM texts of the authority to trust, and of the certificate to show with its key. Default: the files of
   * PERDURE_CA, PERDURE_CERT and PERDURE_CERT_KEY of the environment, or else the system's authorities.
   */
  readonly tls?: TlsFiles
  /**
   * For sockets and nodes: how long a call may take in all, repetitions included. What waits for something to happen
   * (`result()`, a worker's polls, streams) takes as long as that takes. Default 30 s.
   */
  readonly timeout?: Duration
  /** For nodes: the token to show. Default: PERDURE_TOKEN of the environment. */
  readonly token?: string
  /** For nodes: a file with the token, which nobody else may read. Default: PERDURE_TOKEN_FILE of the environment. */
  readonly tokenFile?: string
}

/** The options of `enqueueMany`. */
export interface EnqueueManyOptions {
  /** Told after each call of at most 10,000 jobs. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  /** Makes a retry of the same `enqueueMany` safe: whatever it had enqueued before is not enqueued again. */
  readonly request?: string
}

/** Handles of drafts, with the type of each result. */
export type HandlesOf<Drafts extends readonly Draft[]> = {
  -readonly [Index in keyof Drafts]: JobHandle<Drafts[Index] extends Draft<infer Output> ? Output : unknown>
}

/** Most jobs in one call of a client. */
const MOST_IN_CALL = 10_000

/** An open store, or a connection to the process that owns one. Made by {@link open}. */
export class App {
  /** The plain form of everything here. */
  readonly client: Client
  readonly #surroundings: Surroundings | undefined
  readonly #workers = new Set<Worker>()
  readonly #kinds = new Map<string, JobDefinition>()
  readonly #closeClient: () => Promise<void>
  #closing: Promise<void> | undefined

  /**
   * Over a client of one's own; {@link open} makes one from an address. The app closes it.
   *
   * @param close How; default its own `close`.
   */
  constructor(
    client: Client,
    options: Pick<OpenOptions, 'surroundings'> = {},
    close: () => Promise<void> = () => client.close(),
  ) {
    this.client = client
    this.#closeClient = close
    this.#surroundings = options.surroundings
  }

  /** Starts a worker in this process for the given kinds. It ends with the app, or by its own `stop()`. */
  work(definitions: readonly JobDefinition[], options: WorkOptions = {}): Worker {
    const worker = makeWorker(this.client, definitions, options, this.#surroundings)
    this.#workers.add(worker)
    worker.on('drained', () => this.#workers.delete(worker))
    return worker
  }

  /**
   * Makes a job durable: when this resolves, it is.
   *
   * @throws INVALID_OPTION, INVALID_DURATION, INVALID_INPUT, TOO_LARGE, KEY_CONFLICT, DUPLICATE, NOT_FOUND (of a
   *   dependency).
   */
  enqueue<Input, Output>(
    definition: JobDefinition<Input, Output>,
    ...rest: EnqueueArguments<Input, EnqueueOptions>
  ): Promise<JobHandle<Output>>
  enqueue<Output>(draft: Draft<Output>): Promise<JobHandle<Output>>
  enqueue(kind: string, input?: unknown, options?: EnqueueOptions): Promise<JobHandle>
  async enqueue(
    what: JobDefinition | Draft | string,
    input?: unknown,
    options?: EnqueueOptions,
  ): Promise<JobHandle<never>> {
    const made =
      what instanceof Draft
        ? makeSpec(what.definition, what.input, what.options)
        : makeSpec(this.#definition(what), input, options)
    const [enqueued] = await this.client.enqueue([made instanceof Promise ? await made : made])
    const { id, created } = enqueued as Enqueued
    return new JobHandle(this.client, id, created)
  }

  /**
   * Enqueues drafts, which may depend on each other in any order. Up to 10,000 are enqueued all or none; of
   * more, calls of 10,000 each, and an error says by `data.enqueued` how many had been made durable before it.
   *
   * @throws as `enqueue`, and CYCLE.
   */
  async enqueueMany<const Drafts extends readonly Draft[]>(
    drafts: Drafts,
    options: EnqueueManyOptions = {},
  ): Promise<HandlesOf<Drafts>> {
    arrayOf('the drafts of enqueueMany', drafts, 'drafts')
    checkKnown('enqueueMany', options, ['onProgress', 'request'])
    const enqueued = new Array<Enqueued>(drafts.length)
    const idOf = (position: number): number => (enqueued[position] as Enqueued).id
    let done = 0
    for (const [number, chunk] of chunksOf(drafts, MOST_IN_CALL).entries()) {
      const request = options.request === undefined ? {} : { request: `${options.request}:${number}` }
      try {
        const answers = await this.client.enqueue(await chunk.specs(idOf), request)
        chunk.positions.forEach((position, index) => {
          enqueued[position] = answers[index] as Enqueued
        })
      } catch (error) {
        throw done === 0 ? error : withDone(error, done)
      }
      done += chunk.positions.length
      options.onProgress?.({ done, total: drafts.length })
    }
    const handles = enqueued.map(({ id, created }) => new JobHandle(this.client, id, created))
    return handles as HandlesOf<Drafts>
  }

  /** Enqueues a job without a handler, which succeeds when all of the given jobs have. */
  group(after: readonly AfterOption[], options?: Omit<DraftOptions, 'after'>): Promise<JobHandle<null>> {
    return this.enqueue(groupDraft(after, options))
  }

  /** A handle of a job that exists; whether it does shows with the first question. */
  job<Output = unknown>(job: JobReference): JobHandle<Output> {
    return handleOf(this.client, job)
  }

  /** Everything about a job, its attempts included. */
  get(job: JobReference): Promise<JobDetails> {
    return this.job(job).status()
  }

  /** One page of jobs. */
  list(query: JobQuery = {}): Promise<JobPage> {
    return this.client.list(query)
  }

  /** How many jobs are in which state, per namespace and queue. */
  counts(filter?: { readonly namespace?: string }): Promise<QueueCounts[]> {
    return this.client.counts(filter)
  }

  /** What workflow runs ask people (`flow.human`), the oldest question first. */
  inbox(options: InboxOptions = {}): AsyncIterable<Question> {
    checkKnown('inbox', options, ['assignee', 'namespace'])
    return readInbox(this.client, options)
  }

  /**
   * Answers a question of the inbox.
   *
   * @param token names it; whoever has it may answer.
   * @throws NOT_FOUND where nobody asks it any more.
   */
  answer(token: string, value: unknown, options: { readonly by?: string } = {}): Promise<void> {
    checkKnown('answer', options, ['by'])
    return answerQuestion(this.client, token, value, options.by)
  }

  /**
   * Makes a run that begins with what another one had done before a position, and goes on by itself, with another input or the code of today.
   * The other one is left as it is.
   *
   * @throws NOT_FOUND; DENIED at a node where one is no operator; with another input also where one may not enqueue.
   */
  async fork<Output = unknown>(run: JobReference, options: ForkOptions = {}): Promise<JobHandle<Output>> {
    checkKnown('fork', options, ['from', 'input', 'version'])
    return new JobHandle(this.client, await this.client.workflows.fork(this.job(run).id, options), true)
  }

  /** See {@link JobHandle.cancel}. */
  cancel(job: JobReference, options?: CancelOptions): Promise<ControlResult> {
    return this.job(job).cancel(options)
  }

  /** See {@link JobHandle.restart}. */
  restart(job: JobReference): Promise<ControlResult> {
    return this.job(job).restart()
  }

  /** See {@link JobHandle.expedite}. */
  expedite(job: JobReference): Promise<ControlResult> {
    return this.job(job).expedite()
  }

  /** See {@link JobHandle.hold}. */
  hold(job: JobReference): Promise<ControlResult> {
    return this.job(job).hold()
  }

  /** See {@link JobHandle.release}. */
  release(job: JobReference): Promise<ControlResult> {
    return this.job(job).release()
  }

  /** See {@link JobHandle.delete}. */
  delete(job: JobReference): Promise<ControlResult> {
    return this.job(job).delete()
  }

  /** See {@link JobHandle.snooze}. */
  snooze(job: JobReference, delay: Duration): Promise<ControlResult> {
    return this.job(job).snooze(delay)
  }

  /** See {@link JobHandle.reprioritize}. */
  reprioritize(job: JobReference, priority: number): Promise<ControlResult> {
    return this.job(job).reprioritize(priority)
  }

  /** See {@link JobHandle.repin}. */
  repin(job: JobReference, version?: string): Promise<ControlResult> {
    return this.job(job).repin(version)
  }

  /** Lets no job of a queue start until it is resumed. What runs goes on. */
  pause(queue: string): Promise<void> {
    return this.client.pauseQueue(queue, true)
  }

  /** Ends a pause. */
  resume(queue: string): Promise<void> {
    return this.client.pauseQueue(queue, false)
  }

  /** See {@link JobHandle.logs}. */
  logs(job: JobReference, options?: LogOptions): AsyncIterable<LogEntry> {
    return this.job(job).logs(options)
  }

  /** State changes of all jobs that the filter lets through, from now on, in the order of their commits. */
  watch(filter: WatchFilter = {}, signal?: AbortSignal): AsyncIterable<JobEvent> {
    return this.client.watch(filter, signal)
  }

  /** Drains the workers of this app, then closes the client. Jobs stay where they are. Never fails twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.stop()))
    await this.#closeClient()
  }

  #definition(what: JobDefinition | string): JobDefinition {
    return typeof what === 'string' ? this.#kind(what) : readDefinition('the definition of enqueue', what)
  }

  /** A kind that is only a name; its definition is kept, so that its jobs share one. */
  #kind(kind: string): JobDefinition {
    let definition = this.#kinds.get(kind)
    if (definition === undefined) {
      definition = defineJob(kind, {})
      this.#kinds.set(kind, definition)
    }
    return definition
  }
}

/**
 * Opens the store at an address, or connects to the process that owns it.
 *
 * @param url `memory:`, `sqlite:./app.db`, `sqlite::memory:`, `unix:/path.sock`, or `https://host:7400`.
 * @throws INVALID_URL, STORE_BUSY where another process owns the file, and the other STORE codes.
 */
export async function open(url: string, options: OpenOptions = {}): Promise<App> {
  checkKnown('open', options, ['surroundings', 'socket', 'tls', 'token', 'tokenFile', 'timeout'])
  const address = parseAddress(url)
  const { timeout } = options
  const channel = timeout === undefined ? {} : { timeoutMs: readTimeout(timeout) }
  if (address.type === 'unix') {
    const { connectSocket } = await import('./client/remote/remote.ts')
    return new App(await connectSocket(address.path, channel))
  }
  if (address.type === 'node') {
    const [{ connectNode }, { findCredential }, { readTlsFiles }] = await Promise.all([
      import('./client/remote/dial-node.ts'),
      import('./client/remote/credential.ts'),
      import('./client/remote/tls-files.ts'),
    ])
    const credential = findCredential(options, process.env)
    const tls = options.tls ?? readTlsFiles({}, process.env)
    return new App(await connectNode({ url: address.url, tls, ...(credential && { credential }) }, channel))
  }
  // loaded on demand: who speaks to another process needs no engine and no SQLite
  const { openEmbedded, openServed } = await import('./server/embedded.ts')
  const { socket = true, tls: _, token: __, tokenFile: ___, timeout: ____, ...rest } = options
  if (address.type === 'sqlite' && address.path !== ':memory:' && socket) {
    const { client, close } = await openServed({ path: address.path, ...rest })
    return new App(client, rest, close)
  }
  const path = address.type === 'sqlite' ? { path: address.path } : {}
  return new App(await openEmbedded({ store: address.type, ...path, ...rest }), rest)
}

function readTimeout(timeout: Duration): number {
  const ms = parseDuration(timeout, 'timeout')
  if (ms > 0 && ms <= MOST_TIMEOUT_MS) return ms
  throw invalidOption('timeout', 'longer than nothing and at most a day', timeout)
}

const MOST_TIMEOUT_MS = 86_400_000

function withDone(error: unknown, enqueued: number): unknown {
  if (!(error instanceof PerdureError)) return error
  const { code, message, data, cause } = error
  return new PerdureError(code, message, { data: { ...data, enqueued }, cause: cause ?? error })
}
