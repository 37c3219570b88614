/**
 * The client interface over a local socket or a network: everything the embedded client can do, from another process.
 *
 * Owns: which calls are repeated after a broken connection or a refusal for the time being. What the calls mean is decided at the other end.
 */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { type PerdureError, perdureError } from '../../errors.ts'
import { packJobs } from '../../protocol/pack.ts'
import type { TailFilter } from '../../runtime/logger/book.ts'
import type { LogRecord } from '../../runtime/logger/record.ts'
import type { Client, ImportedJob, RequestOptions, WorkerInfo, WorkerSession } from '../client.ts'
import type {
  ControlResult,
  ControlVerb,
  Enqueued,
  JobDetails,
  JobEnd,
  JobEvent,
  JobPage,
  JobQuery,
  JobSpec,
  LogEntry,
  Position,
  QueueCounts,
  WatchFilter,
  WorkerView,
} from '../types.ts'
import type { WorkflowClient } from '../workflows.ts'
import { Channel, type ChannelOptions } from './channel.ts'
import { socketDoor } from './dial.ts'
import type { Door } from './door.ts'
import { openRemoteWorker } from './session.ts'
import { remoteWorkflows } from './workflows.ts'

/**
 * Connects to a socket that `serveSocket` serves.
 *
 * Later breaks of the connection are mended by itself: reads under way reject with UNAVAILABLE, writes with
 * UNKNOWN_OUTCOME, except those that are safe to repeat (`enqueue`, `wait`, reports and logs of a worker), which are
 * repeated. Worker sessions keep their leases. These calls, and all that change nothing, are also repeated within their
 * time limit when the other end says that it is OVERLOADED, as late as it says.
 *
 * @throws PerdureError UNAVAILABLE when nobody answers; PROTOCOL when the other end is of another version.
 */
export async function connectSocket(path: string, options: ChannelOptions = {}): Promise<Client> {
  return connectDoor(socketDoor(resolve(path)), options)
}

/** Connects through a door, and stays connected until it is closed. */
export async function connectDoor(door: Door, options: ChannelOptions = {}): Promise<Client> {
  const channel = new Channel(door, options)
  await channel.open()
  return new RemoteClient(channel)
}

class RemoteClient implements Client {
  readonly workflows: WorkflowClient
  readonly #channel: Channel
  readonly #instance = randomUUID()
  #requests = 0
  readonly #workers = new Set<WorkerSession>()

  constructor(channel: Channel) {
    this.#channel = channel
    this.workflows = remoteWorkflows(channel)
  }

  async enqueue(jobs: readonly JobSpec[], options: RequestOptions = {}): Promise<Enqueued[]> {
    if (!Array.isArray(jobs) || jobs.some((job) => typeof job !== 'object' || job === null)) throw notJobs()
    const packed = packJobs(jobs)
    if (options.request !== undefined)
      return (await this.#channel.callAgain('enqueue', () => [packed, options])) as Enqueued[]
    // The same id in every repetition, so that the engine knows the call again.
    const request = this.#nextRequest()
    return (await this.#channel.callAgain('enqueue', (isFirst) => [
      packed,
      isFirst ? { request, isNewRequest: true } : { request },
    ])) as Enqueued[]
  }

  async import(jobs: readonly ImportedJob[]): Promise<Enqueued[]> {
    return (await this.#channel.call('import', [jobs])) as Enqueued[]
  }

  async get(id: number): Promise<JobDetails> {
    return (await this.#channel.read('get', [integer(id)])) as JobDetails
  }

  async list(query: JobQuery): Promise<JobPage> {
    return (await this.#channel.read('list', [query])) as JobPage
  }

  async counts(filter?: { readonly namespace?: string }): Promise<QueueCounts[]> {
    return (await this.#channel.read('counts', [filter ?? null])) as QueueCounts[]
  }

  async control(id: number, verb: ControlVerb): Promise<ControlResult> {
    return (await this.#channel.call('control', [integer(id), verb])) as ControlResult
  }

  async wait(id: number, signal?: AbortSignal): Promise<JobEnd> {
    return (await this.#channel.callAgain('wait', () => [integer(id)], { signal })) as JobEnd
  }

  watch(filter: WatchFilter, signal?: AbortSignal): AsyncIterable<JobEvent> {
    return this.#channel.stream<JobEvent>('watch', [filter], signal)
  }

  logs(
    id: number,
    options: { readonly attempt?: number; readonly follow?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<LogEntry> {
    const { signal, ...rest } = options
    return this.#channel.stream<LogEntry>('logs', [integer(id), rest], signal)
  }

  tail(filter: TailFilter, signal?: AbortSignal): AsyncIterable<LogRecord> {
    return this.#channel.stream<LogRecord>('tail', [filter], signal)
  }

  async pauseQueue(queue: string, paused: boolean): Promise<void> {
    await this.#channel.call('pauseQueue', [queue, paused])
  }

  async dependents(id: number, limit?: number): Promise<number[]> {
    return (await this.#channel.read('dependents', [integer(id), limit ?? null])) as number[]
  }

  async workers(): Promise<WorkerView[]> {
    return (await this.#channel.read('workers', [])) as WorkerView[]
  }

  async openWorker(info: WorkerInfo): Promise<WorkerSession> {
    const session = await openRemoteWorker(this.#channel, info)
    this.#workers.add(session)
    return session
  }

  async position(): Promise<Position> {
    return (await this.#channel.read('position', [])) as Position
  }

  async info(): Promise<Readonly<Record<string, string | number | boolean>>> {
    return (await this.#channel.read('info', [])) as Readonly<Record<string, string | number | boolean>>
  }

  async check(): Promise<readonly string[]> {
    return (await this.#channel.read('check', [])) as readonly string[]
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#workers].map((session) => session.close()))
    this.#channel.close()
  }

  /** Those of one client follow one another in the store's index, so that a commit of many writes few pages. */
  #nextRequest(): string {
    this.#requests += 1
    return `${this.#instance}.${this.#requests.toString(36).padStart(REQUEST_DIGITS, '0')}`
  }
}

/** Digits of a request's number: enough for a million a second for years. */
const REQUEST_DIGITS = 10

/** Ids are checked here, where the caller's mistake is still an option and not a malformed message. */
function integer(id: number): number {
  if (Number.isSafeInteger(id)) return id
  throw notAnId(id)
}

function notJobs(): PerdureError {
  return perdureError('INVALID_OPTION', {
    expected: "'jobs' to be an array of objects",
    found: 'something else',
    fix: 'Hand in an array, also for one job',
  })
}

function notAnId(id: unknown): PerdureError {
  return perdureError('INVALID_OPTION', {
    expected: 'a job id as a whole number',
    found: typeof id === 'number' ? String(id) : `a value of type ${typeof id}`,
    fix: 'Use the id that enqueue answered',
  })
}
