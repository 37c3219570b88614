/**
 * Leases, written and read by hand: the answer of a poll.
 *
 * A lease with more than the fields below (metadata, a command's surroundings) is one message of the generated code
 * among the others.
 */
import { toBinary } from '@bufbuild/protobuf'
import { LeaseSchema } from '../../generated/perdure/v1/workers_pb.ts'
import { toMessage } from '../convert.ts'
import { leaseFromWire, leaseToWire } from '../parts.ts'
import { plainOf } from './generated.ts'
import { type Reader, Repeated, UNREAD } from './reader.ts'
import type { Writer } from './writer.ts'

type Plain = Readonly<Record<string, unknown>>

/** PollResponse. */
const LEASES = 1

/** Lease. */
const JOB = 1
const KIND = 2
const QUEUE = 3
const NAMESPACE = 4
const ATTEMPT = 5
const ATTEMPT_SINCE_RESTART = 6
const IS_LAST_ATTEMPT = 7
const TOKEN = 8
const INPUT_JSON = 9
const START_TO_CLOSE_MS = 12
const HEARTBEAT_MS = 13
const GRACE_MS = 14
/** Fields beyond 15 have tags of two bytes. */
const PRIORITY = 16

/** A lease of which the fields of this file are all that there is to know. */
interface PlainLease {
  job: number
  kind: string
  queue: string
  namespace: string
  attempt: number
  attemptSinceRestart: number
  isLastAttempt: boolean
  token: string
  input: string | undefined
  metadata: Readonly<Record<string, string>>
  startToCloseMs: number
  heartbeatMs: number
  graceMs: number
  priority: number
}

const FIELDS = new Set([
  ...[
    'job',
    'kind',
    'queue',
    'namespace',
    'attempt',
    'attemptSinceRestart',
    'isLastAttempt',
    'token',
    'input',
  ],
  ...['metadata', 'startToCloseMs', 'heartbeatMs', 'graceMs', 'priority'],
])

function isPlain(lease: object): lease is PlainLease {
  for (const key in lease) if (!FIELDS.has(key)) return false
  for (const _ in (lease as PlainLease).metadata) return false
  return true
}

/** Writes the answer of a poll. */
export function writeLeases(writer: Writer, leases: unknown): boolean {
  for (const lease of leases as readonly object[]) {
    const start = writer.open(LEASES)
    if (!isPlain(lease) || !writeLease(writer, lease)) {
      writer.at = start
      writer.append(toBinary(LeaseSchema, toMessage(LeaseSchema, leaseToWire(lease as Plain), 'leases')))
    }
    writer.close(start)
  }
  return true
}

function writeLease(writer: Writer, lease: PlainLease): boolean {
  writer.double(JOB, lease.job)
  writer.uint32(ATTEMPT, lease.attempt)
  writer.uint32(ATTEMPT_SINCE_RESTART, lease.attemptSinceRestart)
  writer.bool(IS_LAST_ATTEMPT, lease.isLastAttempt)
  writer.double(START_TO_CLOSE_MS, lease.startToCloseMs)
  writer.double(HEARTBEAT_MS, lease.heartbeatMs)
  writer.double(GRACE_MS, lease.graceMs)
  if (lease.priority !== 0) writer.farDouble(PRIORITY, lease.priority)
  return (
    writer.text(KIND, lease.kind) &&
    writer.text(QUEUE, lease.queue) &&
    writer.text(NAMESPACE, lease.namespace) &&
    writer.text(TOKEN, lease.token) &&
    (lease.input === undefined || writer.optionalText(INPUT_JSON, lease.input))
  )
}

const kinds = new Repeated()
const queues = new Repeated()
const namespaces = new Repeated()

/** Reads the answer of a poll. */
export function readLeases(reader: Reader): unknown {
  const leases: Plain[] = []
  while (reader.at < reader.end) {
    if (reader.uint32() !== ((LEASES << 3) | 2)) throw UNREAD
    leases.push(readLease(reader) as unknown as Plain)
  }
  return leases
}

function readLease(reader: Reader): PlainLease | Plain {
  const outer = reader.enter()
  const start = reader.at
  const lease: PlainLease = {
    job: 0,
    kind: '',
    queue: '',
    namespace: '',
    attempt: 0,
    attemptSinceRestart: 0,
    isLastAttempt: false,
    token: '',
    input: undefined,
    metadata: NO_METADATA,
    startToCloseMs: 0,
    heartbeatMs: 0,
    graceMs: 0,
    priority: 0,
  }
  while (reader.at < reader.end) {
    if (readField(reader, lease)) continue
    reader.at = reader.end
    reader.end = outer
    const bytes = reader.bytes.subarray(start, reader.at)
    return leaseFromWire(plainOf(LeaseSchema, bytes, { keepsText: true }))
  }
  reader.end = outer
  return lease
}

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({})

function readField(reader: Reader, lease: PlainLease): boolean {
  switch (reader.uint32()) {
    case (JOB << 3) | 1:
      lease.job = reader.double()
      return true
    case (KIND << 3) | 2:
      lease.kind = kinds.read(reader)
      return true
    case (QUEUE << 3) | 2:
      lease.queue = queues.read(reader)
      return true
    case (NAMESPACE << 3) | 2:
      lease.namespace = namespaces.read(reader)
      return true
    case ATTEMPT << 3:
      lease.attempt = reader.uint32()
      return true
    case ATTEMPT_SINCE_RESTART << 3:
      lease.attemptSinceRestart = reader.uint32()
      return true
    case IS_LAST_ATTEMPT << 3:
      lease.isLastAttempt = reader.bool()
      return true
    case (TOKEN << 3) | 2:
      lease.token = reader.text()
      return true
    case (INPUT_JSON << 3) | 2:
      lease.input = reader.text()
      return true
    case (START_TO_CLOSE_MS << 3) | 1:
      lease.startToCloseMs = reader.double()
      return true
    case (HEARTBEAT_MS << 3) | 1:
      lease.heartbeatMs = reader.double()
      return true
    case (GRACE_MS << 3) | 1:
      lease.graceMs = reader.double()
      return true
    case (PRIORITY << 3) | 1:
      lease.priority = reader.double()
      return true
    default:
      return false
  }
}
