/**
 * The table of remote calls: for each method of the wire its procedure, and how arguments and answers become messages.
 *
 * The types hold it complete: a method that is missing here does not compile. The local socket carries the same methods
 * as JSON; what a method means is decided behind both.
 */
import type { DescMethod } from '@bufbuild/protobuf'
import type { JournalRow } from '../../core/model/journal.ts'
import { JobService } from '../generated/perdure/v1/jobs_pb.ts'
import { NodeService } from '../generated/perdure/v1/node_pb.ts'
import { WorkerService } from '../generated/perdure/v1/workers_pb.ts'
import { WorkflowService } from '../generated/perdure/v1/workflows_pb.ts'
import type { MethodName } from '../methods.ts'
import { type PackedJobs, packJobs } from '../pack.ts'
import { entryFromWire, entryToWire, rowFromWire, rowToWire, valueFromWire, valueToWire } from './journal.ts'
import { leaseFromWire, leaseToWire, reportFromWire, reportToWire } from './parts.ts'

type Plain = Readonly<Record<string, unknown>>
type Values = readonly unknown[]

/** One call. */
export interface RemoteCall {
  readonly procedure: DescMethod
  /** The request as plain data, from the arguments of the method. */
  toRequest(values: Values): Plain
  /** The arguments, from a request. */
  fromRequest(request: Plain): Values
  /** The response as plain data, from what the method answered, or from one item of a stream. */
  toResponse(answer: never): Plain
  /** What the method answered, from a response. */
  fromResponse(response: Plain): unknown
  /** True where JSON values stay the text that they came as. */
  readonly keepsText?: boolean
}

const same = <T>(value: T): T => value
const none = (): Plain => ({})
const done = (): null => null
const idOf = ([id]: Values): Plain => ({ id })
const withJobs = (jobs: unknown): Plain => ({ jobs })
const jobsOf = ({ jobs }: Plain): unknown => jobs

function rowsToWire({ rows, ...page }: Plain): Plain {
  return { ...page, rows: (rows as JournalRow[]).map(rowToWire) }
}
function rowsFromWire({ rows, ...page }: Plain): Plain {
  return { ...page, rows: (rows as Plain[]).map(rowFromWire) }
}

/** The session of a call: its number inside an exchange, otherwise the worker that it belongs to. */
const workerOf = (session: unknown): Plain => ({ session })
const sessionOf = ({ worker = {} }: Plain): unknown => (worker as Plain).session || worker

