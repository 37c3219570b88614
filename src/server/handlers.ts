/**
 * What each method of the wire does: the one table from names to the client's methods.
 *
 * The types hold it complete: a method that is missing here, or unknown to the table of the protocol, does
 * not compile.
 */
import type { Client, ImportedJob, PollRequest, Report, WorkerInfo, WorkerSession } from '../client/client.ts'
import type { ControlVerb, JobQuery, JobSpec, WatchFilter, WorkerStatus } from '../client/types.ts'
import type {
  AskOptions,
  FollowOptions,
  ForkOptions,
  RunAnswer,
  SignalCall,
  UpdateCall,
  WorkflowClient,
  WorkflowSession,
} from '../client/workflows.ts'
import { fitPage } from '../protocol/journal.ts'
import { malformed } from '../protocol/json.ts'
import type { WorkerName } from '../protocol/messages.ts'
import type { MethodName } from '../protocol/methods.ts'
import { unpackJobs } from '../protocol/pack.ts'
import type { TailFilter } from '../runtime/logger/book.ts'
import type { LogRecord } from '../runtime/logger/record.ts'
import { RECORDED, type Recorder } from './auth/recorder.ts'
import { listInParts } from './lists.ts'
import type { CallerSessions, NoticeSink } from './sessions.ts'

/** What a handler may use: the client of its caller, and what belongs to its connection. */
export interface HandlerContext {
  readonly client: Client
  readonly sessions: CallerSessions
  /** Keeps a record of what operators do. */
  readonly record: Recorder | undefined
  /** Aborts when the caller cancels or the connection closes. */
  readonly signal: AbortSignal
  /** Makes a session receive its notices over this connection. */
  adopt(session: number): NoticeSink
}

type Arguments = readonly unknown[]
type Handler = (context: HandlerContext, values: Arguments) => unknown

/** Every method of both interfaces, as the wire names them; `close` of a client is the end of its connection. */
type Required =
  | Exclude<keyof Client, 'close' | 'workflows'>
  | `workflows.${keyof WorkflowClient}`
  | `session.${Exclude<keyof WorkerSession, 'onNotice' | 'workflows'>}`
  | `session.workflows.${Exclude<keyof WorkflowSession, 'onNews' | 'onQuestion'>}`

const optional = <T>(value: unknown): T | undefined => (value ?? undefined) as T | undefined

