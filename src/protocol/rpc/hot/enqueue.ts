/**
 * Enqueue, written and read by hand: the request with its jobs, and the answer.
 *
 * A job with nothing but the fields below passes here; any other is one message of the generated code among them.
 */
import { toBinary } from '@bufbuild/protobuf'
import { JobSpecSchema, ProfileOptionsSchema } from '../../generated/perdure/v1/jobs_pb.ts'
import { decodeBody } from '../../json.ts'
import type { PackedJobs } from '../../pack.ts'
import { toMessage } from '../convert.ts'
import { plainOf } from './generated.ts'
import { type Reader, Repeated, UNREAD } from './reader.ts'
import type { Writer } from './writer.ts'

type Plain = Record<string, unknown>

/** EnqueueRequest. */
const JOBS = 1
const OPTION_SETS = 2
const REQUEST = 3
const IS_NEW_REQUEST = 4

/** JobSpec. */
const KIND = 1
const INPUT_JSON = 2
const QUEUE = 4
const NAMESPACE = 5
const PRIORITY = 6
const DELAY_MS = 7
const DUE_AT = 8
const KEY = 9
const OPTION_SET = 19

/** Enqueued. */
const ID = 1
const CREATED = 2

/** Writes the request of the arguments of `enqueue`. False for one that the generated code has to write, or refuse. */
export function writeEnqueue(writer: Writer, [packed, given]: readonly unknown[]): boolean {
  const { jobs, options } = packed as PackedJobs
  const { request, isNewRequest, ...others } = (given ?? {}) as Plain
  for (const _ in others) return false
  for (const job of jobs) writeJob(writer, job)
  for (const set of options) {
    const message = toMessage(ProfileOptionsSchema, set, 'optionSets')
    writer.raw(OPTION_SETS, toBinary(ProfileOptionsSchema, message))
  }
  if (request !== undefined && (typeof request !== 'string' || !writer.optionalText(REQUEST, request)))
    return false
  if (isNewRequest === true) writer.bool(IS_NEW_REQUEST, true)
  else if (isNewRequest !== undefined) return false
  return true
}

function writeJob(writer: Writer, job: Readonly<Plain>): void {
  const start = writer.open(JOBS)
  for (const key of Object.keys(job)) {
    const value = job[key]
    if (value === undefined || writeField(writer, key, value)) continue
    writer.at = start
    const { options, ...spec } = job
    const message = toMessage(
      JobSpecSchema,
      options === undefined ? spec : { ...spec, optionSet: options },
      'jobs',
    )
    writer.append(toBinary(JobSpecSchema, message))
    break
  }
  writer.close(start)
}

/** False for a field that is not among those of this file, or a value that does not fit it. */
function writeField(writer: Writer, key: string, value: unknown): boolean {
  switch (key) {
    case 'kind':
      return typeof value === 'string' && writer.optionalText(KIND, value)
    case 'input':
      return writeInput(writer, value)
    case 'queue':
      return typeof value === 'string' && writer.optionalText(QUEUE, value)
    case 'namespace':
      return typeof value === 'string' && writer.optionalText(NAMESPACE, value)
    case 'key':
      return typeof value === 'string' && writer.optionalText(KEY, value)
    case 'priority':
      if (typeof value !== 'number' || (value | 0) !== value) return false
      writer.sint32(PRIORITY, value)
      return true
    case 'delayMs':
    case 'dueAt':
      if (typeof value !== 'number') return false
      writer.optionalDouble(key === 'dueAt' ? DUE_AT : DELAY_MS, value)
      return true
    case 'options':
      writer.optionalUint32(OPTION_SET, value as number)
      return true
    default:
      return false
  }
}

function writeInput(writer: Writer, value: unknown): boolean {
  // what cannot be written is refused by the generated code's side, with the name of the field
  try {
    const text = JSON.stringify(value)
    return text !== undefined && writer.optionalText(INPUT_JSON, text)
  } catch {
    return false
  }
}

/** Reads the arguments of `enqueue`. */
export function readEnqueue(reader: Reader): readonly unknown[] {
  const jobs: Plain[] = []
  const options: unknown[] = []
  const given: Plain = {}
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case (JOBS << 3) | 2:
        jobs.push(readJob(reader))
        break
      case (OPTION_SETS << 3) | 2:
        options.push(plainOf(ProfileOptionsSchema, reader.raw()))
        break
      case (REQUEST << 3) | 2:
        given.request = reader.text()
        break
      case IS_NEW_REQUEST << 3:
        given.isNewRequest = reader.bool()
        break
      default:
        throw UNREAD
    }
  }
  return [{ jobs, options }, given]
}

const kinds = new Repeated()
const queues = new Repeated()
const namespaces = new Repeated()

function readJob(reader: Reader): Plain {
  const outer = reader.enter()
  const start = reader.at
  const job: Plain = {}
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case (KIND << 3) | 2:
        job.kind = kinds.read(reader)
        break
      case (INPUT_JSON << 3) | 2:
        job.input = decodeBody(reader.raw())
        break
      case (QUEUE << 3) | 2:
        job.queue = queues.read(reader)
        break
      case (NAMESPACE << 3) | 2:
        job.namespace = namespaces.read(reader)
        break
      case PRIORITY << 3:
        job.priority = reader.sint32()
        break
      case (DELAY_MS << 3) | 1:
        job.delayMs = reader.double()
        break
      case (DUE_AT << 3) | 1:
        job.dueAt = reader.double()
        break
      case (KEY << 3) | 2:
        job.key = reader.text()
        break
      case OPTION_SET << 3:
        job.options = reader.uint32()
        break
      default:
        reader.at = start
        return readAnyJob(reader, outer)
    }
  }
  reader.end = outer
  return job
}

/** A job with fields that are not among those of this file. */
function readAnyJob(reader: Reader, outer: number): Plain {
  const { optionSet, ...job } = plainOf(JobSpecSchema, reader.rest())
  // sets that jobs bring along are added to those of the call, which is done for the call as a whole
  if (job.options !== undefined) throw UNREAD
  reader.at = reader.end
  reader.end = outer
  return optionSet === undefined ? job : { ...job, options: optionSet }
}

/** Writes the answer of `enqueue`. */
export function writeEnqueued(writer: Writer, answer: unknown): boolean {
  for (const { id, created } of answer as readonly { id: number; created: boolean }[]) {
    const start = writer.open(JOBS)
    writer.double(ID, id)
    writer.bool(CREATED, created)
    writer.close(start)
  }
  return true
}

/** Reads the answer of `enqueue`. */
export function readEnqueued(reader: Reader): unknown {
  const jobs: { id: number; created: boolean }[] = []
  while (reader.at < reader.end) {
    if (reader.uint32() !== ((JOBS << 3) | 2)) throw UNREAD
    const outer = reader.enter()
    const job = { id: 0, created: false }
    while (reader.at < reader.end) {
      switch (reader.uint32()) {
        case (ID << 3) | 1:
          job.id = reader.double()
          break
        case CREATED << 3:
          job.created = reader.bool()
          break
        default:
          throw UNREAD
      }
    }
    reader.end = outer
    jobs.push(job)
  }
  return jobs
}