/** Every call. */
export const CALLS: Readonly<Record<MethodName, RemoteCall>> = {
  enqueue: {
    procedure: JobService.method.enqueue,
    toRequest: ([packed, options]) => ({ ...unshare(packed as PackedJobs), ...(options as Plain) }),
    fromRequest: ({ jobs, optionSets, ...options }) => [
      share(jobs as Plain[], optionSets as unknown[]),
      options,
    ],
    toResponse: withJobs,
    fromResponse: jobsOf,
  },
  import: {
    procedure: JobService.method.import,
    toRequest: ([jobs]) => ({ jobs: Array.isArray(jobs) ? jobs.map(splitPast) : jobs }),
    fromRequest: ({ jobs }) => [
      (jobs as Plain[]).map(({ job, ...past }) => ({ ...(job as Plain), ...past })),
    ],
    toResponse: withJobs,
    fromResponse: jobsOf,
  },
  get: {
    procedure: JobService.method.get,
    toRequest: idOf,
    fromRequest: ({ id }) => [id],
    toResponse: ({ history, dependsOn, dependents, options, ...job }: Plain) => ({
      ...{ job, history, dependsOn, dependents, options },
    }),
    fromResponse: ({ job, ...more }) => ({ ...(job as Plain), ...more }),
  },
  list: {
    procedure: JobService.method.list,
    toRequest: ([query]) => withIds(query as Plain),
    fromRequest: (query) => [query],
    toResponse: same,
    fromResponse: same,
  },
  counts: {
    procedure: JobService.method.counts,
    toRequest: ([filter]) => (filter as Plain | null) ?? {},
    fromRequest: (filter) => [filter],
    toResponse: (queues) => ({ queues }),
    fromResponse: ({ queues }) => queues,
  },
  control: {
    procedure: JobService.method.control,
    toRequest: ([id, verb]) => ({ ...(verb as Plain), id }),
    fromRequest: ({ id, ...verb }) => [id, verb],
    toResponse: same,
    fromResponse: same,
  },
  wait: {
    procedure: JobService.method.wait,
    toRequest: idOf,
    fromRequest: ({ id }) => [id],
    toResponse: same,
    fromResponse: same,
  },
  watch: {
    procedure: JobService.method.watch,
    toRequest: ([filter]) => withIds(filter as Plain),
    fromRequest: (filter) => [filter],
    toResponse: same,
    fromResponse: same,
  },
  logs: {
    procedure: JobService.method.logs,
    toRequest: ([id, options]) => ({ ...(options as Plain), id }),
    fromRequest: ({ id, ...options }) => [id, options],
    toResponse: same,
    fromResponse: same,
  },
  pauseQueue: {
    procedure: JobService.method.pauseQueue,
    toRequest: ([queue, paused]) => ({ queue, paused }),
    fromRequest: ({ queue, paused }) => [queue, paused],
    toResponse: none,
    fromResponse: done,
  },
  dependents: {
    procedure: JobService.method.dependents,
    toRequest: ([id, limit]) => ({ id, limit: limit ?? undefined }),
    fromRequest: ({ id, limit }) => [id, limit],
    toResponse: (ids) => ({ ids }),
    fromResponse: ({ ids }) => ids,
  },
  position: {
    procedure: NodeService.method.getPosition,
    toRequest: none,
    fromRequest: () => [],
    toResponse: (position) => ({ position }),
    fromResponse: ({ position }) => position,
  },
  info: {
    procedure: NodeService.method.info,
    toRequest: none,
    fromRequest: () => [],
    toResponse: (facts) => ({ facts }),
    fromResponse: ({ facts }) => facts,
  },
  check: {
    procedure: NodeService.method.check,
    toRequest: none,
    fromRequest: () => [],
    toResponse: (problems) => ({ problems }),
    fromResponse: ({ problems }) => problems,
  },
  tail: {
    procedure: NodeService.method.tail,
    toRequest: ([filter]) => filter as Plain,
    fromRequest: (filter) => [filter],
    toResponse: (record) => ({ record }),
    fromResponse: ({ record }) => record,
  },
  workers: {
    procedure: WorkerService.method.listWorkers,
    toRequest: none,
    fromRequest: () => [],
    toResponse: (workers) => ({ workers }),
    fromResponse: ({ workers }) => workers,
  },
  'workflows.signal': {
    procedure: WorkflowService.method.signal,
    toRequest: ([run, name, said]) => ({ ...(said as Plain), run, name }),
    fromRequest: ({ run, name, ...said }) => [run, name, said],
    toResponse: same,
    fromResponse: same,
  },
  'workflows.query': {
    procedure: WorkflowService.method.query,
    toRequest: ([run, name, said]) => ({ ...(said as Plain), run, name }),
    fromRequest: ({ run, name, ...said }) => [run, name, said],
    toResponse: same,
    fromResponse: same,
  },
  'workflows.update': {
    procedure: WorkflowService.method.update,
    toRequest: ([run, name, said]) => ({ ...(said as Plain), run, name }),
    fromRequest: ({ run, name, ...said }) => [run, name, said],
    toResponse: same,
    fromResponse: same,
  },
  'workflows.fork': {
    procedure: WorkflowService.method.fork,
    toRequest: ([run, options]) => ({ ...(options as Plain | null), run }),
    fromRequest: ({ run, ...options }) => [run, options],
    toResponse: (id) => ({ id }),
    fromResponse: ({ id }) => id,
  },
  'workflows.follow': {
    procedure: WorkflowService.method.follow,
    toRequest: ([run, name, options]) => ({ ...(options as Plain), run, name }),
    fromRequest: ({ run, name, ...options }) => [run, name, options],
    toResponse: valueToWire,
    fromResponse: valueFromWire,
    keepsText: true,
  },
  'workflows.journal': {
    procedure: WorkflowService.method.journal,
    toRequest: ([run, from]) => ({ run, from: from ?? undefined }),
    fromRequest: ({ run, from }) => [run, from],
    toResponse: rowsToWire,
    fromResponse: rowsFromWire,
    keepsText: true,
  },
  openWorker: {
    procedure: WorkerService.method.open,
    toRequest: ([worker, state]) => ({ worker, ...(state as Plain) }),
    fromRequest: ({ worker = {}, held }) => [worker, { held }],
    toResponse: (session) => ({ session }),
    fromResponse: ({ session }) => session,
  },
  'session.poll': {
    procedure: WorkerService.method.poll,
    // null is refused where nothing would pass for an empty list
    toRequest: ([session, request]) => ({
      ...{ queues: null, kinds: null },
      ...(request as Plain),
      worker: workerOf(session),
    }),
    fromRequest: ({ queues, kinds, slots, below, once, ...call }) => [
      sessionOf(call),
      {
        ...{ queues, kinds, slots },
        ...(below === undefined ? {} : { below }),
        ...(once === undefined ? {} : { once }),
      },
    ],
    toResponse: (leases: Plain[]) => ({ leases: leases.map(leaseToWire) }),
    fromResponse: ({ leases }) => (leases as Plain[]).map(leaseFromWire),
    keepsText: true,
  },
  'session.report': {
    procedure: WorkerService.method.report,
    toRequest: ([session, reports, request]) => ({
      worker: workerOf(session),
      reports: (reports as Plain[]).map(reportToWire),
      request,
    }),
    fromRequest: ({ reports, request = '', ...call }) => [
      sessionOf(call),
      (reports as Plain[]).map(reportFromWire),
      request,
    ],
    toResponse: (accepted) => ({ accepted }),
    fromResponse: ({ accepted }) => accepted,
  },
  'session.workflows.record': {
    procedure: WorkerService.method.writeJournal,
    toRequest: ([session, token, seen, entries, request]) => ({
      ...{ worker: workerOf(session), token, seen, request },
      entries: (entries as Plain[]).map(entryToWire),
    }),
    fromRequest: ({ token, seen, entries, request = '', ...call }) => [
      ...[sessionOf(call), token, seen],
      (entries as Plain[]).map(entryFromWire),
      request,
    ],
    toResponse: rowsToWire,
    fromResponse: rowsFromWire,
    keepsText: true,
  },
  'session.workflows.journal': {
    procedure: WorkerService.method.readJournal,
    toRequest: ([session, token, from]) => ({ worker: workerOf(session), token, from }),
    fromRequest: ({ token, from, ...call }) => [sessionOf(call), token, from],
    toResponse: rowsToWire,
    fromResponse: rowsFromWire,
    keepsText: true,
  },
  'session.workflows.answer': {
    procedure: WorkerService.method.answer,
    toRequest: ([session, token, answer]) => ({
      ...{ worker: workerOf(session), token },
      ...(answer == null ? { isDeclined: true } : valueToWire(answer as Plain)),
    }),
    fromRequest: ({ token, isDeclined, isBroken, value, ...call }) => [
      ...[sessionOf(call), token],
      isDeclined === true ? null : valueFromWire({ isBroken, value }),
    ],
    toResponse: none,
    fromResponse: done,
    keepsText: true,
  },
  'session.heartbeat': {
    procedure: WorkerService.method.heartbeat,
    toRequest: ([session, tokens]) => ({ worker: workerOf(session), tokens }),
    fromRequest: ({ tokens, ...call }) => [sessionOf(call), tokens],
    toResponse: ({ lost, stops = [], news = [] }: Plain & { stops?: Plain[] }) => ({
      ...{ lost, news },
      stops: stops.map(({ type: _, ...stop }) => stop),
    }),
    fromResponse: same,
  },
  'session.log': {
    procedure: WorkerService.method.log,
    toRequest: ([session, entries, request]) => ({ worker: workerOf(session), entries, request }),
    fromRequest: ({ entries, request = '', ...call }) => [sessionOf(call), entries, request],
    toResponse: none,
    fromResponse: done,
  },
  'session.progress': {
    procedure: WorkerService.method.progress,
    toRequest: ([session, token, fraction, message]) => ({
      ...{ worker: workerOf(session), token, fraction },
      message: message ?? undefined,
    }),
    fromRequest: ({ token, fraction, message, ...call }) => [sessionOf(call), token, fraction, message],
    toResponse: none,
    fromResponse: done,
  },
  'session.record': {
    procedure: WorkerService.method.record,
    toRequest: ([session, records]) => ({ worker: workerOf(session), records }),
    fromRequest: ({ records, ...call }) => [sessionOf(call), records],
    toResponse: none,
    fromResponse: done,
  },
  'session.tell': {
    procedure: WorkerService.method.describe,
    toRequest: ([session, status]) => ({ worker: workerOf(session), status }),
    fromRequest: ({ status = {}, ...call }) => [sessionOf(call), status],
    toResponse: none,
    fromResponse: done,
  },
  'session.close': {
    procedure: WorkerService.method.close,
    toRequest: ([session]) => ({ worker: workerOf(session) }),
    fromRequest: (call) => [sessionOf(call)],
    toResponse: none,
    fromResponse: done,
  },
}