/** Shape-checked values come in; the contents are the client's to judge. */
export const HANDLERS = {
  enqueue: ({ client }, [packed, options]) =>
    client.enqueue(
      unpackJobs(packed as Readonly<Record<string, unknown>>) as readonly JobSpec[],
      optional<{ request: string }>(options),
    ),
  import: ({ client }, [jobs]) => client.import(jobs as readonly ImportedJob[]),
  get: ({ client }, [id]) => client.get(id as number),
  list: ({ client }, [query]) => listInParts(client, query as JobQuery),
  counts: ({ client }, [filter]) => client.counts(optional(filter)),
  control: ({ client }, [id, verb]) => client.control(id as number, verb as ControlVerb),
  wait: ({ client, signal }, [id]) => client.wait(id as number, signal),
  watch: ({ client, signal }, [filter]) => client.watch(filter as WatchFilter, signal),
  logs: ({ client, signal }, [id, options]) =>
    client.logs(id as number, { ...optional<object>(options), signal }),
  pauseQueue: ({ client }, [queue, paused]) => client.pauseQueue(queue as string, paused as boolean),
  dependents: ({ client }, [id, limit]) => client.dependents(id as number, optional(limit)),
  'workflows.signal': ({ client }, [run, name, said]) => {
    const { value, ...options } = said as SignalCall & { readonly value?: unknown }
    return client.workflows.signal(run as number, name as string, value, options)
  },
  'workflows.query': async ({ client, signal }, [run, name, said]) => {
    const { input, ...options } = said as AskOptions & { readonly input?: unknown }
    const limits = { ...options, signal }
    return { value: await client.workflows.query(run as number, name as string, input, limits) }
  },
  'workflows.update': async ({ client, signal }, [run, name, said]) => {
    const { input, ...options } = said as UpdateCall & { readonly input?: unknown }
    const limits = { ...options, signal }
    return { value: await client.workflows.update(run as number, name as string, input, limits) }
  },
  'workflows.fork': ({ client }, [run, options]) =>
    client.workflows.fork(run as number, optional<ForkOptions>(options)),
  'workflows.follow': ({ client, signal }, [run, name, options]) =>
    client.workflows.follow(run as number, name as string, { ...optional<FollowOptions>(options), signal }),
  'workflows.journal': async ({ client }, [run, from]) =>
    fitPage(await client.workflows.journal(run as number, optional(from))),
  openWorker: async (context, [worker, state]) => {
    const session = await context.sessions.open(workerName(worker))
    const held = (state as { held?: unknown }).held
    const sink = context.adopt(session.number)
    context.sessions.attach(session, sink, isStrings(held) ? held : [])
    return session.number
  },
  workers: ({ client }) => client.workers(),
  position: ({ client }) => client.position(),
  info: ({ client }) => client.info(),
  check: ({ client }) => client.check(),
  tail: ({ client, signal }, [filter]) => client.tail(filter as TailFilter, signal),
  'session.poll': ({ sessions, signal }, [session, request]) =>
    sessions.get(session as number).poll(request as PollRequest, signal),
  'session.report': ({ sessions }, [session, reports, request]) =>
    sessions.get(session as number).report(reports as readonly Report[], request as string),
  'session.workflows.record': ({ sessions }, [session, token, seen, entries, request]) =>
    sessions
      .get(session as number)
      .recordRun(token as string, seen as number, entries as readonly unknown[], request as string),
  'session.workflows.journal': ({ sessions }, [session, token, from]) =>
    sessions.get(session as number).readRun(token as string, from as number),
  'session.workflows.answer': ({ sessions }, [session, token, answer]) =>
    sessions.get(session as number).answerRun(token as string, optional<RunAnswer>(answer)),
  'session.heartbeat': ({ sessions }, [session, tokens]) =>
    sessions.get(session as number).heartbeat(strings(tokens)),
  'session.log': ({ sessions }, [session, entries, request]) =>
    sessions.get(session as number).log(entries as Parameters<WorkerSession['log']>[0], request as string),
  'session.progress': ({ sessions }, [session, token, fraction, message]) =>
    sessions.get(session as number).progress(token as string, fraction as number, optional(message)),
  'session.record': ({ sessions }, [session, records]) =>
    sessions.get(session as number).record(records as readonly LogRecord[]),
  'session.tell': ({ sessions }, [session, status]) =>
    sessions.get(session as number).tell(status as WorkerStatus),
  'session.close': ({ sessions }, [session]) => sessions.close(session as number),
} as const satisfies Readonly<Record<Required & MethodName, Handler>> &
  Readonly<Record<MethodName | Required, Handler>>

/** Carries out a call that was authorized. */
export function perform(method: MethodName, context: HandlerContext, values: Arguments): unknown {
  const { record } = context
  if (record === undefined || !RECORDED.has(method)) return HANDLERS[method](context, values)
  return record(method, values, () => HANDLERS[method](context, values))
}

/** Reads who a worker says it is. Throws PROTOCOL. */
export function workerName(value: unknown): WorkerName {
  const { name, host, pid, instance } = value as Partial<Record<keyof (WorkerInfo & WorkerName), unknown>>
  if (
    typeof name !== 'string' ||
    typeof host !== 'string' ||
    !Number.isSafeInteger(pid) ||
    typeof instance !== 'string'
  ) {
    throw malformed('a worker as name, host, pid and instance', 'something else')
  }
  return { name, host, pid: pid as number, instance }
}

/** Reads an array of strings. Throws PROTOCOL. */
export function strings(value: unknown): readonly string[] {
  if (isStrings(value)) return value
  throw malformed('an array of strings', 'something else')
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'string')
}