/** The name of a call in an exchange: `JobService/Enqueue`. */
export function nameOf({ procedure }: RemoteCall): string {
  return `${procedure.parent.name}/${procedure.name}`
}

const BY_NAME = new Map(
  Object.entries(CALLS).map(([method, call]) => [nameOf(call), method as MethodName] as const),
)

/** The method of a name such as `JobService/Enqueue`; undefined where there is none. */
export function methodOf(name: string): MethodName | undefined {
  return BY_NAME.get(name)
}

function unshare({ jobs, options }: PackedJobs): Plain {
  if (options.length === 0) return { jobs }
  const numbered = jobs.map(({ options: optionSet, ...job }) => ({ ...job, optionSet }))
  return { jobs: numbered, optionSets: options }
}

/** Jobs may name a set of the call or bring one along. */
function share(jobs: Plain[], sets: readonly unknown[]): PackedJobs {
  if (sets.length === 0) return packJobs(jobs)
  const all = [...sets]
  const shared = jobs.map(({ optionSet, ...job }) => {
    if (job.options === undefined) return optionSet === undefined ? job : { ...job, options: optionSet }
    return { ...job, options: all.push(job.options) - 1 }
  })
  return { jobs: shared, options: all }
}

function splitPast(past: unknown): unknown {
  if (typeof past !== 'object' || past === null) return past
  const { createdAt, state, finishedAt, result, history, journal, ...job } = past as Plain
  return { job, createdAt, state, finishedAt, result, history, journal }
}

/** No job has it. An empty list of ids lets nothing through, but on the wire it is the same as none. */
const NOBODY = [Number.MAX_SAFE_INTEGER]

function withIds(query: Plain): Plain {
  return Array.isArray(query?.ids) && query.ids.length === 0 ? { ...query, ids: NOBODY } : query
}
